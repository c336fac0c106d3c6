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

    /// <summary>Checks that the numbers make sense.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One does not.</exception>
    public void Validate()
    {
        ThrowIfOutside01(Threshold, nameof(Threshold));
        ThrowIfOutside01(EffectiveNegativeThreshold, nameof(NegativeThreshold));
        ArgumentOutOfRangeException.ThrowIfNegative(MinSpeechMilliseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(MinSilenceMilliseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(PaddingMilliseconds);
        if (!(MaxSpeechSeconds > 0))
        {
            throw new ArgumentOutOfRangeException(nameof(MaxSpeechSeconds), MaxSpeechSeconds, "The longest speech must be longer than nothing.");
        }
    }

    private static void ThrowIfOutside01(double value, string name)
    {
        if (!(value is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(name, value, "A probability lies between 0 and 1.");
        }
    }
}
