using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// How a recording is transcribed. Source: openai/whisper, transcribe.py, the arguments of transcribe() and their defaults;
/// hotwords, the reset temperature and what concerns languages come from faster-whisper.
/// </summary>
public sealed record TranscriptionOptions
{
    /// <summary>
    /// How each window is decoded. A null <see cref="DecodingOptions.Language"/> has the language detected;
    /// <see cref="DecodingOptions.Prompt"/> and <see cref="DecodingOptions.Temperature"/> are set by the loop. Beams count
    /// at temperature 0 and samples above, so both may be given.
    /// </summary>
    public DecodingOptions Decoding { get; init; } = new();

    /// <summary>Temperatures to try one after the other, until a window's text is neither repetitive nor improbable.</summary>
    public IReadOnlyList<double> Temperatures { get; init; } = [0, 0.2, 0.4, 0.6, 0.8, 1.0];

    /// <summary>A text that compresses better than this is repetitive, and the next temperature is tried; null turns the test off.</summary>
    public double? CompressionRatioThreshold { get; init; } = 2.4;

    /// <summary>A text whose mean log-probability a token is below this is improbable, and the next temperature is tried; null turns the test off.</summary>
    public double? LogProbabilityThreshold { get; init; } = -1.0;

    /// <summary>
    /// A window whose no-speech probability is above this is silence, unless its text passes the test for improbability;
    /// null turns the rule off.
    /// </summary>
    public double? NoSpeechThreshold { get; init; } = 0.6;

    /// <summary>
    /// Whether the text of earlier windows is the prompt of the next: consistent names and style, at the risk of a
    /// mistake that repeats itself.
    /// </summary>
    public bool ConditionOnPreviousText { get; init; } = true;

    /// <summary>A window that took a higher temperature than this is no good prompt: the next one starts without.</summary>
    public double PromptResetOnTemperature { get; init; } = 0.5;

    /// <summary>What to pretend to have heard before the recording: names, spelling, style.</summary>
    public Prompt? InitialPrompt { get; init; }

    /// <summary>Whether every window's prompt begins with the initial prompt, not only the first one's.</summary>
    public bool CarryInitialPrompt { get; init; }

    /// <summary>Words to expect: every window's prompt begins with them, unless the windows have a prefix.</summary>
    public string? Hotwords { get; init; }

    /// <summary>
    /// What to transcribe, in seconds: start, end, start, end, ...; without the last end, up to the end of the recording.
    /// </summary>
    public IReadOnlyList<double> Clips { get; init; } = [0];

    /// <summary>Whether to find each word's place in time.</summary>
    public bool WordTimestamps { get; init; }

    /// <summary>Punctuation that belongs to the word behind it.</summary>
    public string PrependPunctuations { get; init; } = "\"'“¿([{-";

    /// <summary>Punctuation that belongs to the word before it.</summary>
    public string AppendPunctuations { get; init; } = "\"'.。,，!！?？:：”)]}、";

    /// <summary>
    /// Skip silence of more than this many seconds around what looks like a hallucination; needs word timestamps. Null
    /// turns it off.
    /// </summary>
    public double? HallucinationSilenceThreshold { get; init; }

    /// <summary>Windows to look at for the language, until one is sure.</summary>
    public int LanguageDetectionSegments { get; init; } = 1;

    /// <summary>A language whose probability is above this is sure; if no window's is, most windows decide.</summary>
    public double LanguageDetectionThreshold { get; init; } = 0.5;

    /// <summary>Whether each window's language is detected anew.</summary>
    public bool Multilingual { get; init; }

    /// <summary>
    /// How a recording is cut into windows. <see cref="WhisperTranscriber"/> and <see cref="RecordingTranscriber"/> cut by
    /// it; whoever uses what lies beneath them has cut the recording himself.
    /// </summary>
    public WindowOptions Windows { get; init; } = new();

    /// <summary>Refuses what makes no sense whatever the recording.</summary>
    /// <param name="vocabulary">Tokens of the model.</param>
    /// <exception cref="OptionsException">Options contradict each other, a number makes no sense, or something is null.</exception>
    public void Verify(int vocabulary)
    {
        RequireParts();
        OptionsException.Require(Temperatures.Count > 0, $"At least one temperature is needed.");
        InitialPrompt?.Verify("initial_prompt", vocabulary);
        foreach (double temperature in Temperatures)
        {
            TemperatureFallback.At(Decoding, temperature).Verify(vocabulary);
        }

        foreach (double time in Clips)
        {
            OptionsException.Require(time >= 0 && time <= ClipRanges.LatestSecond, $"clip_timestamps must be seconds from 0 on, but one is {time}.");
        }

        OptionsException.Require(HallucinationSilenceThreshold is null or >= 0, $"hallucination_silence_threshold must not be below 0, but it is {HallucinationSilenceThreshold}.");
        OptionsException.Require(LanguageDetectionSegments >= 1, $"language_detection_segments must be at least 1, but it is {LanguageDetectionSegments}.");
        RequireNumber("compression_ratio_threshold", CompressionRatioThreshold);
        RequireNumber("logprob_threshold", LogProbabilityThreshold);
        RequireNumber("no_speech_threshold", NoSpeechThreshold);
        RequireNumber("prompt_reset_on_temperature", PromptResetOnTemperature);
        RequireNumber("language_detection_threshold", LanguageDetectionThreshold);
    }

    /// <summary>Refuses clips that repeat so much of a recording that they are longer together than any recording may be.</summary>
    /// <param name="duration">Seconds of the recording, which may be heard once in any case.</param>
    /// <param name="longest">Seconds of the longest recording.</param>
    /// <exception cref="OptionsException">They are longer.</exception>
    public void RequireClipsWithin(double duration, double longest)
    {
        OptionsException.RequirePart("clip_timestamps", Clips);
        double seconds = ClipRanges.Lengths(Clips, duration).Sum();
        OptionsException.Require(
            seconds <= Math.Max(duration, longest),
            $"clip_timestamps ask for {seconds:0} s of a recording of {duration:0} s, but together they may have {Math.Max(duration, longest):0} s.");
    }

    /// <summary>Refuses null where it says nothing: callers without nullable types, and readers of JSON, know no better.</summary>
    /// <exception cref="OptionsException">A part is null.</exception>
    internal void RequireParts()
    {
        OptionsException.RequirePart("decoding", Decoding);
        OptionsException.RequirePart("temperatures", Temperatures);
        OptionsException.RequirePart("clip_timestamps", Clips);
        OptionsException.RequirePart("prepend_punctuations", PrependPunctuations);
        OptionsException.RequirePart("append_punctuations", AppendPunctuations);
        OptionsException.RequirePart("windows", Windows);
    }

    private static void RequireNumber(string name, double? value) =>
        OptionsException.Require(value is not double.NaN, $"{name} must be a number, but it is NaN.");
}
