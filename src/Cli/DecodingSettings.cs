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
/// command, beam search among them, and what needs the model's tokenizer.
/// </summary>
internal sealed class DecodingSettings
{
    private static readonly TranscriptionChoice Initially = new() { Options = new TranscriptionOptions { Decoding = new DecodingOptions { BeamSize = 5, BestOf = 5 } } };

    private readonly SettingOptions<TranscriptionChoice> _settings = new(TranscriptionSettings.All, Initially);

    private readonly Option<string?> _prefix = Define.Text("--prefix", "Text that every window begins with.", "TEXT");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in _settings.Options)
        {
            command.Add(option);
        }

        command.Add(_prefix);
    }

    /// <summary>The option that names what to transcribe.</summary>
    public static string ClipsName => Name("clip_timestamps");

    /// <summary>Whether parts of the recording were named.</summary>
    public bool HasClips(ParseResult parsed) => _settings.IsGiven(parsed, "clip_timestamps");

    /// <summary>Whether the text of earlier windows is asked for, and not only a default.</summary>
    public bool AsksForPreviousText(ParseResult parsed) => _settings.IsGiven(parsed, "condition_on_previous_text") && _settings.Read(parsed).Options.ConditionOnPreviousText;

    /// <summary>Whether silence around hallucinations is to be skipped.</summary>
    public bool AsksForHallucinations(ParseResult parsed) => _settings.Read(parsed).Options.HallucinationSilenceThreshold is not null;

    /// <summary>What was chosen, but for the prefix.</summary>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public TranscriptionOptions Read(ParseResult parsed)
    {
        TranscriptionOptions options = _settings.Read(parsed).ToOptions();
        RefuseContradictions(parsed, options, options.Decoding);
        return options;
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
                throw new UsageException($"The model '{model}' knows only English, so there is nothing to translate: choose a multilingual one for {Name("task")} translate.");
            }

            if (decoding.Language is { } language and not "en")
            {
                tell($"{model} knows only English: {EnglishName(language)} is taken for English.");
                decoding = decoding with { Language = "en" };
            }

            if (options.Multilingual)
            {
                tell($"{model} knows only English: {Name("multilingual")} changes nothing.");
            }
        }

        if (options.WordTimestamps && decoding.Task == SpeechTask.Translate)
        {
            tell("Times of translated words are guesses: a translation does not follow the order of what was said.");
        }

        foreach ((string setting, string? text, string what) in new[] { ("initial_prompt", options.InitialPrompt, "the last"), ("hotwords", options.Hotwords, "the first") })
        {
            if (text is not null && Encode(tokenizer, Name(setting), text).Length is int tokens && tokens > promptRoom)
            {
                tell($"{Name(setting)} has {tokens} tokens, more than the {promptRoom} that fit: {what} {promptRoom} count.");
            }
        }

        return options with { Decoding = decoding with { Prefix = parsed.GetValue(_prefix) is { } prefix ? Encode(tokenizer, _prefix.Name, prefix) : [] } };
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

    private static int[] Encode(WhisperTokenizer tokenizer, string option, string text)
    {
        try
        {
            return tokenizer.Encode(" " + PythonText.Strip(text));
        }
        catch (TokenizationException failure)
        {
            throw new UsageException($"{option}: {failure.Message}");
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
