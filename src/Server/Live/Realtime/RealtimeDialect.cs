using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Requests;

namespace Handwritten.Server.Live.Realtime;

/// <summary>
/// The messages of OpenAI's realtime transcription (/v1/realtime?intent=transcription). Sound comes in base64, 16-bit samples of
/// 24 kHz, as <c>input_audio_buffer.append</c>; each turn becomes an item. Turns are found by voice activity, or with
/// <c>"turn_detection": null</c> are what the client commits:
/// <code>
///     server_vad    speech_started ──> delta* ──> speech_stopped ──> committed ──> item ──> completed ──> speech_started ...
///                                     (what two hypotheses agree on: a delta cannot be taken back)
///     null          commit ──> committed ──> item ──> delta ──> completed
/// </code>
/// With voice activity a commit ends the turn that is being spoken; where nobody has spoken since the last commit, it makes
/// an item without text. A message that makes no sense is answered with an error, a turn that cannot be transcribed with
/// <c>failed</c> instead of <c>completed</c>, and the session goes on until the client closes it. Source: OpenAI's API reference, "Realtime", client events and server events.
/// </summary>
/// <param name="settings">The settings at first.</param>
/// <param name="shape">What messages are called.</param>
/// <param name="findModel">A model's name here by the name that the client has for it.</param>
internal sealed class RealtimeDialect(StreamSettings settings, RealtimeShape shape, Func<string?, string> findModel) : IStreamDialect
{
    public const int SampleRate = 24_000;

    /// <summary>The interval of hypotheses where there are none: a turn is cut before it is so long.</summary>
    public const double NoGuesses = 30;

    private const double ShortestCommit = 0.1; // seconds

    private readonly string _session = NewId("sess");
    private readonly SessionUpdate _update = new(findModel);
    private StreamSettings _settings = settings;
    private double _pending; // seconds that have come since the last commit, as the reading side counts them
    private string? _event; // id of the client's message that is being read

    // What follows belongs to the side that tells.
    private StreamPart? _part;
    private int _itemsOfPart;
    private string? _item, _previousItem;
    private string _told = "", _text = "";
    private double _turnBegin;

    /// <summary>A minute of sound in base64. OpenAI allows 15 MB, which many clients at once would take as memory before anything is heard.</summary>
    public int MostMessageBytes => 4 << 20;

    public bool Forgives => true;

    public object Greet(string model) => Message(shape.Created, new { session = Session() });

    public ClientMessage Read(ReadOnlyMemory<byte> json)
    {
        _event = null;
        try
        {
            using JsonDocument message = ReadableJson.Parse(json);
            return message.RootElement.ValueKind == JsonValueKind.Object ? Read(message.RootElement) : throw Unknown("A message must be a JSON object.");
        }
        catch (JsonException failure)
        {
            throw Unknown("A message must be a JSON object.", failure);
        }
    }

    public void Begin(StreamPart part) => (_part, _itemsOfPart) = (part, 0);

    public IEnumerable<object> Tell(LiveEvent heard) => heard switch
    {
        LiveSpeechStart start => BeginTurn(start.Time),
        LivePartial partial => Add(partial.Committed),
        LiveFinal final => Finish(final.Text),
        LiveEndpoint end => EndTurn(end.Time),
        _ => [],
    };

    public IEnumerable<object> End(StreamPart part, ApiException? error)
    {
        if (part.IsDropped)
        {
            _item = null;
            return [];
        }

        if (error is not null)
        {
            bool wasSpoken = _item is not null;
            return [.. wasSpoken ? [] : BeginTurn(0, isSpoken: false), .. CommitTurn(part.Seconds, wasSpoken), FailTurn(error)];
        }

        // OpenAI makes an item of whatever is committed.
        return part.IsCommitted && _itemsOfPart == 0 ? [.. BeginTurn(0, isSpoken: false), .. EndTurn(part.Seconds, isSpoken: false)] : [];
    }

    public IEnumerable<object> Complain(ApiException error, bool isLast)
    {
        if (isLast && _item is not null)
        {
            yield return FailTurn(error);
        }

        ErrorBody body = error.ToResponse().Error;
        yield return Message("error", new { error = new { body.Type, body.Code, body.Message, body.Param, event_id = _event } });
    }

    public object? TakeLeave() => null;

    /// <summary>Whole milliseconds.</summary>
    public static int Milliseconds(double seconds) => (int)Math.Round(seconds * 1000);

    private ClientMessage Read(JsonElement message)
    {
        _event = message.TryGetProperty("event_id", out JsonElement id) ? id.ToString() : null;
        switch (message.TryGetProperty("type", out JsonElement type) ? type.ToString() : null)
        {
            case "input_audio_buffer.append":
                byte[] sound = Sound(message);
                _pending += (double)sound.Length / _settings.BytesPerSecond;
                return new(Audio: sound);
            case "input_audio_buffer.commit":
                RequireSound();
                _pending = 0;
                return new(ClientRequest.Commit);
            case "input_audio_buffer.clear":
                _pending = 0;
                return new(ClientRequest.Clear, Reply: Message("input_audio_buffer.cleared", new { }));
            case "session.update" or "transcription_session.update":
                _settings = _update.Apply(_settings, message.TryGetProperty("session", out JsonElement session) ? session : default);
                return new(ClientRequest.Configure, Settings: _settings, Reply: Message(shape.Updated, new { session = Session() }));
            case var other:
                throw Unknown($"This server does not know the event '{other}'.");
        }
    }

