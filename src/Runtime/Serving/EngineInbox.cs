namespace Handwritten.Runtime.Serving;

/// <summary>What the engine's thread finds in its inbox.</summary>
/// <param name="Left">Runs that have ended, and give back what they hold.</param>
/// <param name="Arrived">Runs that want their first window.</param>
/// <param name="Jobs">What runs that are under way ask for.</param>
/// <param name="IsClosed">Whether no run comes any more. It may be told together with the last one's leaving, and only once.</param>
internal readonly record struct EngineMail(RecordingRun[] Left, RecordingRun[] Arrived, EngineJob[] Jobs, bool IsClosed);

/// <summary>
/// What other threads have to say to the engine's thread, which looks at it between its turns. So nothing but this needs a
/// lock: all else belongs to the engine's thread alone. For several threads.
/// </summary>
internal sealed class EngineInbox : IDisposable
{
    private readonly Lock _gate = new();
    private readonly AutoResetEvent _told = new(initialState: false);
    private readonly List<RecordingRun> _left = [], _arrived = [];
    private readonly List<EngineJob> _jobs = [];
    private bool _closed, _disposed;

    /// <summary>A run wants its first window.</summary>
    public void Enqueue(RecordingRun run) => Tell(() => _arrived.Add(run));

    /// <summary>A run asks for something.</summary>
    public void Post(EngineJob job) => Tell(() => _jobs.Add(job));

    /// <summary>A run gives back what it holds.</summary>
    public void Leave(RecordingRun run) => Tell(() => _left.Add(run));

    /// <summary>No run comes any more; those that are there may still ask.</summary>
    public void Close() => Tell(() => _closed = true);

    /// <summary>Has the engine's thread begin a turn.</summary>
    public void Wake() => Tell(static () => { });

    /// <summary>Waits until somebody has said something, or wants to wake the engine.</summary>
    public void Wait() => _told.WaitOne();

    /// <summary>Takes out all that is there.</summary>
    public EngineMail Take()
    {
        lock (_gate)
        {
            EngineMail mail = new([.. _left], [.. _arrived], [.. _jobs], _closed);
            _left.Clear();
            _arrived.Clear();
            _jobs.Clear();
            return mail;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _told.Dispose();
        }
    }

    /// <summary>
    /// Says something, which nobody hears once the engine's thread has ended. Within the lock to the end: what the thread does about it
    /// may be its last, and the inbox be disposed before this returns.
    /// </summary>
    private void Tell(Action what)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                what();
                _told.Set();
            }
        }
    }
}
