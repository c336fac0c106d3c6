using Handwritten.Server.Errors;
using Handwritten.Server.Remote;
using Handwritten.Server.Uploads;
using Microsoft.Extensions.Hosting;

namespace Handwritten.Server.Jobs;

/// <summary>
/// Fetches recordings beside the work on others, so that slow addresses hold up nobody's transcription. A recording keeps its place until
/// it is decoded: that bounds the files that lie about. Half of the places are for jobs that somebody waits for.
/// </summary>
internal sealed partial class JobFetcher(JobStore jobs, RemoteClient remote, Scratch scratch, ServerOptions options, TimeProvider time, ILogger<JobFetcher> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(0, Math.Max(2, options.MaximumFetches)).Select(i => Task.Run(() => WorkAsync(onlyAwaited: i % 2 == 1), CancellationToken.None)));

    private async Task WorkAsync(bool onlyAwaited)
    {
        while (await jobs.ToFetch.TakeAsync(onlyAwaited) is { } job)
        {
            if (await TryFetchAsync(job))
            {
                jobs.ToTranscribe.Add(job);
                while (!await job.Decoding)
                {
                    // There was no memory for it, so its file still waits.
                }
            }

            jobs.ToFetch.Leave(job);
        }
    }

    private async Task<bool> TryFetchAsync(Job job)
    {
        FileStream? file = null;
        try
        {
            RemoteInput source = (RemoteInput)job.Input;
            file = scratch.CreateFile();
            await remote.FetchAsync(source.Address, source.Headers, file, job.Cancellation);
            job.Receive(file);
            return true;
        }
        catch (Exception failure)
        {
            file?.Dispose();
            if (!job.HasEnded) // else nobody wants it any more
            {
                ApiException error = ApiErrors.Of(failure);
                if (ApiErrors.IsTrouble(error))
                {
                    LogFailure(failure, job.Id);
                }

                job.Fail(error, time.GetUtcNow());
            }

            return false;
        }
    }

    [LoggerMessage(LogLevel.Error, "The recording of {Job} could not be fetched.")]
    private partial void LogFailure(Exception failure, string job);
}
