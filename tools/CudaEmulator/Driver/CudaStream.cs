using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>A stream: work that runs in order.</summary>
/// <param name="context">Whose.</param>
/// <param name="isBlocking">Whether it is ordered with the default stream: created without CU_STREAM_NON_BLOCKING.</param>
/// <param name="priority">0 or negative; more negative is more urgent. Kept, and of no effect.</param>
internal sealed class CudaStream(CudaContext context, bool isBlocking, int priority)
{
    /// <summary>The most urgent priority; the least urgent is 0.</summary>
    public const int GreatestPriority = -5;

    /// <summary>Whose it is.</summary>
    public CudaContext Context { get; } = context;

    /// <summary>Whether it is ordered with the default stream.</summary>
    public bool IsBlocking { get; } = isBlocking;

    /// <summary>What it was created with.</summary>
    public int Priority { get; } = priority;

    /// <summary>The legacy default stream: all blocking streams of the context wait for it, and it for them.</summary>
    public bool IsLegacy => this == Context.LegacyStream;

    /// <summary>Whether its handle is gone. What it was asked for is still done.</summary>
    internal bool IsDestroyed { get; set; }

    /// <summary>What has not been done yet.</summary>
    internal Queue<Submission> Pending { get; } = new();

    /// <summary>The latest work, done or not.</summary>
    internal Submission? Last { get; set; }

    /// <summary>The capture that takes the stream's work at present.</summary>
    internal Capture? Capture { get; set; }

    /// <summary>While capturing: the nodes that the stream's next work comes after.</summary>
    internal HashSet<GraphNode> Tail { get; set; } = [];

    private WorkQueue Queue => Context.Driver.Queue;

    /// <summary>Asks for work: queues it, or adds it to the graph that is being captured.</summary>
    public void Add(Work work)
    {
        lock (Queue.Gate)
        {
            if (Capture is { } capture)
                capture.Add(this, work);
            else
                Submit(work);
        }
    }

    /// <summary>Asks for work and waits until it is done, as calls that are not asynchronous do.</summary>
    /// <exception cref="CudaException">The stream is capturing, or the work failed.</exception>
    public void AddAndWait(Work work)
    {
        Submission submission;
        lock (Queue.Gate)
        {
            RefuseCapture("A call that waits");
            submission = Submit(work);
        }
        Queue.Wait(submission);
        Context.ThrowIfFailed();
    }

    /// <summary>Waits until all work asked for so far is done.</summary>
    /// <exception cref="CudaException">The stream is capturing, or work failed.</exception>
    public void Synchronize()
    {
        Queue.Wait(Outstanding("cuStreamSynchronize"));
        Context.ThrowIfFailed();
    }

    /// <summary>Whether all work asked for so far is done.</summary>
    /// <exception cref="CudaException">The stream is capturing, or work failed.</exception>
    public bool Query()
    {
        bool isDone = Queue.Query(Outstanding("cuStreamQuery"));
        Context.ThrowIfFailed();
        return isDone;
    }

    /// <summary>Makes what is asked for from now on wait for an event's latest record.</summary>
    /// <exception cref="CudaException">Captures would be mixed.</exception>
    public void WaitFor(CudaEvent @event)
    {
        lock (Queue.Gate)
        {
            if (@event.Latest is not { } record)
                return;
            if (record.Capture is { } capture)
                capture.Join(this, record);
            else if (Capture is null)
                Submit(new EmptyWork(), record.Submission);
            else
                throw Capture.Invalidate(CudaResult.StreamCaptureIsolation,
                    "A stream that is capturing cannot wait for an event that was recorded outside of the capture.");
        }
    }

    /// <summary>Has what is asked for from now on become a graph.</summary>
    /// <exception cref="CudaException">The stream cannot be captured, or is.</exception>
    public void BeginCapture(CaptureMode mode)
    {
        lock (Queue.Gate)
            Context.Driver.Captures.Add(Capture.Begin(this, mode));
    }

    /// <summary>Ends the capture that the stream takes part in.</summary>
    /// <exception cref="CudaException">There is none, or no graph came of it.</exception>
    public CudaGraph EndCapture()
    {
        lock (Queue.Gate)
        {
            CudaException.Require(Capture is not null, CudaResult.IllegalState, "The stream is not capturing.");
            return Capture!.End(this);
        }
    }

    /// <summary>Whether the stream is capturing.</summary>
    public CaptureStatus CaptureStatus
    {
        get
        {
            lock (Queue.Gate)
                return Capture?.Status ?? CaptureStatus.None;
        }
    }

    /// <summary>Queues work, capturing or not.</summary>
    internal Submission Submit(Work work, params ReadOnlySpan<Submission?> after)
    {
        if (IsLegacy)
            Context.RefuseImplicitCapture();
        return Queue.Submit(this, work, after);
    }

    // The legacy stream's work includes, by its rule, what the blocking streams were asked for before.
    private Submission?[] Outstanding(string call)
    {
        lock (Queue.Gate)
        {
            RefuseCapture(call);
            if (!IsLegacy)
                return [Last];
            Context.RefuseImplicitCapture();
            return [Last, .. Context.OrderedBefore(this)];
        }
    }

    private void RefuseCapture(string what)
    {
        if (Capture is { } capture)
            throw capture.Invalidate(CudaResult.StreamCaptureUnsupported, $"{what} is not possible on a stream that is capturing.");
    }
}
