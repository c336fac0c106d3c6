using System.CommandLine;
using System.Globalization;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli;

/// <summary>
/// The options that say how speech becomes text: those of the <c>whisper</c> command with its names and defaults, beam
/// search among them, and those that faster-whisper adds.
/// </summary>
internal sealed class DecodingSettings
{
    /// <summary>More attempts at a window than that are a slip of the finger.</summary>
    private const int MostTemperatures = 100;

    private readonly Option<string?> _language = Define.Language("--language",
        "The language spoken, by code or English name. [default: detected in the first 30 seconds]");

    private readonly Option<string> _task = Define.Choice("--task",
        "Write what was said, or translate it to English.", "transcribe", "translate");

    private readonly Option<OrNone<double>> _temperature = Optional.Number("--temperature",
        "0 takes what is most probable; above, text is drawn, the more freely the higher.", 0, 0, 100);

    private readonly Option<OrNone<double>> _increment = Optional.Number("--temperature-increment-on-fallback",
        "How much higher the temperature of each further attempt is, up to 1, after repetitive or improbable text; None for one attempt.", 0.2, 0.01, 100);

    private readonly Option<OrNone<int>> _bestOf = Optional.Integer("--best-of", "Texts to draw above temperature 0; the best counts.", 5, 1, DecodingOptions.MostLanes);

    private readonly Option<OrNone<int>> _beamSize = Optional.Integer("--beam-size", "Texts to follow side by side at temperature 0; None is faster.", 5, 1, DecodingOptions.MostLanes);

    private readonly Option<OrNone<double>> _patience = Optional.Number("--patience", "Beam search ends when beams times this many texts have ended; None for 1.", null, 0, 1000);

    private readonly Option<OrNone<double>> _lengthPenalty = Optional.Number("--length-penalty", "How texts of different lengths compare, as in arXiv:1609.08144; None for the mean.", null, 0, 1);

    private readonly Option<ulong> _seed = new("--seed") { Description = "The same seed draws the same text.", HelpName = "N" };

