namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Decodes windows that come and go: whoever ends leaves the steps, and others join them, without anybody waiting for
/// anybody. A window's text does not depend on its company.
/// </summary>
internal interface ILaneLoop
{
    /// <summary>Windows under way.</summary>
    int Count { get; }

    /// <summary>Steps so far.</summary>
    long Steps { get; }

    /// <summary>Rows of all steps so far.</summary>
    long StepRows { get; }

    /// <summary>Runs the start sequences of windows, which take part in the steps from now on.</summary>
    /// <param name="windows">The windows; their lanes are nobody else's.</param>
    /// <param name="cancellation">Checked between passes; none of the windows takes part if it is cancelled.</param>
    void Begin(IReadOnlyList<LaneWindow> windows, CancellationToken cancellation = default);

    /// <summary>Runs a step, or several where looking at them is dear, and sets <see cref="LaneWindow.Found"/> of the windows that end with it.</summary>
    /// <returns>Those windows, until the next step.</returns>
    IReadOnlyList<LaneWindow> Step();

    /// <summary>Takes a window out of the steps, if it is in there.</summary>
    void Drop(LaneWindow window);
}

/// <summary>What all such loops have in common.</summary>
internal static class LaneLoops
{
    /// <summary>Decodes windows that begin together, to the end of the last.</summary>
    /// <param name="loop">Has nothing else to do.</param>
    /// <param name="windows">The windows.</param>
    /// <param name="firstLane">The first window's first lane; the others follow.</param>
    /// <param name="cancellation">Checked every few tokens.</param>
    public static FoundTexts[] Decode(this ILaneLoop loop, IReadOnlyList<WindowRequest> windows, int firstLane, CancellationToken cancellation)
    {
        int[] lanes = WindowRequest.FirstLanes(windows, firstLane);
        LaneWindow[] begun = [.. windows.Select((window, i) => new LaneWindow(window, lanes[i]))];
        try
        {
            loop.Begin(begun, cancellation);
            while (loop.Count > 0)
            {
                cancellation.ThrowIfCancellationRequested();
                loop.Step();
            }
        }
        finally
        {
            Array.ForEach(begun, loop.Drop);
        }

        return [.. begun.Select(window => window.Found!.Value)];
    }
}
