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

            // The limit is part of the partition, so that a changed file of keys counts at once.
            return (client.RequestsPerMinute ?? server.RequestsPerMinute) is int rate
                ? RateLimitPartition.GetTokenBucketLimiter((client.Name, rate), _ => Bucket(rate))
                : RateLimitPartition.GetNoLimiter((client.Name, 0));
        });
        limits.OnRejected = (rejected, _) =>
        {
            TimeSpan? wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan given) ? given : null;
            string who = Client.Of(rejected.HttpContext).Key is null ? "client" : "API key";
            return new ValueTask(ErrorHandling.WriteAsync(rejected.HttpContext, ApiErrors.Busy(
                $"This {who} has sent too many requests: wait as long as Retry-After says.", "rate_limit_exceeded", wait)));
        };
    });

    private static TokenBucketRateLimiterOptions Bucket(int perMinute) => new()
    {
        TokenLimit = perMinute,
        TokensPerPeriod = 1,
        ReplenishmentPeriod = TimeSpan.FromMinutes(1) / perMinute,
        QueueLimit = 0,
    };
}
