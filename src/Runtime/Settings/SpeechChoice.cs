using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Settings;

/// <summary>What counts as speech, as people choose it: what they leave out depends on what the speech is wanted for.</summary>
public sealed record SpeechChoice
{
    // A day, in the units of the settings: more is a slip of the finger.
    private const int MostSeconds = 86_400, MostMilliseconds = 1000 * MostSeconds;

    private static readonly ValueKind<double?> Probability = ValueKind.Number(0, 1).OrNone();

    private static readonly ValueKind<int?> Milliseconds = ValueKind.WholeNumber(0, MostMilliseconds).OrNone();

    /// <summary>faster-whisper's options under its names; see <see cref="VoiceActivityOptions"/>.</summary>
    public static IReadOnlyList<Setting<SpeechChoice>> Settings { get; } =
    [
        Choose("threshold", "Probability from which speech begins; None for 0.5.", Probability,
            choice => choice.Threshold, (choice, value) => choice with { Threshold = value }),
        Choose("neg_threshold", "Probability below which speech may end; None for 0.15 less, but at least 0.01.", Probability,
            choice => choice.NegativeThreshold, (choice, value) => choice with { NegativeThreshold = value }),
        Choose("min_speech_duration_ms", "Speech not longer than this is none; None for 0.", Milliseconds,
            choice => choice.MinSpeechMilliseconds, (choice, value) => choice with { MinSpeechMilliseconds = value }),
        Choose("max_speech_duration_s", "Longer speech is cut, at a pause if there is one; None for no limit, but 30 in batches.", ValueKind.Number(0.001, MostSeconds).OrNone(),
            choice => choice.MaxSpeechSeconds, (choice, value) => choice with { MaxSpeechSeconds = value }),
        Choose("min_silence_duration_ms", "How long silence must be to end speech; None for 2000, in batches 160.", Milliseconds,
            choice => choice.MinSilenceMilliseconds, (choice, value) => choice with { MinSilenceMilliseconds = value }),
        Choose("speech_pad_ms", "What is added to both ends of speech; None for 400.", Milliseconds,
            choice => choice.PaddingMilliseconds, (choice, value) => choice with { PaddingMilliseconds = value }),
    ];

    /// <summary>See <see cref="VoiceActivityOptions.Threshold"/>.</summary>
    public double? Threshold { get; init; }

    /// <summary>See <see cref="VoiceActivityOptions.NegativeThreshold"/>.</summary>
    public double? NegativeThreshold { get; init; }

    /// <summary>See <see cref="VoiceActivityOptions.MinSpeechMilliseconds"/>.</summary>
    public int? MinSpeechMilliseconds { get; init; }

    /// <summary>See <see cref="VoiceActivityOptions.MaxSpeechSeconds"/>.</summary>
    public double? MaxSpeechSeconds { get; init; }

    /// <summary>See <see cref="VoiceActivityOptions.MinSilenceMilliseconds"/>.</summary>
    public int? MinSilenceMilliseconds { get; init; }

    /// <summary>See <see cref="VoiceActivityOptions.PaddingMilliseconds"/>.</summary>
    public int? PaddingMilliseconds { get; init; }

    /// <summary>The options.</summary>
    /// <param name="initially">What holds where nothing was chosen; longer speech than it has is cut in any case.</param>
    public VoiceActivityOptions ToOptions(VoiceActivityOptions initially)
    {
        ArgumentNullException.ThrowIfNull(initially);
        return initially with
        {
            Threshold = Threshold ?? initially.Threshold,
            NegativeThreshold = NegativeThreshold ?? initially.NegativeThreshold,
            MinSpeechMilliseconds = MinSpeechMilliseconds ?? initially.MinSpeechMilliseconds,
            MaxSpeechSeconds = Math.Min(MaxSpeechSeconds ?? initially.MaxSpeechSeconds, initially.MaxSpeechSeconds),
            MinSilenceMilliseconds = MinSilenceMilliseconds ?? initially.MinSilenceMilliseconds,
            PaddingMilliseconds = PaddingMilliseconds ?? initially.PaddingMilliseconds,
        };
    }

    private static Setting<SpeechChoice> Choose<T>(
        string name, string description, ValueKind<T> kind, Func<SpeechChoice, T> get, Func<SpeechChoice, T, SpeechChoice> set) =>
        new Setting<SpeechChoice, T>(kind, get, set) { Name = name, Description = description };
}
