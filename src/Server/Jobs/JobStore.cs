using System.Threading.Channels;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Jobs;

/// <summary>The jobs that are waiting, under way or done not long ago. They live in memory: a stop hands back what is not done.</summary>
internal sealed class JobStore(ServerOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Job> _jobs = [];
    private readonly Channel<Job> _queue = Channel.CreateUnbounded<Job>(); // no longer than the dictionary, which is bounded
    private bool _isClosed;

    /// <summary>The jobs to work on.</summary>
    public ChannelReader<Job> Queue => _queue.Reader;

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

            DropOld();
            if (_jobs.Count >= options.MaximumJobs)
            {
                throw ApiErrors.Busy("There are too many jobs that are not done.", "too_many_jobs", TimeSpan.FromSeconds(10));
            }

            _jobs.Add(job.Id, job);
            _queue.Writer.TryWrite(job);
        }
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
            return [.. _jobs.Values.Where(job => job.Client == client).OrderByDescending(job => job.CreatedAt)];
        }
    }

    /// <summary>Takes no further jobs.</summary>
    /// <returns>Those that have not ended.</returns>
    public IReadOnlyList<Job> Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            _queue.Writer.TryComplete();
            return [.. _jobs.Values.Where(job => !job.HasEnded)];
        }
    }

    /// <summary>Forgets results that are too old; where there is no room, also the oldest of the others.</summary>
    private void DropOld()
    {
        DateTimeOffset oldest = time.GetUtcNow() - options.JobRetention;
        Job[] ended = [.. _jobs.Values.Where(job => job.HasEnded).OrderBy(job => job.EndedAt)];
        int tooMany = _jobs.Count - options.MaximumJobs + 1;
        foreach (Job job in ended.Where((job, index) => job.EndedAt < oldest || index < tooMany))
        {
            _jobs.Remove(job.Id);
        }
    }
}
