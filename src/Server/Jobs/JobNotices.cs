using Handwritten.Server.Remote;

namespace Handwritten.Server.Jobs;

/// <summary>
/// Tells webhooks that jobs have ended, however they end: one message for each job, since a job ends once, and at the moment when it does.
/// </summary>
internal sealed partial class JobNotices(Webhooks webhooks, ILogger<JobNotices> logger) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _telling = [];
    private readonly CancellationTokenSource _outOfTime = new();

    /// <summary>Will tell the job's webhook, if it has one.</summary>
    public void Follow(Job job)
    {
        if (job.Webhook is { } webhook)
        {
            Task telling = TellAsync(job, webhook);
            lock (_lock)
            {
                _telling.RemoveWhere(task => task.IsCompleted);
                _telling.Add(telling);
            }
        }
    }

    /// <summary>Waits until all jobs have ended and their webhooks know, with all attempts that takes.</summary>
    /// <param name="cancellation">Gives up those that do not know by then.</param>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        Task all;
        lock (_lock)
        {
            all = Task.WhenAll(_telling);
        }

        await all.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _outOfTime.CancelAsync();
        await all;
    }

    public void Dispose() => _outOfTime.Dispose();

    private async Task TellAsync(Job job, JobWebhook webhook)
    {
        await job.Ended;
        try
        {
            await webhooks.SendAsync(webhook.Address, job.Id, webhook.Body(job), _outOfTime.Token);
        }
        catch (OperationCanceledException)
        {
            LogOutOfTime(job.Id, webhook.Address.Host);
        }
        catch (Exception failure)
        {
            LogFailure(failure, job.Id);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The webhook of {Job} was given up: the server has stopped, and {Host} has not taken it.")]
    private partial void LogOutOfTime(string job, string host);

    [LoggerMessage(LogLevel.Error, "The webhook of {Job} failed.")]
    private partial void LogFailure(Exception failure, string job);
}
