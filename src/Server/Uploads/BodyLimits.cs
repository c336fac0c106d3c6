using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;

namespace Handwritten.Server.Uploads;

/// <summary>
/// Limits what a request may send, and hears out whom the server refuses. A server that hangs up while a client still sends resets
/// the connection, and the answer that lies in it is lost (RFC 9112, section 9.6): the person at the other end reads "broken
/// pipe" where "compress the recording or cut it into parts" was meant. So the answer goes out whole, and then the rest of
/// the request is read and forgotten, for a while.
/// <code>
///     client   head, body ────────────────────────────────&gt; rest of the body
///     server              &lt;──────────────────── 413, {"error": ...}  (reads on, for at most 30 s)
/// </code>
/// </summary>
internal sealed class BodyLimits(RequestDelegate next, ServerOptions options, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength is null or 0 && request.Headers.TransferEncoding.Count == 0)
        {
            await next(context);
            return;
        }

        LimitedBody body = new(request.Body, request.ContentLength, options.MaximumUploadBytes);
        request.Body = body;
        context.Features.Set<IHttpMaxRequestBodySizeFeature>(body);
        await next(context);

        // Who asks before it sends ("Expect: 100-continue") and was refused sends nothing.
        bool waits = request.Headers.Expect.Count > 0 && !body.IsReadOnly;
        if (context.Response.StatusCode >= StatusCodes.Status400BadRequest && !waits && !context.RequestAborted.IsCancellationRequested)
        {
            await context.Response.CompleteAsync();
            await HearOutAsync(context, body);
        }
    }

    private async Task HearOutAsync(HttpContext context, LimitedBody body)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        limit.CancelAfter(Patience);
        try
        {
            await body.DrainAsync(limit.Token);
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
            // It has left or takes too long: Kestrel closes.
        }
    }
}
