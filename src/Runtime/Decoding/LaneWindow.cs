namespace Handwritten.Runtime.Decoding;

/// <summary>A window under way: in which lanes, and once it has ended, what was found.</summary>
/// <param name="request">The window and how it is decoded.</param>
/// <param name="firstLane">The first of its KV-cache lanes; it has as many as its options ask for.</param>
internal sealed class LaneWindow(WindowRequest request, int firstLane)
{
    /// <summary>The window and how it is decoded.</summary>
    public WindowRequest Request { get; } = request;

    /// <summary>The first of its lanes.</summary>
    public int FirstLane { get; } = firstLane;

    /// <summary>The lane behind its last.</summary>
    public int EndLane => FirstLane + Request.Options.Lanes;

    /// <summary>Its lanes.</summary>
    public IEnumerable<int> Lanes => Enumerable.Range(FirstLane, Request.Options.Lanes);

    /// <summary>What was found; null while the window is under way.</summary>
    public FoundTexts? Found { get; set; }
}
