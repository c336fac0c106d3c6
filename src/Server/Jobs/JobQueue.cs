namespace Handwritten.Server.Jobs;

/// <summary>
/// Jobs that wait for a place. Those that somebody waits for come before the others; among both, clients take turns, so that a client
/// with a thousand jobs delays another's first one by one of its own. Jobs that have ended are not waited for. Safe for several threads.
/// <code>
///     waiting      A1 A2 A3 ... B1 B2*            * somebody waits for it
///     given out    B2*  A1  B1  A2  A3 ...
/// </code>
/// </summary>
/// <param name="mostOfClient">Places that one client's jobs may have at the same time.</param>
internal sealed class JobQueue(int mostOfClient = int.MaxValue)
{
    private readonly Lock _lock = new();
    private readonly List<Job> _waiting = []; // the oldest first
    private readonly Dictionary<string, long> _turns = []; // of clients with jobs that wait: when they had their last turn
    private readonly Dictionary<string, int> _places = []; // of clients that have some
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _turn;
    private bool _isClosed;

    /// <summary>Lets a job wait.</summary>
    public void Add(Job job)
    {
        lock (_lock)
        {
            _waiting.Add(job);
            _turns.TryAdd(job.Client, ++_turn);
            Wake();
        }
    }

    /// <summary>Gives a place to the next job, which has it until <see cref="Leave"/>.</summary>
    /// <param name="onlyAwaited">Whether the place is kept for jobs that somebody waits for.</param>
    /// <returns>The job; null when the queue is closed and nothing waits.</returns>
    public async Task<Job?> TakeAsync(bool onlyAwaited)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (Next(onlyAwaited) is { } job)
                {
                    _waiting.Remove(job);
                    _turns[job.Client] = ++_turn;
                    _places[job.Client] = _places.GetValueOrDefault(job.Client) + 1;
                    return job;
                }

                if (_isClosed)
                {
                    return null;
                }

                changed = _changed.Task;
            }

            await changed;
        }
    }

    /// <summary>A job gives its place back.</summary>
    public void Leave(Job job)
    {
        lock (_lock)
        {
            if (--_places[job.Client] == 0)
            {
                _places.Remove(job.Client);
            }

            Wake();
        }
    }

    /// <summary>No further jobs come.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            Wake();
        }
    }

    private Job? Next(bool onlyAwaited)
    {
        _waiting.RemoveAll(job => job.HasEnded);
        foreach (string gone in _turns.Keys.Except(_waiting.Select(job => job.Client)).ToArray())
        {
            _turns.Remove(gone); // who comes back takes a turn behind those who are there
        }

        return _waiting
            .Where(job => (job.IsAwaited || !onlyAwaited) && _places.GetValueOrDefault(job.Client) < mostOfClient)
            .MinBy(job => (job.IsAwaited ? 0 : 1, _turns[job.Client]));
    }

    private void Wake()
    {
        _changed.TrySetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
