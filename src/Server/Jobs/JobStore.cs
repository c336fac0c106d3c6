using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Jobs;

/// <summary>
/// The jobs that are waiting, under way or done not long ago. They live in memory: a stop hands back what is not done. Each client may
/// hold a part of them.
/// </summary>
internal sealed class JobStore(ServerOptions options, JobNotices notices, TimeProvider time)
{
    private const int FetchingClients = 4; // so many may be slow before others have to wait

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Job> _jobs = [];
    private bool _isClosed;

    /// <summary>Jobs whose recordings are to be fetched.</summary>
    public JobQueue ToFetch { get; } = new(Math.Max(1, options.MaximumFetches / FetchingClients));

    /// <summary>Jobs whose recordings are here. Long ones of one client leave half of the workers to the others.</summary>
    public JobQueue ToTranscribe { get; } = new(mostInBulk: Math.Max(1, JobWorker.WorkersOf(options) / 2));

    /// <summary>Jobs for whose recordings there was no memory: they are decoded again, and others go before them.</summary>
    public JobQueue ToTryAgain { get; } = new();

    /// <summary>Takes a job.</summary>
    /// <exception cref="ApiException">There are too many, or the server is being stopped.</exception>
    public void Add(Job job)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                throw ApiErrors.Of(new OperationCanceledException());
            }

            MakeRoom(job.Client);
            if (_jobs.Values.Count(other => other.Client == job.Client) >= options.MaximumJobsPerClient)
            {
                throw Busy("You have too many jobs that are not done.");
            }

            if (_jobs.Count >= options.MaximumJobs)
            {
                throw Busy("There are too many jobs that are not done.");
            }

            _jobs.Add(job.Id, job);
            notices.Follow(job);
        }

        (job.Recording is null ? ToFetch : ToTranscribe).Add(job);
    }

    /// <summary>Nobody waits for a job any more.</summary>
    public void Leave(Job job)
    {
        job.IsAwaited = false;
        ToFetch.Renew(job);
        ToTranscribe.Renew(job);
        ToTryAgain.Renew(job);
    }

    /// <summary>Finds a client's job.</summary>
    /// <exception cref="ApiException">There is none, or it is another client's.</exception>
    public Job Find(string id, string client)
    {
        lock (_lock)
        {
            DropOld();
            return _jobs.TryGetValue(id, out Job? job) && job.Client == client
                ? job
                : throw new ApiException(StatusCodes.Status404NotFound, $"There is no job '{id}'; results are kept for {options.JobRetention.TotalMinutes:0} minutes.", code: "job_not_found");
        }
    }

    /// <summary>A client's jobs, the newest first.</summary>
    public IReadOnlyList<Job> Of(string client)
    {
        lock (_lock)
        {
            DropOld();
            return [.. _jobs.Values.Where(job => job.Client == client).OrderByDescending(job => job.CreatedAt).ThenBy(job => job.Id, StringComparer.Ordinal)];
        }
    }

    /// <summary>How many jobs wait of each model, by the name that they ask for, and priority.</summary>
    public IReadOnlyList<(string? Model, RequestPriority Priority, int Count)> Waiting()
    {
        lock (_lock)
        {
            return
            [
                .. _jobs.Values.Where(job => job.Status == JobStatus.Queued)
                    .CountBy(job => (job.Order.Request.Model, job.Priority))
                    .Select(group => (group.Key.Model, group.Key.Priority, group.Value)),
            ];
        }
    }

    /// <summary>Takes no further jobs.</summary>
    /// <returns>Those that have not ended.</returns>
    public IReadOnlyList<Job> Close()
    {
        IReadOnlyList<Job> open;
        lock (_lock)
        {
            _isClosed = true;
            open = [.. _jobs.Values.Where(job => !job.HasEnded)];
        }

        ToFetch.Close();
        ToTranscribe.Close();
        ToTryAgain.Close();
        return open;
    }

    private static ApiException Busy(string message) => ApiErrors.Busy(message, "too_many_jobs", TimeSpan.FromSeconds(10));

    /// <summary>Forgets results that are too old, and where there is no room, the oldest of the client itself, then of all.</summary>
    private void MakeRoom(string client)
    {
        DropOld();
        DropOldest(_jobs.Values.Where(job => job.Client == client), options.MaximumJobsPerClient - 1);
        DropOldest(_jobs.Values, options.MaximumJobs - 1);
    }

    private void DropOld()
    {
        DateTimeOffset oldest = time.GetUtcNow() - options.JobRetention;
        foreach (Job job in _jobs.Values.Where(job => job.HasEnded && job.EndedAt < oldest).ToArray())
        {
            _jobs.Remove(job.Id);
        }
    }

    private void DropOldest(IEnumerable<Job> among, int most)
    {
        Job[] jobs = [.. among];
        foreach (Job job in jobs.Where(job => job.HasEnded).OrderBy(job => job.EndedAt).Take(Math.Max(0, jobs.Length - most)))
        {
            _jobs.Remove(job.Id);
        }
    }
}
