using System.Security.Cryptography;
using System.Text.Json;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Live;

/// <summary>
/// The messages of OpenAI's realtime transcription (/v1/realtime?intent=transcription). Sound comes in base64, 16-bit samples of
/// 24 kHz, as <c>input_audio_buffer.append</c>; each stretch of speech becomes an item:
/// <code>
///     speech_started ──> delta* ──> speech_stopped, committed ──> completed
///                        (adds up to what is certain)             (all of it)
/// </code>
/// A delta cannot be taken back, so that only what two hypotheses agreed on is sent before the end. An empty
/// <c>input_audio_buffer.commit</c> after the last sound ends the session: turns are found by voice activity, as with OpenAI's
/// <c>server_vad</c>.
/// </summary>
internal sealed class RealtimeDialect(StreamSettings settings) : IStreamDialect
{
    public const int SampleRate = 24_000;

    private readonly string _session = NewId("sess");
    private string? _item;
    private string? _previousItem;
    private string _told = "", _text = "";

    public object Greet(string model) => Message("transcription_session.created", new { session = Session(model) });

    public ClientMessage Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument message = JsonDocument.Parse(json);
            JsonElement root = message.RootElement;
            return (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("type", out JsonElement type) ? type.ToString() : null) switch
            {
                "input_audio_buffer.append" when root.TryGetProperty("audio", out JsonElement audio) && audio.ValueKind == JsonValueKind.String => new(Audio: audio.GetBytesFromBase64()),
                "session.update" or "transcription_session.update" => new(Reply: Message("transcription_session.updated", new { session = Session(settings.Model) })),
                "input_audio_buffer.clear" => new(Reply: Message("input_audio_buffer.cleared", new { })),
                "input_audio_buffer.commit" => new(IsEnd: true),
                var other => throw new ApiException(StatusCodes.Status400BadRequest, $"This server does not know the event '{other}'.", code: "unknown_message"),
            };
        }
        catch (Exception failure) when (failure is JsonException or FormatException)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "A message must be a JSON object, and its audio base64.", code: "unknown_message", innerException: failure);
        }
    }

    public IEnumerable<object> Tell(LiveEvent heard) => heard switch
    {
        LiveSpeechStart start => Begin(start.Time),
        LivePartial partial => Add(partial.Committed),
        LiveFinal final => Finish(final.Text),
        LiveEndpoint end => End(end.Time),
        _ => [],
    };

    public object Complain(ApiException error) => Message("error", new { error.ToResponse().Error });

    public object? TakeLeave() => null;

    private IEnumerable<object> Begin(double time)
    {
        (_item, _told, _text) = (NewId("item"), "", "");
        yield return Message("input_audio_buffer.speech_started", new { audio_start_ms = Milliseconds(time), item_id = _item });
    }

    /// <summary>Sends what is certain now and has not been sent.</summary>
    private IEnumerable<object> Add(string certain)
    {
        string all = _text + certain;
        if (_item is not null && all.Length > _told.Length && all.StartsWith(_told, StringComparison.Ordinal))
        {
            string delta = all[_told.Length..];
            _told = all;
            yield return Message("conversation.item.input_audio_transcription.delta", new { item_id = _item, content_index = 0, delta });
        }
    }

    private object[] Finish(string text)
    {
        object[] messages = [.. Add(text)];
        _text += text;
        return messages;
    }

    private IEnumerable<object> End(double time)
    {
        if (_item is null)
        {
            yield break;
        }

        yield return Message("input_audio_buffer.speech_stopped", new { audio_end_ms = Milliseconds(time), item_id = _item });
        yield return Message("input_audio_buffer.committed", new { item_id = _item, previous_item_id = _previousItem });
        yield return Message("conversation.item.input_audio_transcription.completed", new { item_id = _item, content_index = 0, transcript = _text.Trim() });
        (_previousItem, _item) = (_item, null);
    }

    private object Session(string? model) => new
    {
        id = _session,
        @object = "realtime.transcription_session",
        input_audio_format = "pcm16",
        input_audio_transcription = new { model, language = settings.Options.Transcription.Decoding.Language },
        turn_detection = new { type = "server_vad", threshold = settings.Options.SpeechThreshold, silence_duration_ms = Milliseconds(settings.Options.EndpointSilence) },
    };

    private static Dictionary<string, object?> Message(string type, object fields)
    {
        Dictionary<string, object?> message = new() { ["event_id"] = NewId("event"), ["type"] = type };
        foreach (JsonProperty field in JsonSerializer.SerializeToElement(fields, Json.Options).EnumerateObject())
        {
            message[field.Name] = field.Value;
        }

        return message;
    }

    private static int Milliseconds(double seconds) => (int)Math.Round(seconds * 1000);

    private static string NewId(string prefix) => $"{prefix}_{RandomNumberGenerator.GetHexString(20, lowercase: true)}";
}