    private static byte[] Sound(JsonElement message)
    {
        try
        {
            return message.TryGetProperty("audio", out JsonElement audio) && audio.ValueKind == JsonValueKind.String ? audio.GetBytesFromBase64() : throw new FormatException();
        }
        catch (FormatException failure)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "audio must be sound in base64.", parameter: "audio", code: "invalid_value", innerException: failure);
        }
    }

    private void RequireSound()
    {
        if (_pending < ShortestCommit)
        {
            throw new ApiException(
                StatusCodes.Status400BadRequest,
                string.Create(CultureInfo.InvariantCulture, $"There is too little to commit: {_pending * 1000:0.00} ms of sound, and 100 ms are the least."),
                code: "input_audio_buffer_commit_empty");
        }
    }

    private IEnumerable<object> BeginTurn(double time, bool isSpoken = true)
    {
        (_item, _told, _text, _turnBegin) = (NewId("item"), "", "", time);
        if (isSpoken && FindsTurns)
        {
            yield return Message("input_audio_buffer.speech_started", new { audio_start_ms = InSession(time), item_id = _item });
        }
    }

    /// <summary>Sends what is certain now and has not been sent.</summary>
    private IEnumerable<object> Add(string certain)
    {
        string all = _text + certain;
        if (_item is not null && FindsTurns && all.Length > _told.Length && all.StartsWith(_told, StringComparison.Ordinal))
        {
            yield return Delta(all);
        }
    }

    private object[] Finish(string text)
    {
        object[] messages = [.. Add(text)];
        _text += text;
        return messages;
    }

    private IEnumerable<object> EndTurn(double time, bool isSpoken = true) => [.. CommitTurn(time, isSpoken), .. CompleteTurn(time)];

    /// <summary>The turn under way has ended, and becomes an item.</summary>
    private IEnumerable<object> CommitTurn(double time, bool isSpoken)
    {
        if (isSpoken && FindsTurns)
        {
            yield return Message("input_audio_buffer.speech_stopped", new { audio_end_ms = InSession(time), item_id = _item });
        }

        yield return Message("input_audio_buffer.committed", new { item_id = _item, previous_item_id = _previousItem });
        foreach (string type in shape.ItemCreated)
        {
            yield return Message(type, new { previous_item_id = _previousItem, item = Item(_item!) });
        }
    }

    private IEnumerable<object> CompleteTurn(double time)
    {
        if (_text.Length > _told.Length)
        {
            yield return Delta(_text);
        }

        yield return Message("conversation.item.input_audio_transcription.completed", new
        {
            item_id = _item,
            content_index = 0,
            transcript = _text.Trim(),
            usage = TranscriptionUsage.OfSeconds(Math.Ceiling(Math.Max(0, time - _turnBegin))), // OpenAI counts whole seconds
        });
        LeaveTurn();
    }

    private Dictionary<string, object?> FailTurn(ApiException error)
    {
        Dictionary<string, object?> failed = Message("conversation.item.input_audio_transcription.failed", new { item_id = _item, content_index = 0, error = error.ToResponse().Error });
        LeaveTurn();
        return failed;
    }

    private void LeaveTurn() => (_previousItem, _item, _itemsOfPart) = (_item, null, _itemsOfPart + 1);

    private Dictionary<string, object?> Delta(string all)
    {
        string delta = all[_told.Length..];
        _told = all;
        return Message("conversation.item.input_audio_transcription.delta", new { item_id = _item, content_index = 0, delta });
    }

    private static object Item(string id) => new
    {
        id,
        @object = "realtime.item",
        type = "message",
        status = "completed",
        role = "user",
        content = new[] { new { type = "input_audio", transcript = (string?)null } },
    };

    private bool FindsTurns => _part!.Settings.Options.SpeechThreshold > 0;

    private int InSession(double time) => Milliseconds(_part!.Begin + time);

    private object Session() => shape.Session(_session, findModel(_settings.Model), _settings);

    private static ApiException Unknown(string sentence, Exception? cause = null) => new(StatusCodes.Status400BadRequest, sentence, code: "unknown_message", innerException: cause);

    private static Dictionary<string, object?> Message(string type, object fields)
    {
        Dictionary<string, object?> message = new() { ["event_id"] = NewId("event"), ["type"] = type };
        foreach (JsonProperty field in JsonSerializer.SerializeToElement(fields, Json.Options).EnumerateObject())
        {
            message[field.Name] = field.Value;
        }

        return message;
    }

    private static string NewId(string prefix) => $"{prefix}_{RandomNumberGenerator.GetHexString(20, lowercase: true)}";
}
