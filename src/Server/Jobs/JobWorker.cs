using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Operation;
using Handwritten.Server.Recognition;
using Handwritten.Server.Remote;
using Handwritten.Server.Uploads;
using Microsoft.Extensions.Hosting;

namespace Handwritten.Server.Jobs;

/// <summary>
/// Works on jobs, a few at a time, so that few recordings are in memory; the engine gives them what live streams and waiting
/// clients leave. When the server stops, jobs under way are finished if the time allows, and the others handed back: they fail
/// with the code <c>shutting_down</c>, and their webhooks say so.
/// </summary>
internal sealed partial class JobWorker(
    JobStore jobs, RemoteClient remote, Scratch scratch, RecordingDecoder decoder, Recognizer recognizer, Webhooks webhooks, RequestLog log,
    LastCall lastCall, IHostApplicationLifetime lifetime, ServerOptions options, TimeProvider time, ILogger<JobWorker> logger) : BackgroundService
{
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _telling = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // StopAsync comes when the requests under way have ended, and some of those wait for a job.
        using CancellationTokenRegistration stopping = lifetime.ApplicationStopping.Register(() => HandBack(job => job.Status == JobStatus.Queued));
        using CancellationTokenRegistration ending = lastCall.Token.Register(() => HandBack(_ => true));
        int workers = Math.Max(2, options.Models.Max(model => model.Engine.Windows));
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(WorkAsync, CancellationToken.None)));
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        HandBack(job => job.Status == JobStatus.Queued);
        Task working = ExecuteTask ?? Task.CompletedTask, outOfTime = Task.Delay(Timeout.Infinite, cancellationToken);
        await Task.WhenAny(working, outOfTime);
        HandBack(_ => true);
        await working;
        Task told;
        lock (_lock)
        {
            told = Task.WhenAll(_telling);
        }

        await Task.WhenAny(told, outOfTime);
        await base.StopAsync(cancellationToken);
    }

    /// <summary>Takes no further jobs, and gives up some of those that have not ended.</summary>
    private void HandBack(Func<Job, bool> which)
    {
        ApiException stopped = ApiErrors.Of(new OperationCanceledException());
        foreach (Job job in jobs.Close().Where(which))
        {
            job.Fail(stopped, time.GetUtcNow());
            job.Cancel(time.GetUtcNow());
            Tell(job);
        }
    }

    private async Task WorkAsync()
    {
        await foreach (Job job in jobs.Queue.ReadAllAsync())
        {
            if (job.TryBegin(time.GetUtcNow()))
            {
                await DoAsync(job);
            }

            Tell(job);
        }
    }

    /// <summary>Lets the webhook know; the next job need not wait for a slow receiver.</summary>
    private void Tell(Job job)
    {
        if (!job.TryTell())
        {
            return;
        }

        Task telling = TellAsync(job);
        lock (_lock)
        {
            _telling.RemoveWhere(task => task.IsCompleted);
            _telling.Add(telling);
        }
    }

    private async Task DoAsync(Job job)
    {
        try
        {
            AudioClip clip = await LoadAsync(job);
            using RunningTranscription running = await StartAsync(job, clip);
            job.Follow(running);
            Transcript transcript = await running.TranscriptAsync();
            log.Transcribed(job.Client, running, transcript);
            job.Succeed(new FinishedTranscription(job.Request, transcript, clip.Seconds, running.Tokenizer), time.GetUtcNow());
        }
        catch (OperationCanceledException) when (job.Cancellation.IsCancellationRequested)
        {
            // Its client took it back, and it says so already.
        }
        catch (Exception failure)
        {
            ApiException error = ApiErrors.Of(failure);
            if (error.Status >= StatusCodes.Status500InternalServerError)
            {
                LogFailure(failure, job.Id);
            }

            job.Fail(error, time.GetUtcNow());
        }
    }

    private async Task<AudioClip> LoadAsync(Job job)
    {
        if (job.Input is UploadedInput upload)
        {
            return await decoder.DecodeAsync(upload.File.Name, job.Cancellation);
        }

        RemoteInput source = (RemoteInput)job.Input;
        await using FileStream file = scratch.CreateFile();
        await remote.FetchAsync(source.Address, source.Headers, file, job.Cancellation);
        return await decoder.DecodeAsync(file.Name, job.Cancellation);
    }

    /// <summary>Jobs have time: where the engine is full, they wait.</summary>
    private async Task<RunningTranscription> StartAsync(Job job, AudioClip clip)
    {
        while (true)
        {
            try
            {
                return await recognizer.StartAsync(job.Request, clip, RequestPriority.Bulk, job.Client, job.Cancellation);
            }
            catch (EngineBusyException busy)
            {
                await Task.Delay(busy.RetryAfter, time, job.Cancellation);
            }
        }
    }

    private async Task TellAsync(Job job)
    {
        if (job.Webhook is { } webhook)
        {
            try
            {
                await webhooks.SendAsync(webhook.Address, job.Id, webhook.Body(job), CancellationToken.None);
            }
            catch (Exception failure)
            {
                LogFailure(failure, job.Id);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "{Job} failed.")]
    private partial void LogFailure(Exception failure, string job);
}
