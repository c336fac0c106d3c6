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

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _threshold, _negativeThreshold, _minSpeech, _maxSpeech, _minSilence, _padding })
        {
            command.Add(option);
        }
    }

    /// <summary>What was chosen.</summary>
    /// <exception cref="UsageException">The thresholds contradict each other.</exception>
    public VoiceActivityOptions Read(ParseResult parsed)
    {
        VoiceActivityOptions initially = new();
        VoiceActivityOptions options = initially with
        {
            Threshold = parsed.GetValue(_threshold).Value ?? initially.Threshold,
            NegativeThreshold = parsed.GetValue(_negativeThreshold).Value,
            MinSpeechMilliseconds = parsed.GetValue(_minSpeech).Value ?? initially.MinSpeechMilliseconds,
            MaxSpeechSeconds = parsed.GetValue(_maxSpeech).Value ?? initially.MaxSpeechSeconds,
            MinSilenceMilliseconds = parsed.GetValue(_minSilence).Value ?? initially.MinSilenceMilliseconds,
            PaddingMilliseconds = parsed.GetValue(_padding).Value ?? initially.PaddingMilliseconds,
        };
        return options.NegativeThreshold > options.Threshold
            ? throw new UsageException($"{_negativeThreshold.Name} is above {_threshold.Name}, so that speech would end before it begins: give a smaller one, or leave it out.")
            : options;
    }
}
