using Handwritten.Runtime.Serving;

namespace Handwritten.Server.Jobs;

/// <summary>
/// Jobs that wait for a place, which they get by the engine's rules: those that somebody waits for before the others, and clients in turn,
/// so that one with a thousand jobs delays another's first by one of its own. Jobs that have ended do not wait. Safe for several threads.
/// <code>
///     waiting      A1 A2 A3 ... B1 B2*            * somebody waits for it
///     given out    B2*  A1  B1  A2  A3 ...
/// </code>
/// </summary>
/// <param name="mostOfClient">Places that one client's jobs may have at the same time.</param>
/// <param name="mostInBulk">Places that those of them may have for which nobody waits.</param>
internal sealed class JobQueue(int mostOfClient = int.MaxValue, int mostInBulk = int.MaxValue)
{
    private readonly Lock _lock = new();
    private readonly FairTurns<Job> _waiting = new();
    private readonly List<Job> _placed = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isClosed;

    /// <summary>Lets a job wait.</summary>
    public void Add(Job job)
    {
        lock (_lock)
        {
            _waiting.Add(job, ClaimOf(job));
            Wake();
        }
    }

    /// <summary>Lets a job that waits here wait by another priority.</summary>
    public void Renew(Job job)
    {
        lock (_lock)
        {
            if (_waiting.Items.Contains(job))
            {
                _waiting.RemoveAll(other => other == job);
                _waiting.Add(job, ClaimOf(job));
            }
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
                _waiting.RemoveAll(job => job.HasEnded);
                if (_waiting.TryTake((job, claim) => MayGo(claim, onlyAwaited), out Job? next))
                {
                    _placed.Add(next);
                    return next;
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
            _placed.Remove(job);
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

    private bool MayGo(TurnClaim claim, bool onlyAwaited)
    {
        bool isBulk = claim.Priority == RequestPriority.Bulk;
        return !(isBulk && onlyAwaited)
            && _placed.Count(job => job.Client == claim.Client) < mostOfClient
            && !(isBulk && _placed.Count(job => job.Client == claim.Client && job.Priority == RequestPriority.Bulk) >= mostInBulk);
    }

    private static TurnClaim ClaimOf(Job job) => new(job.Priority, job.Client, Left: 1);

    private void Wake()
    {
        _changed.TrySetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
