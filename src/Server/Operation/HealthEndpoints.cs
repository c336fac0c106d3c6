using Handwritten.Server.Models;
using Microsoft.Extensions.Hosting;

namespace Handwritten.Server.Operation;

/// <summary>
/// Whether the process lives, and whether it should get requests: two questions, since a server that loads a large model, or
/// finishes what it has before it stops, must neither be killed nor given more.
/// </summary>
internal static class HealthEndpoints
{
    private const string Tag = "Operation";

    private static readonly string[] Probes = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder everybody)
    {
        everybody.MapMethods("/health/live", Probes, () => Results.Json(new Health("alive", null), Json.Options))
            .WithTags(Tag).WithSummary("The process is alive.").Produces<Health>();
        everybody.MapMethods("/health/ready", Probes, (ModelCatalogue models, Readiness readiness) => Results.Json(
                new Health(readiness.Status, [.. models.All.Select(ModelHealth.Of)]),
                Json.Options,
                statusCode: readiness.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable))
            .WithTags(Tag).WithSummary("The server takes requests.").Produces<Health>().Produces<Health>(StatusCodes.Status503ServiceUnavailable);
    }
}

/// <summary>Whether the server takes requests.</summary>
internal sealed class Readiness(ModelCatalogue models, ServerOptions options, IHostApplicationLifetime lifetime)
{
    /// <summary>Whether it does.</summary>
    public bool IsReady => Status is "ready" or "degraded";

    /// <summary>
    /// <c>ready</c>, <c>loading</c>, <c>failed</c> or <c>stopping</c>; <c>degraded</c> where a model cannot be loaded that is not the default
    /// one: requests for it fail, and those for the others must not be sent away for that.
    /// </summary>
    public string Status => 0 switch
    {
        _ when lifetime.ApplicationStopping.IsCancellationRequested => "stopping",
        _ when models.All[0].LastFailure is not null => "failed",

        // A model that is loaded when it is wanted, or was unloaded because nobody wanted it, is ready all the same.
        _ when options.LoadEagerly && options.UnloadAfter is null && models.All.Any(host => host.Loaded is null && host.LastFailure is null) => "loading",
        _ when models.All.Any(host => host.LastFailure is not null) => "degraded",
        _ => "ready",
    };
}

/// <summary>How the server is.</summary>
/// <param name="Status"><c>alive</c>, <c>ready</c>, <c>degraded</c>, <c>loading</c>, <c>failed</c> or <c>stopping</c>.</param>
/// <param name="Models">How its models are.</param>
public sealed record Health(string Status, IReadOnlyList<ModelHealth>? Models);

/// <summary>How a model is.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Loaded">Whether it is in memory.</param>
/// <param name="Device">What it runs on.</param>
/// <param name="Waiting">Requests that wait.</param>
/// <param name="Active">Requests that are under way.</param>
public sealed record ModelHealth(string Id, bool Loaded, string? Device, int Waiting, int Active)
{
    internal static ModelHealth Of(ModelHost host) => host.Loaded is { } loaded && loaded.Engine.Statistics is { } statistics
        ? new(host.Source.Name, true, loaded.Kernels.DeviceDescription, statistics.Waiting.Sum(), statistics.Active)
        : new(host.Source.Name, false, null, 0, 0);
}
