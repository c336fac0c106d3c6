using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>What a capture forbids, as CUstreamCaptureMode numbers it.</summary>
internal enum CaptureMode
{
    /// <summary>Any thread's calls that might synchronise.</summary>
    Global = 0,

    /// <summary>Such calls of the thread that began the capture.</summary>
    ThreadLocal = 1,

    /// <summary>Nothing.</summary>
    Relaxed = 2,
}

/// <summary>What cuStreamIsCapturing answers, as CUstreamCaptureStatus numbers it.</summary>
internal enum CaptureStatus
{
    /// <summary>Work is queued.</summary>
    None = 0,

    /// <summary>Work becomes nodes of a graph.</summary>
    Active = 1,

    /// <summary>A forbidden call has spoilt the capture, which still has to be ended.</summary>
    Invalidated = 2,
}

/// <summary>
/// A capture in progress: work asked for becomes nodes of a graph instead of being queued. It begins in one stream; another
/// one joins by waiting for an event recorded in it, and must be joined back, through an event again, before the end:
/// <code>
///     origin   a ── record e ── b ─────────── wait f ── d        a ─┬─ b ─┬─ d
///     other             └ wait e ── c ── record f ┘                 └─ c ─┘
/// </code>
/// Every stream of the capture remembers the nodes that its next work comes after; an event carries such a set from one
/// stream to another. All methods are called under the queue's gate.
/// </summary>
internal sealed class Capture
{
    private readonly List<CudaStream> _streams;
    private readonly List<GraphNode> _nodes = [];

    private Capture(CudaStream origin, CaptureMode mode)
    {
        (Origin, Mode, _streams) = (origin, mode, [origin]);
        origin.Capture = this;
    }

    public CudaStream Origin { get; }

    public CaptureMode Mode { get; }

    public int Thread { get; } = Environment.CurrentManagedThreadId;

    public CaptureStatus Status { get; private set; } = CaptureStatus.Active;

    /// <summary>Begins a capture.</summary>
    public static Capture Begin(CudaStream stream, CaptureMode mode)
    {
        CudaException.Require(Enum.IsDefined(mode), CudaResult.InvalidValue, $"{(int)mode} is no capture mode.");
        CudaException.Require(!stream.IsLegacy, CudaResult.StreamCaptureUnsupported,
            "The legacy default stream cannot be captured: create a stream.");
        CudaException.Require(stream.Capture is null, CudaResult.IllegalState, "The stream is capturing already.");
        return new Capture(stream, mode);
    }

    /// <summary>Adds work that a stream is asked for.</summary>
    public void Add(CudaStream stream, Work work)
    {
        ThrowIfInvalid();
        if (work is FreeWork)
            throw Invalidate(CudaResult.StreamCaptureUnsupported, "The emulator does not capture cuMemFreeAsync: free after the capture.");
        GraphNode node = new(work, stream.Tail);
        _nodes.Add(node);
        stream.Tail = [node];
    }

    /// <summary>Lets a stream wait for an event recorded in this capture: it takes part from now on.</summary>
    public void Join(CudaStream stream, EventRecord record)
    {
        if (stream.Capture is { } other && other != this)
        {
            other.Invalidate(CudaResult.StreamCaptureMerge, "");
            throw Invalidate(CudaResult.StreamCaptureMerge, "The stream and the event belong to different captures.");
        }
        CudaException.Require(Origin.Capture == this, CudaResult.CapturedEvent, "The event was recorded in a capture that has ended.");
        ThrowIfInvalid();
        CudaException.Require(!stream.IsLegacy, CudaResult.StreamCaptureImplicit, "The legacy default stream cannot take part in a capture.");
        if (stream.Capture is null)
        {
            stream.Capture = this;
            _streams.Add(stream);
        }
        stream.Tail.UnionWith(record.Nodes);
    }

    /// <summary>Ends the capture, whatever comes of it.</summary>
    /// <param name="stream">The stream whose capture is to be ended.</param>
    /// <exception cref="CudaException">No graph came of it.</exception>
    public CudaGraph End(CudaStream stream)
    {
        CudaException.Require(stream == Origin, CudaResult.StreamCaptureUnmatched, "The capture began in another stream: end it there.");
        CudaException.Require(Mode == CaptureMode.Relaxed || Thread == Environment.CurrentManagedThreadId,
            CudaResult.StreamCaptureWrongThread, "The capture began in another thread: end it there, or capture in relaxed mode.");
        HashSet<GraphNode> joined = Ancestors(Origin.Tail);
        bool isJoined = _streams.TrueForAll(other => joined.IsSupersetOf(other.Tail));
        Dissolve();
        ThrowIfInvalid();
        CudaException.Require(isJoined, CudaResult.StreamCaptureUnjoined,
            "Another stream took part in the capture and has work that the origin does not wait for: record an event there and wait for it.");
        return new CudaGraph(_nodes);
    }

    /// <summary>Lets all streams go on as if there were no capture.</summary>
    public void Dissolve()
    {
        foreach (CudaStream stream in _streams)
            (stream.Capture, stream.Tail) = (null, []);
        Origin.Context.Driver.Captures.Remove(this);
    }

    /// <summary>Spoils the capture: it goes on, takes no work any more, and yields no graph.</summary>
    /// <returns>What to throw.</returns>
    public CudaException Invalidate(CudaResult result, string detail)
    {
        Status = CaptureStatus.Invalidated;
        return new CudaException(result, detail);
    }

    public void ThrowIfInvalid() => CudaException.Require(Status == CaptureStatus.Active, CudaResult.StreamCaptureInvalidated,
        "An earlier call has invalidated the capture: end it, and begin again.");

    private static HashSet<GraphNode> Ancestors(IEnumerable<GraphNode> nodes)
    {
        HashSet<GraphNode> found = new();
        Stack<GraphNode> open = new(nodes);
        while (open.TryPop(out GraphNode? node))
        {
            if (!found.Add(node))
                continue;
            foreach (GraphNode before in node.After.Keys)
                open.Push(before);
        }
        return found;
    }
}
