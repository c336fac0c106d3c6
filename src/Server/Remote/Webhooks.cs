using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.RateLimiting;

namespace Handwritten.Server.Remote;

/// <summary>
/// Tells clients that a job has ended, signed as standardwebhooks.com has it (and OpenAI's webhooks), so that the receiver's
/// library can check who sent it:
/// <code>
///     webhook-id: job_...      webhook-timestamp: 1767225600      webhook-signature: v1,BASE64
///     BASE64 = HMAC-SHA256(secret, id "." timestamp "." body)
/// </code>
/// A receiver that does not answer is tried five times within half a minute. A few messages are under way at the same time, fewer of them to
/// one host, so that a slow one leaves places to the others; and who waits for the next attempt keeps no other from its own.
/// </summary>
internal sealed partial class Webhooks(RemoteClient remote, ServerOptions options, TimeProvider time, ILogger<Webhooks> logger) : IDisposable
{
    /// <summary>So many messages are sent at the same time.</summary>
    public const int MostAtOnce = 16;

    /// <summary>So many of them to one host.</summary>
    public const int MostToHost = 4;

    private const int Attempts = 5;
    private const string SecretPrefix = "whsec_";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim _places = new(MostAtOnce);
    private readonly PartitionedRateLimiter<string> _ofHosts = PartitionedRateLimiter.Create<string, string>(name => RateLimitPartition.GetConcurrencyLimiter(
        name, _ => new ConcurrencyLimiterOptions { PermitLimit = MostToHost, QueueLimit = int.MaxValue }));
    private int _hasWarned;

    /// <summary>Sends a message.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="id">The message's id; the same at each attempt, so that a receiver knows repetitions.</param>
    /// <param name="body">What to say.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task SendAsync(Uri address, string id, object body, CancellationToken cancellation)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(body, Json.Options);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (attempt > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(1 << (attempt - 1)), time, cancellation);
            }

            using RateLimitLease ofHost = await _ofHosts.AcquireAsync(address.IdnHost, cancellationToken: cancellation); // before a place, which others could use
            await _places.WaitAsync(cancellation);
            try
            {
                if (await remote.PostAsync(address, json, Sign(id, json), Patience, cancellation))
                {
                    return;
                }
            }
            finally
            {
                _places.Release();
            }
        }

        LogGivenUp(id, address.Host);
    }

    public void Dispose()
    {
        _places.Dispose();
        _ofHosts.Dispose();
    }

    /// <summary>The signature of a message.</summary>
    /// <param name="secret">The shared secret: any text, or base64 behind <c>whsec_</c>.</param>
    /// <param name="id">The message's id.</param>
    /// <param name="timestamp">Seconds since 1970.</param>
    /// <param name="body">What is said.</param>
    public static string Signature(string secret, string id, string timestamp, ReadOnlySpan<byte> body)
    {
        byte[] key = KeyOf(secret) ?? throw new ArgumentException("It is no secret.", nameof(secret));
        return $"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body]))}";
    }

    /// <summary>The key that a secret stands for; null if it begins with <c>whsec_</c>, and no base64 follows.</summary>
    public static byte[]? KeyOf(string secret)
    {
        if (!secret.StartsWith(SecretPrefix, StringComparison.Ordinal))
        {
            return Encoding.UTF8.GetBytes(secret);
        }

        string text = secret[SecretPrefix.Length..];
        byte[] key = new byte[text.Length];
        return Convert.TryFromBase64String(text, key, out int length) && length > 0 ? key[..length] : null;
    }

    private IEnumerable<KeyValuePair<string, string>> Sign(string id, byte[] body)
    {
        string timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        yield return new("webhook-id", id);
        yield return new("webhook-timestamp", timestamp);
        if (options.WebhookSecret is { } secret)
        {
            yield return new("webhook-signature", Signature(secret, id, timestamp, body));
        }
        else if (Interlocked.Exchange(ref _hasWarned, 1) == 0)
        {
            LogUnsigned();
        }
    }

    [LoggerMessage(LogLevel.Warning, "Webhooks are not signed, so that their receivers cannot tell who sends them: set HANDWRITTEN_WEBHOOK_SECRET.")]
    private partial void LogUnsigned();

    [LoggerMessage(LogLevel.Warning, "The webhook of {Job} was given up: {Host} took it in none of five attempts.")]
    private partial void LogGivenUp(string job, string host);
}
