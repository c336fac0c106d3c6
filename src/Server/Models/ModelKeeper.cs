using Microsoft.Extensions.Hosting;

namespace Handwritten.Server.Models;

/// <summary>
/// Loads models before the first request, unloads those that nobody uses, and tries those again that could not be loaded: a
/// server that is not ready gets no requests, which would be what tries them.
/// </summary>
internal sealed class ModelKeeper(ModelCatalogue models, ServerOptions options, TimeProvider time) : BackgroundService
{
    private const int RoundsBetweenAttempts = 10;

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.LoadEagerly)
        {
            await Task.WhenAll(models.All.Select(host => TouchAsync(host, stoppingToken)));
        }

        using PeriodicTimer timer = new(Round, time);
        for (int round = 1; await timer.WaitForNextTickAsync(stoppingToken); round++)
        {
            foreach (ModelHost host in models.All)
            {
                if (host.LastFailure is not null && round % RoundsBetweenAttempts == 0)
                {
                    await TouchAsync(host, stoppingToken);
                }

                if (options.UnloadAfter is { } idle)
                {
                    host.UnloadIfIdle(idle);
                }
            }
        }
    }

    private static async Task TouchAsync(ModelHost host, CancellationToken cancellation)
    {
        try
        {
            using ModelLease lease = await host.AcquireAsync(cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // It is in the log and in the health; the next request tries again, or the next round.
        }
    }
}
