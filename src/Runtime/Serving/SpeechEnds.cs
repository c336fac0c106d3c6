using Handwritten.Model.VoiceActivity;

namespace Handwritten.Runtime.Serving;

/// <summary>What a window of sound changes.</summary>
internal enum SpeechChange
{
    /// <summary>It goes on as it was.</summary>
    None,

    /// <summary>Speech begins in it.</summary>
    Begins,

    /// <summary>Speech has ended, some time ago.</summary>
    Ended,
}

/// <summary>
/// Where speech begins and ends while it comes, by the rules of <see cref="VoiceActivity.SpeechRegions"/>: it begins at a
/// probability, and ends once it has been lower for long enough.
/// </summary>
/// <param name="vad">The network.</param>
/// <param name="threshold">Where speech begins.</param>
/// <param name="silence">Samples of silence that end it.</param>
internal sealed class SpeechEnds(SileroVad vad, double threshold, long silence)
{
    private const double Hysteresis = 0.15, LeastThreshold = 0.01;

    private readonly SileroStream _stream = vad.Stream();
    private readonly double _lowerThreshold = Math.Max(threshold - Hysteresis, LeastThreshold);
    private long _heard;
    private long? _silentSince;

    /// <summary>Whether somebody is speaking.</summary>
    public bool IsSpeaking { get; private set; }

    /// <summary>Windows of this speech that have the probability at which it begins.</summary>
    public int SpokenWindows { get; private set; }

    /// <summary>Where the last speech ended.</summary>
    public long LastEnd { get; private set; }

    /// <summary>Hears the next window.</summary>
    public SpeechChange Hear(ReadOnlySpan<float> window)
    {
        double probability = _stream.Hear(window);
        long begin = _heard;
        _heard += window.Length;
        bool speaks = probability >= threshold;
        if (!IsSpeaking)
        {
            (IsSpeaking, SpokenWindows, _silentSince) = (speaks, 1, null);
            return speaks ? SpeechChange.Begins : SpeechChange.None;
        }

        SpokenWindows += speaks ? 1 : 0;
        _silentSince = speaks ? null : probability < _lowerThreshold ? _silentSince ?? begin : _silentSince;
        return _silentSince is long since && _heard - since >= silence ? End(since) : SpeechChange.None;
    }

    /// <summary>Nothing follows.</summary>
    public void Stop() => End(_silentSince ?? _heard);

    private SpeechChange End(long where)
    {
        (IsSpeaking, LastEnd) = (false, where);
        return SpeechChange.Ended;
    }
}
