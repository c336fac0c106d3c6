using Microsoft.Extensions.Hosting;

namespace Handwritten.Server.Models;

/// <summary>Loads models before the first request, and unloads those that nobody uses.</summary>
internal sealed class ModelKeeper(ModelCatalogue models, ServerOptions options, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.LoadEagerly)
        {
            await Task.WhenAll(models.All.Select(host => TouchAsync(host, stoppingToken)));
        }

        if (options.UnloadAfter is { } idle)
        {
            using PeriodicTimer timer = new(Round, time);
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                foreach (ModelHost host in models.All)
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
            // It is in the log and in the health; the first request tries again.
        }
    }
}
