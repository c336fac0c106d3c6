using Microsoft.Extensions.Hosting;

namespace Handwritten.Server.Operation;

/// <summary>
/// The last moments of a server that stops. Requests under way may end in <see cref="ServerOptions.ShutdownTimeout"/>, but not to its
/// very end, when their connections are cut: those that are not done shortly before are answered that the server stops.
/// <code>
///     told to stop ──────── requests end ──────────┬── answers ──┐ cut
///                                                  last call
/// </code>
/// </summary>
internal sealed class LastCall : IDisposable
{
    private static readonly TimeSpan LongestAnswering = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _source = new();
    private readonly CancellationTokenRegistration _stopping;

    public LastCall(IHostApplicationLifetime lifetime, ServerOptions options)
    {
        TimeSpan answering = TimeSpan.FromTicks(Math.Min(LongestAnswering.Ticks, options.ShutdownTimeout.Ticks / 2));
        _stopping = lifetime.ApplicationStopping.Register(() => _source.CancelAfter(options.ShutdownTimeout - answering));
    }

    /// <summary>Cancelled when it has come.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>How long the work of a request may take.</summary>
    /// <returns>Cancelled when the client is gone, or the last call has come.</returns>
    public CancellationTokenSource Within(HttpContext context) => CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, Token);

    public void Dispose()
    {
        _stopping.Dispose();
        _source.Dispose();
    }
}
