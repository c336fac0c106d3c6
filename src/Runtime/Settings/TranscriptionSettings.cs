using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Settings;

/// <summary>
/// What can be chosen by name about how speech becomes text: the options of openai/whisper's command under its names, and
/// those that faster-whisper adds.
/// </summary>
public static class TranscriptionSettings
{
    private static readonly ValueKind<double?> Count = ValueKind.Number(0, 1000).OrNone(), Share = ValueKind.Number(0, 1).OrNone(), Degrees = ValueKind.Number(0, 100).OrNone();

    private static readonly ValueKind<int?> Lanes = ValueKind.WholeNumber(1, DecodingOptions.MostLanes).OrNone();

    /// <summary>The settings, in the order in which help lists them.</summary>
    public static IReadOnlyList<Setting<TranscriptionChoice>> All { get; } =
    [
        Decode("language", "The language spoken, by code or English name; detected in the first 30 seconds if it is not given.", ValueKind.Language, decoding => decoding.Language, (decoding, value) => decoding with { Language = value }),
        Decode("task", "Write what was said, or translate it to English.", ValueKind.Choice("transcribe", "translate"),
            decoding => decoding.Task == SpeechTask.Translate ? "translate" : "transcribe",
            (decoding, value) => decoding with { Task = value == "translate" ? SpeechTask.Translate : SpeechTask.Transcribe }),
        Choose("temperature", "0 takes what is most probable; above, text is drawn, the more freely the higher.", Degrees,
            choice => choice.Temperature, (choice, value) => choice with { Temperature = value ?? 0 }),
        Choose("temperature_increment_on_fallback", "How much higher the temperature of each further attempt is, up to 1, after repetitive or improbable text; None for one attempt.",
            ValueKind.Number(0.01, 100).OrNone(), choice => choice.TemperatureIncrement, (choice, value) => choice with { TemperatureIncrement = value }),
        Decode("best_of", "Texts to draw above temperature 0; the best counts.", Lanes, decoding => decoding.BestOf, (decoding, value) => decoding with { BestOf = value }),
        Decode("beam_size", "Texts to follow side by side at temperature 0; None is faster.", Lanes, decoding => decoding.BeamSize, (decoding, value) => decoding with { BeamSize = value }),
        Decode("patience", "Beam search ends when beams times this many texts have ended; None for 1.", Count, decoding => decoding.Patience, (decoding, value) => decoding with { Patience = value }),
        Decode("length_penalty", "How texts of different lengths compare, as in arXiv:1609.08144; None for the mean.", Share,
            decoding => decoding.LengthPenalty, (decoding, value) => decoding with { LengthPenalty = value }),
        Decode("seed", "The same seed draws the same text.", ValueKind.WholeNumber(0UL, ulong.MaxValue), decoding => decoding.Seed, (decoding, value) => decoding with { Seed = value }),
        Decode("suppress_tokens", "Ids of tokens that are never chosen; -1 stands for most symbols but punctuation.",
            ValueKind.WholeNumber(-1, int.MaxValue).Several("token ids (-1 or more)", "ID,..."), decoding => decoding.SuppressTokens, (decoding, value) => decoding with { SuppressTokens = value }),
        Decode("suppress_blank", "Let no text begin with a blank.", ValueKind.Flag, decoding => decoding.SuppressBlank, (decoding, value) => decoding with { SuppressBlank = value }),
        Decode("without_timestamps", "Text only; every window of 30 seconds becomes one segment.", ValueKind.Flag,
            decoding => decoding.WithoutTimestamps, (decoding, value) => decoding with { WithoutTimestamps = value }),
        Decode("max_initial_timestamp", "The latest beginning of a window's first segment, in seconds.", ValueKind.Number(0, 30).OrNone(),
            decoding => decoding.MaxInitialTimestamp, (decoding, value) => decoding with { MaxInitialTimestamp = value }),
        Transcribe("initial_prompt", "Text to pretend to have heard before: names, spelling, style.", ValueKind.Text("TEXT"),
            options => options.InitialPrompt?.Text, (options, value) => options with { InitialPrompt = value }),
        Transcribe("carry_initial_prompt", "Begin every window's prompt with the initial prompt.", ValueKind.Flag,
            options => options.CarryInitialPrompt, (options, value) => options with { CarryInitialPrompt = value }),
        Transcribe("hotwords", "Words to expect, at the beginning of every window's prompt.", ValueKind.Text("TEXT"), options => options.Hotwords, (options, value) => options with { Hotwords = value }),
        Decode("prefix", "Text that every window begins with.", ValueKind.Text("TEXT"), decoding => decoding.Prefix?.Text, (decoding, value) => decoding with { Prefix = value }),
        Transcribe("condition_on_previous_text", "Let the text of a window be the prompt of the next.", ValueKind.Flag,
            options => options.ConditionOnPreviousText, (options, value) => options with { ConditionOnPreviousText = value }),
        Transcribe("prompt_reset_on_temperature", "... unless it took a higher temperature than this; None: whatever it took.", Degrees,
            options => double.IsPositiveInfinity(options.PromptResetOnTemperature) ? null : options.PromptResetOnTemperature,
            (options, value) => options with { PromptResetOnTemperature = value ?? double.PositiveInfinity }),
        Transcribe("compression_ratio_threshold", "Text that compresses better than this is repetitive.", Count,
            options => options.CompressionRatioThreshold, (options, value) => options with { CompressionRatioThreshold = value }),
        Transcribe("logprob_threshold", "Text whose mean log-probability is below this is improbable.", ValueKind.Number(-1000, 0).OrNone(),
            options => options.LogProbabilityThreshold, (options, value) => options with { LogProbabilityThreshold = value }, "log_prob_threshold"),
        Transcribe("no_speech_threshold", "A window of improbable text whose no-speech probability is above this is silence.", Share,
            options => options.NoSpeechThreshold, (options, value) => options with { NoSpeechThreshold = value }),
        Decode("repetition_penalty", "Above 1, what a window already says becomes less probable.", ValueKind.Number(0.01, 1000).OrNone(),
            decoding => decoding.RepetitionPenalty, (decoding, value) => decoding with { RepetitionPenalty = value ?? 1 }),
        Decode("no_repeat_ngram_size", "No sequence of this many tokens comes twice in a window; 0 for no such rule.", ValueKind.WholeNumber(0, 448).OrNone(),
            decoding => decoding.NoRepeatNgramSize, (decoding, value) => decoding with { NoRepeatNgramSize = value ?? 0 }),
        Decode("max_new_tokens", "The most tokens of a window; None for 224.", ValueKind.WholeNumber(1, 448).OrNone(),
            decoding => decoding.MaxNewTokens, (decoding, value) => decoding with { MaxNewTokens = value }),
        Transcribe("clip_timestamps", "What to transcribe: start,end,start,end,... in seconds; without the last end, up to the end.",
            ValueKind.Number(0, 1e6).Several("seconds from 0 on", "SECONDS,..."), options => options.Clips, (options, value) => options with { Clips = value }),
        Transcribe("word_timestamps", "Find each word's place in time.", ValueKind.Flag, options => options.WordTimestamps, (options, value) => options with { WordTimestamps = value }),
        Transcribe("prepend_punctuations", "Punctuation that joins the word behind it.", ValueKind.Text("MARKS"),
            options => options.PrependPunctuations, (options, value) => options with { PrependPunctuations = value ?? "" }),
        Transcribe("append_punctuations", "Punctuation that joins the word before it.", ValueKind.Text("MARKS"),
            options => options.AppendPunctuations, (options, value) => options with { AppendPunctuations = value ?? "" }),
        Transcribe("hallucination_silence_threshold", "With the words' times: skip silence of more than this many seconds around what was probably not said.", ValueKind.Number(0, 1e6).OrNone(),
            options => options.HallucinationSilenceThreshold, (options, value) => options with { HallucinationSilenceThreshold = value }),
        Transcribe("language_detection_segments", "Windows to look at for the language, until one is sure.", ValueKind.WholeNumber(1, 100_000).OrNone(),
            options => options.LanguageDetectionSegments, (options, value) => options with { LanguageDetectionSegments = value ?? new TranscriptionOptions().LanguageDetectionSegments }),
        Transcribe("language_detection_threshold", "A language whose probability is above this is sure.", Share,
            options => options.LanguageDetectionThreshold, (options, value) => options with { LanguageDetectionThreshold = value ?? new TranscriptionOptions().LanguageDetectionThreshold }),
        Transcribe("multilingual", "Detect the language of each window anew.", ValueKind.Flag, options => options.Multilingual, (options, value) => options with { Multilingual = value }),
    ];

    private static Setting<TranscriptionChoice, T> Choose<T>(
        string name, string description, ValueKind<T> kind, Func<TranscriptionChoice, T> get, Func<TranscriptionChoice, T, TranscriptionChoice> set, params string[] aliases) =>
        new Setting<TranscriptionChoice, T>(kind, get, set) { Name = name, Aliases = aliases, Description = description };

    private static Setting<TranscriptionChoice, T> Transcribe<T>(
        string name, string description, ValueKind<T> kind, Func<TranscriptionOptions, T> get, Func<TranscriptionOptions, T, TranscriptionOptions> set, params string[] aliases) =>
        Choose(name, description, kind, choice => get(choice.Options), (choice, value) => choice with { Options = set(choice.Options, value) }, aliases);

    private static Setting<TranscriptionChoice, T> Decode<T>(
        string name, string description, ValueKind<T> kind, Func<DecodingOptions, T> get, Func<DecodingOptions, T, DecodingOptions> set) =>
        Transcribe(name, description, kind, options => get(options.Decoding), (options, value) => options with { Decoding = set(options.Decoding, value) });
}
