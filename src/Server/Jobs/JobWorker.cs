using Handwritten.Runtime;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Operation;
using Handwritten.Server.Recognition;
using Handwritten.Server.Requests;
using Handwritten.Server.Uploads;
using Microsoft.Extensions.Hosting;

namespace Handwritten.Server.Jobs;

/// <summary>
/// Works on jobs, a few at a time, so that few recordings are in memory; the engine gives them what live streams and waiting
/// clients leave. As many places again are for jobs that somebody waits for. A job for whose recording there is no memory leaves its place to
/// others. When the server stops, jobs under way are finished if the time allows, and the others handed back: they fail with the code
/// <c>shutting_down</c>, and their webhooks say so.
/// <code>
///     ToTranscribe ──> decodes ──> transcribes ──> ends
///          ^              │ no memory
///          └───────── ToTryAgain, one at a time
/// </code>
/// </summary>
internal sealed partial class JobWorker(
    JobStore jobs, JobNotices notices, RecordingDecoder decoder, Recognizer recognizer, RequestLog log,
    LastCall lastCall, IHostApplicationLifetime lifetime, ServerOptions options, TimeProvider time, ILogger<JobWorker> logger) : BackgroundService
{
    /// <summary>How long jobs that found no memory leave others to give some back.</summary>
    private static readonly TimeSpan UntilThereIsMemory = TimeSpan.FromSeconds(5);

    /// <summary>How many jobs for which nobody waits are worked on at the same time.</summary>
    public static int WorkersOf(ServerOptions options) => Math.Max(2, options.Models.Max(model => model.Engine.Windows));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // StopAsync comes when the requests under way have ended, and some of those wait for a job.
        using CancellationTokenRegistration stopping = lifetime.ApplicationStopping.Register(() => HandBack(job => job.Status == JobStatus.Queued));
        using CancellationTokenRegistration ending = lastCall.Token.Register(() => HandBack(_ => true));
        int workers = WorkersOf(options);
        await Task.WhenAll([TryAgainAsync(), .. Enumerable.Range(0, 2 * workers).Select(i => Task.Run(() => WorkAsync(onlyAwaited: i >= workers), CancellationToken.None))]);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        HandBack(job => job.Status == JobStatus.Queued);
        Task working = ExecuteTask ?? Task.CompletedTask;
        await working.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        HandBack(_ => true);
        await working;
        await notices.FinishAsync(cancellationToken);
        await base.StopAsync(cancellationToken);
    }

    /// <summary>Takes no further jobs, and gives up some of those that have not ended.</summary>
    private void HandBack(Func<Job, bool> which)
    {
        ApiException stopped = ApiErrors.Of(new OperationCanceledException());
        foreach (Job job in jobs.Close().Where(which))
        {
            job.Fail(stopped, time.GetUtcNow());
        }
    }

    private async Task WorkAsync(bool onlyAwaited)
    {
        while (await jobs.ToTranscribe.TakeAsync(onlyAwaited) is { } job)
        {
            if (job.TryBegin(time.GetUtcNow()))
            {
                await DoAsync(job);
            }

            jobs.ToTranscribe.Leave(job);
        }
    }

    /// <summary>
    /// Lets those jobs be decoded again that found no memory. Whether there is some is found out by decoding, which may be minutes of sound in
    /// vain; so they are tried one after the other, and after a while unless the one before has found memory.
    /// </summary>
    private async Task TryAgainAsync()
    {
        bool isThereMemory = false;
        while (await jobs.ToTryAgain.TakeAsync(onlyAwaited: false) is { } job)
        {
            if (!isThereMemory)
            {
                await Task.Delay(UntilThereIsMemory, time, job.Cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            Task<bool> decoding = job.Decoding;
            jobs.ToTranscribe.Add(job);
            isThereMemory = await decoding;
            jobs.ToTryAgain.Leave(job);
        }
    }

    private async Task DoAsync(Job job)
    {
        try
        {
            FileStream file = job.Recording ?? throw new OperationCanceledException(job.Cancellation);
            using DecodedRecording recording = await decoder.DecodeAsync(file.Name, job.Priority, job.Client, job.Cancellation);
            job.EndDecoding();
            job.Succeed(await TranscribeAsync(job, recording), time.GetUtcNow());
        }
        catch (EngineBusyException)
        {
            if (job.TryPostpone())
            {
                jobs.ToTryAgain.Add(job);
            }

            if (lifetime.ApplicationStopping.IsCancellationRequested) // and those that waited have been handed back already
            {
                HandBack(other => other == job);
            }
        }
        catch (Exception failure)
        {
            if (!job.HasEnded) // else its client took it back, or the server stops, and it says so already
            {
                ApiException error = ApiErrors.Of(failure);
                if (ApiErrors.IsTrouble(error))
                {
                    LogFailure(failure, job.Id);
                }

                job.Fail(error, time.GetUtcNow());
            }
        }
    }

    private async Task<JobResult> TranscribeAsync(Job job, DecodedRecording recording)
    {
        using RunningTranscription running = await StartAsync(job, job.Order.Request, recording);
        double share = job.Order.Translation is null ? 1 : 0.5;
        job.Follow(running, begin: 0, end: share);
        await foreach (Segment segment in running.SegmentsAsync(job.Cancellation))
        {
            job.Hear(segment);
        }

        FinishedTranscription transcription = await FinishAsync(job, job.Order.Request, recording, running);
        FinishedTranscription? translation = null;
        if (job.Order.Translation is { } second)
        {
            using RunningTranscription translating = await StartAsync(job, second, recording);
            job.Follow(translating, begin: share, end: 1);
            translation = await FinishAsync(job, second, recording, translating);
        }

        return new JobResult(transcription, translation, running.Model, running.Device);
    }

    private async Task<FinishedTranscription> FinishAsync(Job job, TranscriptionRequest request, DecodedRecording recording, RunningTranscription running)
    {
        Transcript transcript = await running.TranscriptAsync();
        log.Transcribed(job.Client, running, transcript);
        return new FinishedTranscription(request, transcript, recording.Clip.Seconds, running.Tokenizer);
    }

    /// <summary>Jobs have time: where the engine is full they wait, and keep their places, since the others need it as well.</summary>
    private async Task<RunningTranscription> StartAsync(Job job, TranscriptionRequest request, DecodedRecording recording)
    {
        while (true)
        {
            try
            {
                return await recognizer.StartAsync(request, recording, job.Priority, job.Client, job.Cancellation);
            }
            catch (EngineBusyException busy)
            {
                await Task.Delay(busy.RetryAfter, time, job.Cancellation);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "{Job} failed.")]
    private partial void LogFailure(Exception failure, string job);
}
