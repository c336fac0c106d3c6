using System.CommandLine;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Cli;

/// <summary>The options that say what counts as speech: those of faster-whisper, under its names.</summary>
internal sealed class VoiceActivitySettings
{
    // A day, in the units of the options: more is a slip of the finger.
    private const int MostSeconds = 86_400;
    private const int MostMilliseconds = 1000 * MostSeconds;

    private readonly Option<OrNone<double>> _threshold, _negativeThreshold, _maxSpeech;

    private readonly Option<OrNone<int>> _minSpeech, _minSilence, _padding;

    /// <summary>Defines the options.</summary>
    /// <param name="prefix">What their names begin with: <c>--</c>, or <c>--vad-</c> beside options of other things.</param>
    public VoiceActivitySettings(string prefix)
    {
        VoiceActivityOptions initially = new();
        _threshold = Optional.Number($"{prefix}threshold", "Probability from which speech begins.", initially.Threshold, 0, 1);
        _negativeThreshold = Optional.Number($"{prefix}neg-threshold", "Probability below which speech may end; None for 0.15 less, but at least 0.01.", null, 0, 1);
        _minSpeech = Optional.Integer($"{prefix}min-speech-duration-ms", "Speech not longer than this is none.", initially.MinSpeechMilliseconds, 0, MostMilliseconds);
        _maxSpeech = Optional.Number($"{prefix}max-speech-duration-s", "Longer speech is cut, at a pause if there is one; None for no limit.", null, 0.001, MostSeconds);
        _minSilence = Optional.Integer($"{prefix}min-silence-duration-ms", "How long silence must be to end speech.", initially.MinSilenceMilliseconds, 0, MostMilliseconds);
        _padding = Optional.Integer($"{prefix}speech-pad-ms", "What is added to both ends of speech.", initially.PaddingMilliseconds, 0, MostMilliseconds);
    }

    private IReadOnlyList<Option> Options => [_threshold, _negativeThreshold, _minSpeech, _maxSpeech, _minSilence, _padding];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in Options)
        {
            command.Add(option);
        }
    }

    /// <summary>The first option that is on the command line; null if none is.</summary>
    public string? FirstGiven(ParseResult parsed) => Options.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false })?.Name;

    /// <summary>What was chosen.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="initially">What holds where nothing was.</param>
    /// <exception cref="UsageException">The thresholds contradict each other.</exception>
    public VoiceActivityOptions Read(ParseResult parsed, VoiceActivityOptions initially)
    {
        T? Given<T>(Option<OrNone<T>> option)
            where T : struct => parsed.GetResult(option) is { Implicit: false } ? parsed.GetValue(option).Value : null;

        VoiceActivityOptions options = initially with
        {
            Threshold = Given(_threshold) ?? initially.Threshold,
            NegativeThreshold = Given(_negativeThreshold),
            MinSpeechMilliseconds = Given(_minSpeech) ?? initially.MinSpeechMilliseconds,
            MaxSpeechSeconds = Math.Min(Given(_maxSpeech) ?? initially.MaxSpeechSeconds, initially.MaxSpeechSeconds),
            MinSilenceMilliseconds = Given(_minSilence) ?? initially.MinSilenceMilliseconds,
            PaddingMilliseconds = Given(_padding) ?? initially.PaddingMilliseconds,
        };
        return options.NegativeThreshold > options.Threshold
            ? throw new UsageException($"{_negativeThreshold.Name} is above {_threshold.Name}, so that speech would end before it begins: give a smaller one, or leave it out.")
            : options;
    }
}
