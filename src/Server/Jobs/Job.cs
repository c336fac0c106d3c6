using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Handwritten.Runtime;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Recognition;
using Handwritten.Server.Requests;

namespace Handwritten.Server.Jobs;

/// <summary>How far a job is.</summary>
public enum JobStatus
{
    /// <summary>It waits, or its recording is fetched.</summary>
    Queued,

    /// <summary>It is decoded or transcribed.</summary>
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

/// <summary>What is to be made of a recording.</summary>
/// <param name="Request">The transcript that is wanted.</param>
/// <param name="Translation">A second one, of the same recording; null for none.</param>
/// <param name="Output">What RunPod's clients are shown of the result.</param>
internal sealed record JobOrder(TranscriptionRequest Request, TranscriptionRequest? Translation, Func<JobResult, object> Output)
{
    /// <summary>A transcript, shown as this server has it.</summary>
    public JobOrder(TranscriptionRequest request)
        : this(request, null, result => TranscriptionResponses.Verbose(result.Transcription))
    {
    }
}

/// <summary>Whom to tell that a job has ended.</summary>
/// <param name="Address">The address.</param>
/// <param name="Body">What to say.</param>
internal sealed record JobWebhook(Uri Address, Func<Job, object> Body);

/// <summary>What came of a job.</summary>
/// <param name="Transcription">The transcript.</param>
/// <param name="Translation">The second one, if that was wanted.</param>
/// <param name="Model">The model that made them.</param>
/// <param name="Device"><c>cuda</c> or <c>cpu</c>.</param>
internal sealed record JobResult(FinishedTranscription Transcription, FinishedTranscription? Translation, string Model, string Device);

/// <summary>
/// A recording that is transcribed while nobody waits. It ends once, however many try to end it, and all that has to happen then hangs on
/// <see cref="Ended"/>. Safe for several threads.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A token source without a timer holds nothing, and others may still look at its token.")]
internal sealed class Job(string client, JobOrder order, JobInput input, JobWebhook? webhook, DateTimeOffset createdAt)
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _cancellation = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<Segment> _heard = [];
    private FileStream? _recording = (input as UploadedInput)?.File;
    private volatile bool _isAwaited;
    private TaskCompletionSource<bool> _decoding = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RunningTranscription? _running;
    private (double Begin, double End) _share;

    public string Id { get; } = $"job_{RandomNumberGenerator.GetHexString(32, lowercase: true)}";

    public string Client => client;

    public JobOrder Order => order;

    public JobInput Input => input;

    /// <summary>Who is told that it has ended.</summary>
    public JobWebhook? Webhook => webhook;

    public JobStatus Status { get; private set; } = JobStatus.Queued;

    public DateTimeOffset CreatedAt => createdAt;

    public DateTimeOffset? StartedAt { get; private set; }

    public DateTimeOffset? EndedAt { get; private set; }

    /// <summary>Whether somebody holds a connection open until it ends.</summary>
    public bool IsAwaited
    {
        get => _isAwaited;
        set => _isAwaited = value;
    }

    /// <summary>What that means for who comes first.</summary>
    public RequestPriority Priority => _isAwaited ? RequestPriority.Interactive : RequestPriority.Bulk;

    /// <summary>The recording; null while it has to be fetched.</summary>
    public FileStream? Recording
    {
        get
        {
            lock (_lock)
            {
                return _recording;
            }
        }
    }

    /// <summary>What came of it, if it has succeeded.</summary>
    public JobResult? Result { get; private set; }

    public ApiException? Error { get; private set; }

    /// <summary>Share of the work that has been done, in [0, 1].</summary>
    public double Progress
    {
        get
        {
            lock (_lock)
            {
                double position = _running is { Duration: > 0 } running ? running.Position / running.Duration : 0;
                return Status == JobStatus.Succeeded ? 1 : _share.Begin + position * (_share.End - _share.Begin);
            }
        }
    }

    public bool HasEnded => Status is JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled;

    /// <summary>
    /// How it ends to decode the recording, now or the next time: true where it is decoded, or the job has ended; false where there was no
    /// memory for it, and the job waits to be tried again.
    /// </summary>
    public Task<bool> Decoding
    {
        get
        {
            lock (_lock)
            {
                return _decoding.Task;
            }
        }
    }

    /// <summary>Ends with the job, however that ends.</summary>
    public Task Ended => _ended.Task;

    /// <summary>The job is not wanted any more.</summary>
    public CancellationToken Cancellation => _cancellation.Token;

    /// <summary>Takes the recording that was fetched.</summary>
    public void Receive(FileStream recording)
    {
        lock (_lock)
        {
            if (!HasEnded)
            {
                _recording = recording;
                return;
            }
        }

        recording.Dispose();
    }

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

    /// <summary>Gives the work up, since there is no memory for the recording: the job waits once more.</summary>
    /// <returns>False if the job has ended.</returns>
    public bool TryPostpone()
    {
        TaskCompletionSource<bool> failed;
        lock (_lock)
        {
            if (HasEnded)
            {
                return false;
            }

            (Status, StartedAt) = (JobStatus.Queued, null);
            (failed, _decoding) = (_decoding, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        failed.SetResult(false);
        return true;
    }

    /// <summary>The recording is decoded, or need not be.</summary>
    public void EndDecoding()
    {
        lock (_lock)
        {
            _decoding.TrySetResult(true);
        }
    }

    /// <summary>Lets the progress be seen.</summary>
    /// <param name="running">The transcription under way.</param>
    /// <param name="begin">Share of the work that was done before it.</param>
    /// <param name="end">Share of the work that is done with it.</param>
    public void Follow(RunningTranscription running, double begin, double end)
    {
        lock (_lock)
        {
            (_running, _share) = (running, (begin, end));
        }
    }

    /// <summary>Keeps a segment for who reads them as they come.</summary>
    public void Hear(Segment segment)
    {
        lock (_lock)
        {
            _heard.Enqueue(segment);
        }
    }

    /// <summary>The segments that have come since the last call.</summary>
    public IReadOnlyList<Segment> TakeHeard()
    {
        lock (_lock)
        {
            Segment[] heard = [.. _heard];
            _heard.Clear();
            return heard;
        }
    }

    public void Succeed(JobResult result, DateTimeOffset now) => End(JobStatus.Succeeded, now, () => Result = result);

    /// <summary>Gives the job up; nothing happens to one that has ended.</summary>
    public void Fail(ApiException error, DateTimeOffset now)
    {
        End(JobStatus.Failed, now, () => Error = error);
        _cancellation.Cancel();
    }

    /// <summary>Takes the job back; nothing happens to one that has ended.</summary>
    public void Cancel(DateTimeOffset now)
    {
        End(JobStatus.Cancelled, now, () => { });
        _cancellation.Cancel();
    }

    private void End(JobStatus status, DateTimeOffset now, Action set)
    {
        FileStream? recording;
        lock (_lock)
        {
            if (HasEnded)
            {
                return;
            }

            set();
            (Status, EndedAt, _running) = (status, now, null);
            (recording, _recording) = (_recording, null);
        }

        recording?.Dispose();
        EndDecoding();
        _ended.SetResult();
    }
}
