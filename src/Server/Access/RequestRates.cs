using System.Threading.RateLimiting;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Access;

/// <summary>How many requests a minute each client may send; tokens come back evenly, so that bursts are paid for by waiting.</summary>
internal static class RequestRates
{
    public const string Policy = "client";

    /// <summary>Adds the limits.</summary>
    public static void Add(IServiceCollection services, ServerOptions server) => services.AddRateLimiter(limits =>
    {
        limits.AddPolicy(Policy, context =>
        {
            Client client = Client.Of(context);
            return Partition(client.Name, client.RequestsPerMinute ?? server.RequestsPerMinute);
        });
        limits.OnRejected = (rejected, _) =>
        {
            TimeSpan? wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan given) ? given : null;
            string who = Client.Of(rejected.HttpContext).Key is null ? "client" : "API key";
            return new ValueTask(ErrorHandling.WriteAsync(rejected.HttpContext, ApiErrors.Busy(
                $"This {who} has sent too many requests: wait as long as Retry-After says.", "rate_limit_exceeded", wait)));
        };
    });

    /// <summary>What a client's requests are counted by.</summary>
    /// <param name="client">Its name.</param>
    /// <param name="perMinute">Its limit; part of what it is counted by, so that a changed file of keys counts at once. Without one all share a place, which is kept for ever.</param>
    internal static RateLimitPartition<(string Client, int PerMinute)> Partition(string client, int? perMinute) => perMinute is int rate
        ? RateLimitPartition.GetTokenBucketLimiter((client, rate), _ => Bucket(rate))
        : RateLimitPartition.GetNoLimiter(("", 0));

    private static TokenBucketRateLimiterOptions Bucket(int perMinute) => new()
    {
        TokenLimit = perMinute,
        TokensPerPeriod = 1,
        ReplenishmentPeriod = TimeSpan.FromMinutes(1) / perMinute,
        QueueLimit = 0,
    };
}
