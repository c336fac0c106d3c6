using System.Text.Json;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Requests;

namespace Handwritten.Server.Live;

/// <summary>
/// The messages of /v1/stream. Sound comes as binary messages; <c>{"type":"end"}</c> says that no more follows. Back come, with
/// times in seconds since the first sample:
/// <code>
///     ready ──> language ──> speech_start ──> partial* ──> final* ──> endpoint ──> speech_start ... ──> done
///                                             (may change)  (stays)
/// </code>
/// </summary>
internal sealed class NativeDialect(StreamSettings settings) : IStreamDialect
{
    public int MostMessageBytes => 1 << 20; // 16 s of 16-bit sound at 32 kHz

    public bool Forgives => false;

    public object Greet(string model) => new { Type = "ready", Model = model, settings.SampleRate, Encoding = settings.Format };

    public ClientMessage Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument message = ReadableJson.Parse(json);
            if (message.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("type", out JsonElement type) && type.Says("end"))
            {
                return new ClientMessage(ClientRequest.End);
            }
        }
        catch (JsonException)
        {
            // Told below.
        }

        throw new ApiException(StatusCodes.Status400BadRequest, "A text message must be {\"type\":\"end\"}; sound is sent in binary messages.", code: "unknown_message");
    }

    public void Begin(StreamPart part)
    {
        // There is only one.
    }

    public IEnumerable<object> Tell(LiveEvent heard)
    {
        yield return heard switch
        {
            LiveLanguage language => new { Type = "language", language.Language },
            LiveSpeechStart start => new { Type = "speech_start", start.Time },
            LivePartial partial => new { Type = "partial", Text = partial.Committed + partial.Tentative, partial.Committed, partial.Tentative, partial.Start, partial.End },
            LiveFinal final => new { Type = "final", final.Text, final.Start, final.End, Words = final.Words.Select(WordAnswer.Of) },
            LiveEndpoint end => new { Type = "endpoint", end.Time },
            _ => throw new InvalidOperationException($"{heard.GetType().Name} has no message."),
        };
    }

    public IEnumerable<object> End(StreamPart part, ApiException? error) => [];

    public IEnumerable<object> Complain(ApiException error, bool isLast) => [new { Type = "error", error.ToResponse().Error }];

    public object TakeLeave() => new { Type = "done" };
}
