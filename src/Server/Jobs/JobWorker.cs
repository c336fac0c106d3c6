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
    JobStore jobs, RemoteClient remote, Scratch scratch, RecordingDecoder decoder, Recognizer recognizer, Webhooks webhooks,
    RequestLog log, ServerOptions options, TimeProvider time, ILogger<JobWorker> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        int workers = Math.Max(2, options.Models.Max(model => model.Engine.Windows));
        return Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(WorkAsync, CancellationToken.None)));
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        ApiException stopped = ApiErrors.Of(new OperationCanceledException());
        IReadOnlyList<Job> open = jobs.Close();
        await HandBackAsync(open.Where(job => job.Status == JobStatus.Queued), stopped, cancellationToken);
        Task working = ExecuteTask ?? Task.CompletedTask;
        await Task.WhenAny(working, Task.Delay(Timeout.Infinite, cancellationToken));
        foreach (Job job in open)
        {
            job.Fail(stopped, time.GetUtcNow());
            job.Cancel(time.GetUtcNow());
        }

        await working;
        await base.StopAsync(cancellationToken);
    }

    private async Task HandBackAsync(IEnumerable<Job> queued, ApiException stopped, CancellationToken cancellation)
    {
        await Task.WhenAll(queued.Select(job =>
        {
            job.Fail(stopped, time.GetUtcNow());
            return TellAsync(job, cancellation);
        }));
    }

    private async Task WorkAsync()
    {
        await foreach (Job job in jobs.Queue.ReadAllAsync())
        {
            if (job.TryBegin(time.GetUtcNow()))
            {
                await DoAsync(job);
            }

            // The next job need not wait for a slow receiver.
            _ = TellAsync(job, CancellationToken.None);
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

    private async Task TellAsync(Job job, CancellationToken cancellation)
    {
        if (job.Webhook is { } webhook)
        {
            try
            {
                await webhooks.SendAsync(webhook.Address, job.Id, webhook.Body(job), cancellation);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                LogFailure(failure, job.Id);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "{Job} failed.")]
    private partial void LogFailure(Exception failure, string job);
}
