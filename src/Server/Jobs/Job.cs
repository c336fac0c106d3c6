using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Handwritten.Server.Errors;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Recognition;
using Handwritten.Server.Requests;

namespace Handwritten.Server.Jobs;

/// <summary>How far a job is.</summary>
public enum JobStatus
{
    /// <summary>It waits.</summary>
    Queued,

    /// <summary>It is fetched, decoded or transcribed.</summary>
    Running,

    /// <summary>The transcript is there.</summary>
    Succeeded,

    /// <summary>It failed; the error says why.</summary>
    Failed,

    /// <summary>Its client took it back.</summary>
    Cancelled,
}

/// <summary>Where a job's recording is.</summary>
internal abstract record JobInput;

/// <summary>It was sent along.</summary>
/// <param name="File">It goes when this is closed.</param>
internal sealed record UploadedInput(FileStream File) : JobInput;

/// <summary>It is to be fetched.</summary>
/// <param name="Address">From where.</param>
/// <param name="Headers">What else to send.</param>
internal sealed record RemoteInput(Uri Address, IReadOnlyDictionary<string, string> Headers) : JobInput;

/// <summary>Whom to tell that a job has ended.</summary>
/// <param name="Address">The address.</param>
/// <param name="Body">What to say.</param>
internal sealed record JobWebhook(Uri Address, Func<Job, object> Body);

/// <summary>A recording that is transcribed while nobody waits. Safe for several threads.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A token source without a timer holds nothing, and others may still look at its token.")]
internal sealed class Job(string client, TranscriptionRequest request, JobInput input, JobWebhook? webhook, DateTimeOffset createdAt)
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _cancellation = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RunningTranscription? _running;
    private int _isTold;

    public string Id { get; } = $"job_{RandomNumberGenerator.GetHexString(32, lowercase: true)}";

    public string Client => client;

    public TranscriptionRequest Request => request;

    public JobInput Input => input;

    public JobWebhook? Webhook => webhook;

    public JobStatus Status { get; private set; } = JobStatus.Queued;

    public DateTimeOffset CreatedAt => createdAt;

    public DateTimeOffset? StartedAt { get; private set; }

    public DateTimeOffset? EndedAt { get; private set; }

    /// <summary>What came of it, if it has succeeded.</summary>
    public FinishedTranscription? Result { get; private set; }

    public ApiException? Error { get; private set; }

    /// <summary>Share of the recording that has been transcribed, in [0, 1].</summary>
    public double Progress
    {
        get
        {
            lock (_lock)
            {
                return Status == JobStatus.Succeeded ? 1 : _running is { Duration: > 0 } running ? running.Position / running.Duration : 0;
            }
        }
    }

    public bool HasEnded => Status is JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled;

    /// <summary>Ends with the job, however that ends.</summary>
    public Task Ended => _ended.Task;

    /// <summary>The job was taken back.</summary>
    public CancellationToken Cancellation => _cancellation.Token;

    /// <summary>Whether nobody has told the webhook yet; from now on somebody does.</summary>
    public bool TryTell() => Interlocked.Exchange(ref _isTold, 1) == 0;

    /// <summary>Begins the work.</summary>
    /// <returns>False if there is none, since the job has ended.</returns>
    public bool TryBegin(DateTimeOffset now)
    {
        lock (_lock)
        {
            if (Status != JobStatus.Queued)
            {
                return false;
            }

            (Status, StartedAt) = (JobStatus.Running, now);
            return true;
        }
    }

    /// <summary>Lets the progress be seen.</summary>
    public void Follow(RunningTranscription running)
    {
        lock (_lock)
        {
            _running = running;
        }
    }

    public void Succeed(FinishedTranscription result, DateTimeOffset now) => End(JobStatus.Succeeded, now, () => Result = result);

    public void Fail(ApiException error, DateTimeOffset now) => End(JobStatus.Failed, now, () => Error = error);

    /// <summary>Takes the job back; nothing happens to one that has ended.</summary>
    public void Cancel(DateTimeOffset now)
    {
        End(JobStatus.Cancelled, now, () => { });
        _cancellation.Cancel();
    }

    private void End(JobStatus status, DateTimeOffset now, Action set)
    {
        lock (_lock)
        {
            if (HasEnded)
            {
                return;
            }

            set();
            (Status, EndedAt, _running) = (status, now, null);
        }

        (input as UploadedInput)?.File.Dispose();
        _ended.SetResult();
    }
}
