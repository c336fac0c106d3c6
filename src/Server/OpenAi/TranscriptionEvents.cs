using System.Text.Json;
using Handwritten.Runtime;
using Handwritten.Server.Errors;
using Handwritten.Server.Recognition;

namespace Handwritten.Server.OpenAi;

/// <summary>
/// A transcript that is sent while it is made, as server-sent events:
/// <code>
///     data: {"type":"transcript.text.delta","delta":" Send a message to Emma."}
///
///     data: {"type":"transcript.text.done","text":"Send a message to Emma. ...","usage":{...}}
/// </code>
/// A failure after the first event is an event as well, since the status has been sent.
/// </summary>
internal static class TranscriptionEvents
{
    /// <summary>Sends a transcript, a segment at a time.</summary>
    /// <returns>What was sent; null if it failed on the way, which the client knows.</returns>
    public static async Task<Transcript?> SendAsync(HttpContext context, RunningTranscription running)
    {
        CancellationToken cancellation = context.RequestAborted;
        await using IAsyncEnumerator<Segment> segments = running.SegmentsAsync(cancellation).GetAsyncEnumerator(cancellation);

        // What fails before the first segment still gets a status of its own.
        bool more = await segments.MoveNextAsync();
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would wait for the end
        try
        {
            bool first = true;
            for (; more; more = await segments.MoveNextAsync())
            {
                string text = segments.Current.Text;
                if (text.Length > 0)
                {
                    await SendAsync(context, new { Type = "transcript.text.delta", Delta = first ? text.TrimStart() : text });
                    first = false;
                }
            }

            Transcript transcript = await running.TranscriptAsync();
            await SendAsync(context, new
            {
                Type = "transcript.text.done",
                Text = TranscriptionResponses.Text(transcript),
                Usage = TranscriptionResponses.Usage(running.Duration),
            });
            return transcript;
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested)
        {
            await SendAsync(context, new { Type = "error", ApiErrors.Of(failure).ToResponse().Error });
            return null;
        }
    }

    private static async Task SendAsync<T>(HttpContext context, T data)
    {
        await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(data, Json.Options)}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
