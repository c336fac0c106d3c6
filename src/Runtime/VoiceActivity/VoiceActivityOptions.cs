using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.VoiceActivity;

/// <summary>
/// How probabilities of speech become stretches of speech. Names and defaults are those of faster-whisper (vad.py,
/// VadOptions).
/// </summary>
public sealed record VoiceActivityOptions
{
    /// <summary>
    /// For windows that are transcribed side by side: cut at short silences already, and none longer than Whisper hears at
    /// once. Source: faster-whisper, transcribe.py, BatchedInferencePipeline.transcribe.
    /// </summary>
    public static VoiceActivityOptions ForWindows { get; } = new() { MaxSpeechSeconds = 30, MinSilenceMilliseconds = 160 };

    /// <summary>Speech begins in a window with at least this probability.</summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>
    /// Speech may end in a window with less than this probability; what lies between both thresholds goes on as it was.
    /// Null is 0.15 below <see cref="Threshold"/>, but at least 0.01.
    /// </summary>
    public double? NegativeThreshold { get; init; }

    /// <summary>Speech not longer than this is none.</summary>
    public int MinSpeechMilliseconds { get; init; }

    /// <summary>
    /// Longer speech is cut: at its last silence of more than 98 ms, or where there is none, at once. The padding counts.
    /// </summary>
    public double MaxSpeechSeconds { get; init; } = double.PositiveInfinity;

    /// <summary>Silence has to be this long to end speech.</summary>
    public int MinSilenceMilliseconds { get; init; } = 2000;

    /// <summary>What is added to both ends of speech; neighbours share the silence between them.</summary>
    public int PaddingMilliseconds { get; init; } = 400;

    /// <summary>The lower threshold, given or not.</summary>
    internal double EffectiveNegativeThreshold => NegativeThreshold ?? Math.Max(Threshold - 0.15, 0.01);

    /// <summary>Refuses what makes no sense.</summary>
    /// <exception cref="OptionsException">A number makes none, or the thresholds contradict each other.</exception>
    public void Verify()
    {
        RequireProbability("threshold", Threshold);
        RequireProbability("neg_threshold", EffectiveNegativeThreshold);
        OptionsException.Require(
            NegativeThreshold is null || NegativeThreshold <= Threshold,
            $"neg_threshold is {NegativeThreshold}, above the threshold of {Threshold}, so that speech would end before it begins.");
        RequireDuration("min_speech_duration_ms", MinSpeechMilliseconds);
        RequireDuration("min_silence_duration_ms", MinSilenceMilliseconds);
        RequireDuration("speech_pad_ms", PaddingMilliseconds);
        OptionsException.Require(MaxSpeechSeconds > 0, $"max_speech_duration_s must be above 0, but it is {MaxSpeechSeconds}.");
    }

    private static void RequireProbability(string name, double value) =>
        OptionsException.Require(value is >= 0 and <= 1, $"{name} must be from 0 to 1, but it is {value}.");

    private static void RequireDuration(string name, int value) =>
        OptionsException.Require(value >= 0, $"{name} must not be below 0, but it is {value}.");
}
