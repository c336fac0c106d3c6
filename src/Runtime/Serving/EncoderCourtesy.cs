namespace Handwritten.Runtime.Serving;

/// <summary>
/// Whoever speaks does not wait for other people's recordings: while a live request is under way, the texts go on before a
/// window of another kind is encoded, which takes as long as many of their steps. Not for ever, and not for nothing.
/// </summary>
internal sealed class EncoderCourtesy
{
    /// <summary>About the tokens of a sentence.</summary>
    public const int MostTurns = 32;

    private int _turns;

    /// <summary>Whether a window is to be encoded in this turn.</summary>
    /// <param name="priority">The most urgent that waits.</param>
    /// <param name="liveIsUnderWay">Whether a live request is.</param>
    /// <param name="textsGoOn">Whether there is a step to do meanwhile.</param>
    public bool MayEncode(RequestPriority priority, bool liveIsUnderWay, bool textsGoOn)
    {
        bool waits = priority != RequestPriority.Live && liveIsUnderWay && textsGoOn && _turns < MostTurns;
        _turns = waits ? _turns + 1 : 0;
        return !waits;
    }
}
