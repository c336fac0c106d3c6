using System.Net.WebSockets;
using Handwritten.Server.Access;
using Handwritten.Server.Errors;
using Handwritten.Server.Live.Realtime;
using Handwritten.Server.Models;
using Handwritten.Server.Operation;
using Handwritten.Server.Recognition;
using Microsoft.Extensions.Hosting;

namespace Handwritten.Server.Live;

/// <summary>The addresses of live streams. What makes no sense is refused before the socket opens, with a status and an error object.</summary>
internal static class StreamEndpoints
{
    private const string Tag = "Live";

    public static void Map(IEndpointRouteBuilder clients)
    {
        clients.MapGet("/v1/stream", (HttpContext context, LiveService live) => live.ServeAsync(context, settings => new NativeDialect(settings)))
            .WithTags(Tag)
            .WithSummary("A WebSocket: sound in, text out while it is spoken. ?sample_rate=16000&encoding=pcm16|float32 and the options of a transcription.")
            .Produces(StatusCodes.Status101SwitchingProtocols)
            .ProducesErrors(StatusCodes.Status426UpgradeRequired)
            .TakesQuery(StreamSettings.Parameters);
        clients.MapGet("/v1/realtime", (HttpContext context, LiveService live, ModelCatalogue models) => live.ServeAsync(
                context, settings => new RealtimeDialect(settings, RealtimeShape.Of(context.Request), name => models.Find(name).Source.Name), RealtimeDialect.SampleRate))
            .WithTags(Tag)
            .WithSummary("The same in the messages of OpenAI's realtime transcription: 24 kHz, 16-bit samples in base64.")
            .Produces(StatusCodes.Status101SwitchingProtocols)
            .ProducesErrors(StatusCodes.Status426UpgradeRequired)
            .TakesQuery(StreamSettings.Parameters);
    }
}

/// <summary>Opens live streams, as many as are allowed.</summary>
internal sealed class LiveService(
    ModelCatalogue models, Recognizer recognizer, Telemetry telemetry, RequestLog log, BrowserRules rules, ApiKeys keys, StreamPlaces places, ServerOptions options, IHostApplicationLifetime lifetime,
    LastCall lastCall, TimeProvider time, ILogger<LiveService> logger)
{
    /// <summary>A stream may last for hours, and its key may be taken out of the file meanwhile.</summary>
    private static readonly TimeSpan KeyCheck = TimeSpan.FromSeconds(1);

    /// <summary>Serves a stream.</summary>
    /// <param name="context">The request.</param>
    /// <param name="speak">Makes the dialect.</param>
    /// <param name="sampleRate">The rate where the address names none, in Hz.</param>
    /// <exception cref="ApiException">It cannot be opened.</exception>
    public async Task ServeAsync(HttpContext context, Func<StreamSettings, IStreamDialect> speak, int sampleRate = StreamSettings.UsualRate)
    {
        RequireSocket(context);
        Client client = Client.Of(context);
        StreamSettings settings = StreamSettings.Parse(context.Request.Query, client.Name, sampleRate);
        ModelHost host = models.Find(settings.Model);
        using IDisposable place = places.Take(client.Name);
        telemetry.CountStream(1);
        try
        {
            using IDisposable hold = host.KeepLoaded();
            (await host.AcquireAsync(context.RequestAborted)).Dispose(); // a model that cannot be loaded is told before the socket opens
            await using LiveSession session = new(models, recognizer, telemetry, log, settings);
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(ProtocolOf(context));
            using LiveSocket stream = new(socket, speak(settings), options.StreamIdleTimeout, logger);
            using CancellationTokenSource revoked = new();
            await using ITimer watch = time.CreateTimer(_ => CancelIfRevoked(client, revoked), null, KeyCheck, KeyCheck);
            await stream.RunAsync(session, host.Source.Name, context.RequestAborted, lifetime.ApplicationStopping, lastCall.Token, revoked.Token);
        }
        finally
        {
            telemetry.CountStream(-1);
        }
    }

    private void CancelIfRevoked(Client client, CancellationTokenSource revoked)
    {
        if (!keys.Allow(client))
        {
            revoked.Cancel();
        }
    }

    private void RequireSocket(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            throw new ApiException(StatusCodes.Status426UpgradeRequired, "This address is a WebSocket: connect with ws:// or wss://.", code: "upgrade_required");
        }

        if (!keys.AreRequired)
        {
            rules.RequireOwnPage(context.Request); // browsers let any page open a socket to any server
        }
    }

    /// <summary>Browsers demand that one of the protocols they offer is taken; one of them may be the key.</summary>
    private static string? ProtocolOf(HttpContext context)
    {
        IList<string> offered = context.WebSockets.WebSocketRequestedProtocols;
        return offered.FirstOrDefault(protocol => !protocol.StartsWith(Authentication.ProtocolPrefix, StringComparison.Ordinal)) ?? offered.FirstOrDefault();
    }
}
