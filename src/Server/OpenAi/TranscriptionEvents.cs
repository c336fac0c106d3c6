using System.Text.Json;
using System.Text.Json.Serialization;
using Handwritten.Runtime;
using Handwritten.Server.Errors;
using Handwritten.Server.Recognition;
using Handwritten.Server.Requests;

namespace Handwritten.Server.OpenAi;

/// <summary>
/// A transcript that is sent while it is made, as server-sent events:
/// <code>
///     data: {"type":"transcript.text.delta","delta":" Send a message to Emma."}
///
///     data: {"type":"transcript.text.done","text":"Send a message to Emma. ...","usage":{...}}
/// </code>
/// With response_format=verbose_json a delta holds its segment as well, with the words if they were asked for, and the language and
/// length of the recording; with include[]=logprobs both hold those of their tokens. A failure after the first event is an event as well, since the status has been sent.
/// </summary>
internal static class TranscriptionEvents
{
    /// <summary>Sends a transcript, a segment at a time.</summary>
    /// <returns>What was sent; null if it failed on the way, which the client knows.</returns>
    public static async Task<Transcript?> SendAsync(HttpContext context, TranscriptionRequest request, RunningTranscription running)
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
                Segment segment = segments.Current;
                if (segment.Text.Length > 0)
                {
                    TextDelta delta = new("transcript.text.delta", first ? segment.Text.TrimStart() : segment.Text) { Logprobs = request.Logprobs ? LogprobAnswer.Of(segment, running.Tokenizer) : null };
                    await SendAsync(context, request.Format != ResponseFormat.VerboseJson ? delta : delta with
                    {
                        Segment = SegmentAnswer.WithWords(segment),
                        Language = TranscriptionResponses.LanguageName(await running.Language),
                        Duration = running.Duration,
                    });
                    first = false;
                }
            }

            FinishedTranscription finished = new(request, await running.TranscriptAsync(), running.Duration, running.Tokenizer);
            await SendAsync(context, new TextDone("transcript.text.done", finished.Text, finished.Logprobs, finished.Usage));
            return finished.Transcript;
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

    private sealed record TextDelta(string Type, string Delta)
    {
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IEnumerable<LogprobAnswer>? Logprobs { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public SegmentAnswer? Segment { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Language { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public double? Duration { get; init; }
    }

    private sealed record TextDone(
        string Type, string Text, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IEnumerable<LogprobAnswer>? Logprobs, TranscriptionUsage Usage);
}
