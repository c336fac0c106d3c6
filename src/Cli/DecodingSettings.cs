using System.CommandLine;
using System.Globalization;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Settings;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli;

/// <summary>
/// The options that say how speech becomes text: <see cref="TranscriptionSettings"/> with the defaults of the <c>whisper</c>
/// command, beam search among them, and what has to be asked of the model.
/// </summary>
internal sealed class DecodingSettings
{
    private static readonly TranscriptionChoice Initially = new() { Options = new TranscriptionOptions { Decoding = new DecodingOptions { BeamSize = 5, BestOf = 5 } } };

    private readonly SettingOptions<TranscriptionChoice> _settings = new(TranscriptionSettings.All, Initially);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in _settings.Options)
        {
            command.Add(option);
        }
    }

    /// <summary>The option that names what to transcribe.</summary>
    public static string ClipsName => Name("clip_timestamps");

    /// <summary>Whether parts of the recording were named.</summary>
    public bool HasClips(ParseResult parsed) => _settings.IsGiven(parsed, "clip_timestamps");

    /// <summary>Whether the text of earlier windows is asked for, and not only a default.</summary>
    public bool AsksForPreviousText(ParseResult parsed) => _settings.IsGiven(parsed, "condition_on_previous_text") && _settings.Read(parsed).Options.ConditionOnPreviousText;

    /// <summary>Whether silence around hallucinations is to be skipped.</summary>
    public bool AsksForHallucinations(ParseResult parsed) => _settings.Read(parsed).Options.HallucinationSilenceThreshold is not null;

    /// <summary>What was chosen.</summary>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public TranscriptionOptions Read(ParseResult parsed)
    {
        TranscriptionOptions options = _settings.Read(parsed).ToOptions();
        RefuseContradictions(parsed, options, options.Decoding);
        return options;
    }

    /// <summary>The options as a model can follow them, and what has to be said about that.</summary>
    /// <param name="options">What <see cref="Read"/> gave.</param>
    /// <param name="model">The model.</param>
    /// <param name="tell">Takes a sentence for the user.</param>
    /// <exception cref="UsageException">The model cannot do what is asked.</exception>
    public static TranscriptionOptions For(TranscriptionOptions options, WhisperModel model, Action<string> tell)
    {
        DecodingOptions decoding = options.Decoding;
        int promptRoom = (model.Dimensions.TextContext / 2) - 1;
        if (!model.Tokenizer.Special.IsMultilingual)
        {
            if (decoding.Task == SpeechTask.Translate)
            {
                throw new UsageException($"The model '{model.Name}' knows only English, so there is nothing to translate: choose a multilingual one for {Name("task")} translate.");
            }

            if (decoding.Language is { } language and not "en")
            {
                tell($"{model.Name} knows only English: {EnglishName(language)} is taken for English.");
                decoding = decoding with { Language = "en" };
            }

            if (options.Multilingual)
            {
                tell($"{model.Name} knows only English: {Name("multilingual")} changes nothing.");
            }
        }

        if (options.WordTimestamps && decoding.Task == SpeechTask.Translate)
        {
            tell("Times of translated words are guesses: a translation does not follow the order of what was said.");
        }

        TellWhatIsCut("initial_prompt", options.InitialPrompt, "the last");
        TellWhatIsCut("hotwords", options.Hotwords, "the first");
        CountTokens(model.Tokenizer, "prefix", decoding.Prefix);
        return options with { Decoding = decoding };

        void TellWhatIsCut(string setting, Prompt? text, string what)
        {
            if (CountTokens(model.Tokenizer, setting, text) is int tokens && tokens > promptRoom)
            {
                tell($"{Name(setting)} has {tokens} tokens, more than the {promptRoom} that fit: {what} {promptRoom} count.");
            }
        }
    }

    /// <summary>How to transcribe a recording by these options, with the model that the loop loads when it is first needed.</summary>
    /// <param name="options">What <see cref="Read"/> gave.</param>
    /// <param name="loop">Has the model.</param>
    /// <param name="narrator">Tells how it goes.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Takes the sound and the name of a recording.</returns>
    public static Func<AudioClip, string, Transcript> Transcription(TranscriptionOptions options, RecordingLoop loop, Narrator narrator, CancellationToken cancellation)
    {
        TranscriptionOptions? fitting = null;
        return (clip, recording) =>
        {
            fitting ??= For(options, loop.Model, narrator.Tell);
            return narrator.Transcribe(recording, clip, loop.Model, fitting, () => loop.Transcriber.Start(PreparedRecording.Of(clip.Samples, fitting, cancellation), cancellation));
        };
    }

    /// <summary>A language's name as it is written.</summary>
    public static string EnglishName(string code) => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(Languages.Names[code]);

    private static int CountTokens(WhisperTokenizer tokenizer, string setting, Prompt? text)
    {
        try
        {
            return text?.Encode(tokenizer).Count ?? 0;
        }
        catch (TokenizationException failure)
        {
            throw new UsageException($"{Name(setting)}: {failure.Message}");
        }
    }

    private static string Name(string setting) => SettingOptions<TranscriptionChoice>.NameOf(setting);

    private void RefuseContradictions(ParseResult parsed, TranscriptionOptions options, DecodingOptions decoding)
    {
        Refuse(
            decoding.Patience is not null && decoding.BeamSize is null,
            $"{Name("patience")} says how long a beam search goes on, but {Name("beam_size")} is None: give a number of beams, or leave {Name("patience")} out.");
        Refuse(
            _settings.IsGiven(parsed, "best_of") && decoding.BestOf is not null && options.Temperatures is [0],
            $"{Name("best_of")} counts above temperature 0, but there is no other: give {Name("temperature")} or {Name("temperature_increment_on_fallback")}, or leave {Name("best_of")} out.");
        Refuse(
            _settings.IsGiven(parsed, "max_initial_timestamp") && decoding.MaxInitialTimestamp is not null && decoding.WithoutTimestamps,
            $"{Name("max_initial_timestamp")} is about timestamps, but {Name("without_timestamps")} forbids them: give only one of them.");
        Refuse(
            options.HallucinationSilenceThreshold is not null && !options.WordTimestamps,
            $"{Name("hallucination_silence_threshold")} needs the words' times: give {Name("word_timestamps")} as well.");
        Refuse(
            options.Multilingual && decoding.Language is not null,
            $"{Name("multilingual")} detects each window's language, and {Name("language")} gives one for all: give only one of them.");
    }

    private static void Refuse(bool contradiction, string sentence)
    {
        if (contradiction)
        {
            throw new UsageException(sentence);
        }
    }
}