    private readonly Option<int[]> _suppressTokens = Optional.List<int>("--suppress-tokens",
        "Ids of tokens that are never chosen; -1 stands for most symbols but punctuation.", "ID,...", [-1], "token ids (-1 or more)",
        text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int token) && token >= -1 ? token : null);

    private readonly Option<bool> _suppressBlank = Define.Flag("--suppress-blank", "Let no text begin with a blank.", initially: true);

    private readonly Option<bool> _withoutTimestamps = Define.Flag("--without-timestamps", "Text only; every window of 30 seconds becomes one segment.");

    private readonly Option<OrNone<double>> _maxInitial = Optional.Number("--max-initial-timestamp", "The latest beginning of a window's first segment, in seconds.", 1, 0, 30);

    private readonly Option<string?> _prefix = Define.Text("--prefix", "Text that every window begins with.", "TEXT");

    private readonly Option<string?> _prompt = Define.Text("--initial-prompt", "Text to pretend to have heard before: names, spelling, style.", "TEXT");

    private readonly Option<bool> _carry = Define.Flag("--carry-initial-prompt", "Begin every window's prompt with the initial prompt.");

    private readonly Option<string?> _hotwords = Define.Text("--hotwords", "Words to expect, at the beginning of every window's prompt.", "TEXT");

    private readonly Option<bool> _condition = Define.Flag("--condition-on-previous-text",
        "Let the text of a window be the prompt of the next.", initially: true);

    private readonly Option<OrNone<double>> _promptReset = Optional.Number("--prompt-reset-on-temperature",
        "... unless it took a higher temperature than this; None: whatever it took.", 0.5, 0, 100);

    private readonly Option<OrNone<double>> _compression = Optional.Number("--compression-ratio-threshold", "Text that compresses better than this is repetitive.", 2.4, 0, 1000);

    private readonly Option<OrNone<double>> _logProbability = Optional.Number("--logprob-threshold", "Text whose mean log-probability is below this is improbable.", -1, -1000, 0, "--log-prob-threshold");

    private readonly Option<OrNone<double>> _noSpeech = Optional.Number("--no-speech-threshold", "A window of improbable text whose no-speech probability is above this is silence.", 0.6, 0, 1);

    private readonly Option<OrNone<double>> _repetitionPenalty = Optional.Number("--repetition-penalty", "Above 1, what a window already says becomes less probable.", 1, 0.01, 1000);

    private readonly Option<OrNone<int>> _ngram = Optional.Integer("--no-repeat-ngram-size", "No sequence of this many tokens comes twice in a window; 0 for no such rule.", 0, 0, 448);

    private readonly Option<OrNone<int>> _maxNewTokens = Optional.Integer("--max-new-tokens", "The most tokens of a window; None for 224.", null, 1, 448);

    private readonly Option<double[]> _clips = Optional.List<double>("--clip-timestamps",
        "What to transcribe: start,end,start,end,... in seconds; without the last end, up to the end.", "SECONDS,...", [0], "seconds from 0 on",
        text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double time) && time >= 0 && time <= 1e6 ? time : null);

    private readonly Option<bool> _words = Define.Flag("--word-timestamps", "Find each word's place in time.");

    private readonly Option<string?> _prepend = Define.Text("--prepend-punctuations", $"Punctuation that joins the word behind it. [default: {new TranscriptionOptions().PrependPunctuations}]", "MARKS");

    private readonly Option<string?> _append = Define.Text("--append-punctuations", $"Punctuation that joins the word before it. [default: {new TranscriptionOptions().AppendPunctuations}]", "MARKS");

    private readonly Option<OrNone<double>> _hallucination = Optional.Number("--hallucination-silence-threshold",
        "With --word-timestamps: skip silence of more than this many seconds around what was probably not said.", null, 0, 1e6);

    private readonly Option<OrNone<int>> _detectionSegments = Optional.Integer("--language-detection-segments", "Windows to look at for the language, until one is sure.", 1, 1, 100_000);

    private readonly Option<OrNone<double>> _detectionThreshold = Optional.Number("--language-detection-threshold", "A language whose probability is above this is sure.", 0.5, 0, 1);

    private readonly Option<bool> _multilingual = Define.Flag("--multilingual", "Detect the language of each window anew.");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
        {
            _language, _task, _temperature, _increment, _bestOf, _beamSize, _patience, _lengthPenalty, _seed, _suppressTokens, _suppressBlank, _withoutTimestamps,
            _maxInitial, _prefix, _prompt, _carry, _hotwords, _condition, _promptReset, _compression, _logProbability, _noSpeech, _repetitionPenalty, _ngram,
            _maxNewTokens, _clips, _words, _prepend, _append, _hallucination, _detectionSegments, _detectionThreshold, _multilingual,
        })
        {
            command.Add(option);
        }
    }

    /// <summary>The option that names what to transcribe.</summary>
    public string ClipsName => _clips.Name;

    /// <summary>Whether parts of the recording were named.</summary>
    public bool HasClips(ParseResult parsed) => IsGiven(parsed, _clips);

    /// <summary>Whether the text of earlier windows is asked for, and not only a default.</summary>
    public bool AsksForPreviousText(ParseResult parsed) => IsGiven(parsed, _condition) && parsed.GetValue(_condition);

    /// <summary>Whether silence around hallucinations is to be skipped.</summary>
    public bool AsksForHallucinations(ParseResult parsed) => parsed.GetValue(_hallucination).Value is not null;

    /// <summary>What was chosen, but for the prefix.</summary>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public TranscriptionOptions Read(ParseResult parsed)
    {
        RefuseContradictions(parsed);
        TranscriptionOptions initially = new();
        return new TranscriptionOptions
        {
            Decoding = new DecodingOptions
            {
                Language = parsed.GetValue(_language),
                Task = parsed.GetRequiredValue(_task) == "translate" ? SpeechTask.Translate : SpeechTask.Transcribe,
                BestOf = parsed.GetValue(_bestOf).Value,
                BeamSize = parsed.GetValue(_beamSize).Value,
                Patience = parsed.GetValue(_patience).Value,
                LengthPenalty = parsed.GetValue(_lengthPenalty).Value,
                Seed = parsed.GetValue(_seed),
                SuppressTokens = parsed.GetRequiredValue(_suppressTokens),
                SuppressBlank = parsed.GetValue(_suppressBlank),
                WithoutTimestamps = parsed.GetValue(_withoutTimestamps),
                MaxInitialTimestamp = parsed.GetValue(_maxInitial).Value,
                RepetitionPenalty = parsed.GetValue(_repetitionPenalty).Value ?? 1,
                NoRepeatNgramSize = parsed.GetValue(_ngram).Value ?? 0,
                MaxNewTokens = parsed.GetValue(_maxNewTokens).Value,
            },
            Temperatures = Temperatures(parsed),
            CompressionRatioThreshold = parsed.GetValue(_compression).Value,
            LogProbabilityThreshold = parsed.GetValue(_logProbability).Value,
            NoSpeechThreshold = parsed.GetValue(_noSpeech).Value,
            ConditionOnPreviousText = parsed.GetValue(_condition),
            PromptResetOnTemperature = parsed.GetValue(_promptReset).Value ?? double.PositiveInfinity,
            InitialPrompt = parsed.GetValue(_prompt),
            CarryInitialPrompt = parsed.GetValue(_carry),
            Hotwords = parsed.GetValue(_hotwords),
            Clips = parsed.GetRequiredValue(_clips),
            WordTimestamps = parsed.GetValue(_words),
            PrependPunctuations = parsed.GetValue(_prepend) ?? initially.PrependPunctuations,
            AppendPunctuations = parsed.GetValue(_append) ?? initially.AppendPunctuations,
            HallucinationSilenceThreshold = parsed.GetValue(_hallucination).Value,
            LanguageDetectionSegments = parsed.GetValue(_detectionSegments).Value ?? initially.LanguageDetectionSegments,
            LanguageDetectionThreshold = parsed.GetValue(_detectionThreshold).Value ?? initially.LanguageDetectionThreshold,
            Multilingual = parsed.GetValue(_multilingual),
        };
    }

    /// <summary>The options as a model can follow them, and what has to be said about that.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="options">What <see cref="Read"/> gave.</param>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="promptRoom">The most tokens of a prompt.</param>
    /// <param name="tell">Takes a sentence for the user.</param>
    /// <exception cref="UsageException">The model cannot do what is asked.</exception>
    public TranscriptionOptions For(ParseResult parsed, TranscriptionOptions options, WhisperTokenizer tokenizer, string model, int promptRoom, Action<string> tell)
    {
        DecodingOptions decoding = options.Decoding;
        if (!tokenizer.Special.IsMultilingual)
        {
            if (decoding.Task == SpeechTask.Translate)
            {
                throw new UsageException($"The model '{model}' knows only English, so there is nothing to translate: choose a multilingual one for {_task.Name} translate.");
            }

            if (decoding.Language is { } language and not "en")
            {
                tell($"{model} knows only English: {EnglishName(language)} is taken for English.");
                decoding = decoding with { Language = "en" };
            }

            if (options.Multilingual)
            {
                tell($"{model} knows only English: {_multilingual.Name} changes nothing.");
            }
        }

        if (options.WordTimestamps && decoding.Task == SpeechTask.Translate)
        {
            tell("Times of translated words are guesses: a translation does not follow the order of what was said.");
        }

        foreach (Option<string?> option in new[] { _prompt, _hotwords })
        {
            if (parsed.GetValue(option) is { } text && Encode(tokenizer, text).Length is int tokens && tokens > promptRoom)
            {
                tell($"{option.Name} has {tokens} tokens, more than the {promptRoom} that fit: {(option == _prompt ? "the last" : "the first")} {promptRoom} count.");
            }
        }

        return options with { Decoding = decoding with { Prefix = parsed.GetValue(_prefix) is { } prefix ? Encode(tokenizer, prefix) : [] } };
    }

    /// <summary>How to transcribe a recording by these options, with the model that the loop loads when it is first needed.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="options">What <see cref="Read"/> gave.</param>
    /// <param name="loop">Has the model.</param>
    /// <param name="narrator">Tells how it goes.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Takes the sound and the name of a recording.</returns>
    public Func<AudioClip, string, Transcript> Transcription(
        ParseResult parsed, TranscriptionOptions options, RecordingLoop loop, Narrator narrator, CancellationToken cancellation)
    {
        TranscriptionOptions? fitting = null;
        return (clip, recording) =>
        {
            fitting ??= For(parsed, options, loop.Model, narrator);
            return narrator.Transcribe(recording, clip, loop.Model, fitting, () => loop.Transcriber.Start(PreparedRecording.Of(clip.Samples, fitting, cancellation), cancellation));
        };
    }

    /// <summary>The options as a model can follow them; see the other overload.</summary>
    /// <exception cref="UsageException">The model cannot do what is asked.</exception>
    public TranscriptionOptions For(ParseResult parsed, TranscriptionOptions options, WhisperModel model, Narrator narrator) =>
        For(parsed, options, model.Tokenizer, model.Name, (model.Dimensions.TextContext / 2) - 1, narrator.Tell);

    /// <summary>A language's name as it is written.</summary>
    public static string EnglishName(string code) => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(Languages.Names[code]);

    private static int[] Encode(WhisperTokenizer tokenizer, string text) => tokenizer.Encode(" " + PythonText.Strip(text));

    /// <summary>As numpy.arange has them: 0.6000000000000001 is the fourth, and that is what files show.</summary>
    private double[] Temperatures(ParseResult parsed)
    {
        double first = parsed.GetValue(_temperature).Value ?? 0;
        return parsed.GetValue(_increment).Value is double increment && first <= 1
            ? [.. Enumerable.Range(0, MostTemperatures).Select(i => first + (i * increment)).TakeWhile(temperature => temperature < 1 + 1e-6)]
            : [first];
    }

    private void RefuseContradictions(ParseResult parsed)
    {
        Refuse(
            parsed.GetValue(_patience).Value is not null && parsed.GetValue(_beamSize).Value is null,
            $"{_patience.Name} says how long a beam search goes on, but {_beamSize.Name} is None: give a number of beams, or leave {_patience.Name} out.");
        Refuse(
            IsGiven(parsed, _bestOf) && parsed.GetValue(_bestOf).Value is not null && Temperatures(parsed) is [0],
            $"{_bestOf.Name} counts above temperature 0, but there is no other: give {_temperature.Name} or {_increment.Name}, or leave {_bestOf.Name} out.");
        Refuse(
            IsGiven(parsed, _maxInitial) && parsed.GetValue(_maxInitial).Value is not null && parsed.GetValue(_withoutTimestamps),
            $"{_maxInitial.Name} is about timestamps, but {_withoutTimestamps.Name} forbids them: give only one of them.");
        Refuse(
            parsed.GetValue(_hallucination).Value is not null && !parsed.GetValue(_words),
            $"{_hallucination.Name} needs the words' times: give {_words.Name} as well.");
        Refuse(
            parsed.GetValue(_multilingual) && parsed.GetValue(_language) is not null,
            $"{_multilingual.Name} detects each window's language, and {_language.Name} gives one for all: give only one of them.");
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static void Refuse(bool contradiction, string sentence)
    {
        if (contradiction)
        {
            throw new UsageException(sentence);
        }
    }
}
