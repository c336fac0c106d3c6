using System.Diagnostics;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>One cuEventRecord: a place in a stream's order, and when it was reached.</summary>
internal sealed class EventRecord
{
    private long _stamp;

    /// <summary>The work that notes the time; null if recorded while capturing.</summary>
    internal Submission? Submission { get; set; }

    /// <summary>The capture it was recorded in, and the nodes it stands for.</summary>
    internal Capture? Capture { get; init; }

    /// <summary>The nodes it stands for in <see cref="Capture"/>.</summary>
    internal HashSet<GraphNode> Nodes { get; init; } = [];

    /// <summary>Notes the time.</summary>
    public void Stamp() => _stamp = Stopwatch.GetTimestamp();

    /// <summary>Time from <paramref name="start"/> to this; both must have been reached.</summary>
    public TimeSpan Since(EventRecord start) => Stopwatch.GetElapsedTime(start._stamp, _stamp);
}

/// <summary>An event: the latest place that was recorded in it.</summary>
/// <param name="context">Whose.</param>
/// <param name="hasTiming">Created without CU_EVENT_DISABLE_TIMING.</param>
internal sealed class CudaEvent(CudaContext context, bool hasTiming)
{
    /// <summary>Whose.</summary>
    public CudaContext Context { get; } = context;

    /// <summary>The latest record; null before the first.</summary>
    public EventRecord? Latest { get; private set; }

    private WorkQueue Queue => Context.Driver.Queue;

    /// <summary>Records the place that a stream has come to.</summary>
    public void Record(CudaStream stream)
    {
        CudaException.Require(stream.Context == Context, CudaResult.InvalidHandle, "The event and the stream belong to different contexts.");
        lock (Queue.Gate)
        {
            if (stream.Capture is { } capture)
            {
                capture.ThrowIfInvalid();
                Latest = new EventRecord { Capture = capture, Nodes = [.. stream.Tail] };
                return;
            }
            EventRecord record = new();
            record.Submission = stream.Submit(new EventWork(record));
            Latest = record;
        }
    }

    /// <summary>Whether the latest record's place has been reached; true if there is none.</summary>
    /// <exception cref="CudaException">It was recorded while capturing, or work failed.</exception>
    public bool Query()
    {
        bool isDone = Queue.Query(Reached());
        Context.ThrowIfFailed();
        return isDone;
    }

    /// <summary>Waits until the latest record's place has been reached.</summary>
    /// <exception cref="CudaException">As for <see cref="Query"/>.</exception>
    public void Synchronize()
    {
        Queue.Wait(Reached());
        Context.ThrowIfFailed();
    }

    /// <summary>Time from one event to another.</summary>
    /// <exception cref="CudaException">InvalidHandle: not recorded, or without timing. NotReady: not reached yet.</exception>
    public static TimeSpan Elapsed(CudaEvent start, CudaEvent end)
    {
        (Submission? first, Submission? last) = (start.Timed(), end.Timed());
        CudaException.Require(start.Queue.Query(first) & end.Queue.Query(last), CudaResult.NotReady, "An event has not been reached yet.");
        return end.Latest!.Since(start.Latest!);
    }

    private Submission? Timed()
    {
        CudaException.Require(hasTiming, CudaResult.InvalidHandle, "The event was created without timing.");
        CudaException.Require(Latest is not null, CudaResult.InvalidHandle, "The event has not been recorded.");
        return Reached();
    }

    private Submission? Reached() => Latest is { Capture: { } capture }
        ? throw capture.Invalidate(CudaResult.CapturedEvent,
            "The event was recorded in a stream that is capturing: it has no time, and the host cannot wait for it.")
        : Latest?.Submission;
}
