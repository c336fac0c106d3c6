using System.Globalization;
using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Transcription;
using Handwritten.Server.Errors;
using Handwritten.Server.Requests;

namespace Handwritten.Server.Live.Realtime;

/// <summary>
/// Reads a session.update, in either form of OpenAI's API. What it does not name stays as it is; what this server has nothing
/// for (noise reduction, log-probabilities) is passed over.
/// <code>
///     {"type": "transcription", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000},
///         "transcription": {"model": "...", "language": "en", "prompt": "..."},
///         "turn_detection": {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}}}}
///
///     {"input_audio_format": "pcm16", "input_audio_transcription": {...}, "turn_detection": null}
/// </code>
/// </summary>
/// <param name="findModel">A model's name here by the name that the client has for it.</param>
internal sealed class SessionUpdate(Func<string?, string> findModel)
{
    private const double LeastThreshold = 0.01, MostThreshold = 0.99;
    private const int MostMilliseconds = 10_000;

    /// <summary>The settings as they are after an update.</summary>
    /// <param name="settings">As they were.</param>
    /// <param name="session">The field <c>session</c>.</param>
    /// <exception cref="ApiException">A value makes no sense, or asks for what this server does not do.</exception>
    public StreamSettings Apply(StreamSettings settings, JsonElement session)
    {
        Require(session, "session", JsonValueKind.Object);
        if (session.TryGetProperty("type", out JsonElement type) && !type.Says("transcription"))
        {
            throw ApiException.BadField("session.type", $"session.type must be transcription, but it is '{type}': this server writes down what is said, and does not answer.");
        }

        if (session.TryGetProperty("input_audio_format", out JsonElement format) && !format.Says("pcm16"))
        {
            throw ApiException.BadField("session.input_audio_format", $"session.input_audio_format must be pcm16, but it is '{format}'.");
        }

        settings = Apply(settings, session, "session.", "input_audio_transcription");
        if (session.TryGetProperty("audio", out JsonElement audio) && Require(audio, "session.audio", JsonValueKind.Object).TryGetProperty("input", out JsonElement input))
        {
            settings = Apply(ApplyFormat(settings, Require(input, "session.audio.input", JsonValueKind.Object)), input, "session.audio.input.", "transcription");
        }

        return settings;
    }

    private StreamSettings Apply(StreamSettings settings, JsonElement input, string path, string transcription)
    {
        if (input.TryGetProperty(transcription, out JsonElement text) && text.ValueKind != JsonValueKind.Null)
        {
            settings = ApplyTranscription(settings, Require(text, path + transcription, JsonValueKind.Object), path + transcription);
        }

        return input.TryGetProperty("turn_detection", out JsonElement turns) ? settings with { Options = ApplyTurns(settings.Options, turns, path + "turn_detection") } : settings;
    }

    private static StreamSettings ApplyFormat(StreamSettings settings, JsonElement input)
    {
        const string path = "session.audio.input.format";
        if (!input.TryGetProperty("format", out JsonElement format))
        {
            return settings;
        }

        if (Require(format, path, JsonValueKind.Object).TryGetProperty("type", out JsonElement type) && !type.Says("audio/pcm"))
        {
            throw ApiException.BadField($"{path}.type", $"{path}.type must be audio/pcm, but it is '{type}'.");
        }

        return settings with { SampleRate = (int)(Number(format, "rate", path, StreamSettings.LowestRate, StreamSettings.HighestRate) ?? settings.SampleRate) };
    }

    private StreamSettings ApplyTranscription(StreamSettings settings, JsonElement wanted, string path)
    {
        TranscriptionOptions options = settings.Options.Transcription;
        if (Text(wanted, "language", path) is { } language)
        {
            string? code = language.Length == 0 ? null : Languages.FindCode(language)
                ?? throw ApiException.BadField($"{path}.language", $"{path}.language must be a code such as 'en' or a name such as 'English', but it is '{language}'.");
            options = options with { Decoding = options.Decoding with { Language = code } };
        }

        if (Text(wanted, "prompt", path) is { } prompt)
        {
            RequestFields.RequireShort($"{path}.prompt", prompt);
            options = options with { InitialPrompt = prompt.Length == 0 ? null : prompt };
        }

        return settings with
        {
            Model = Text(wanted, "model", path) is { } model ? findModel(model) : settings.Model,
            Options = settings.Options with { Transcription = options },
        };
    }

    /// <summary>Without turns everything until a commit is one, and nothing is guessed before.</summary>
    private static LiveOptions ApplyTurns(LiveOptions options, JsonElement turns, string path)
    {
        LiveOptions initially = new();
        if (turns.ValueKind == JsonValueKind.Null)
        {
            return options with { SpeechThreshold = 0, Interval = RealtimeDialect.NoGuesses };
        }

        if (Require(turns, path, JsonValueKind.Object).TryGetProperty("type", out JsonElement type) && !type.Says("server_vad"))
        {
            throw ApiException.BadField($"{path}.type", $"{path}.type must be server_vad, but it is '{type}'.");
        }

        bool hadNone = options.SpeechThreshold == 0;
        return options with
        {
            SpeechThreshold = Number(turns, "threshold", path, LeastThreshold, MostThreshold) ?? (hadNone ? initially.SpeechThreshold : options.SpeechThreshold),
            Interval = hadNone ? initially.Interval : options.Interval,
            Padding = Number(turns, "prefix_padding_ms", path, 0, MostMilliseconds) / 1000 ?? options.Padding,
            EndpointSilence = Number(turns, "silence_duration_ms", path, 1, MostMilliseconds) / 1000 ?? options.EndpointSilence,
        };
    }

    private static double? Number(JsonElement json, string name, string path, double minimum, double maximum)
    {
        if (!json.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.GetDouble() is var number && number >= minimum && number <= maximum
            ? number
            : throw ApiException.BadField($"{path}.{name}", string.Create(CultureInfo.InvariantCulture, $"{path}.{name} must be a number from {minimum} to {maximum}, but it is '{value}'."));
    }

    /// <summary>A text; empty where it is null, which takes away what was there; null where it is not named.</summary>
    private static string? Text(JsonElement json, string name, string path) => !json.TryGetProperty(name, out JsonElement value) ? null : value.ValueKind switch
    {
        JsonValueKind.Null => "",
        JsonValueKind.String => value.GetString(),
        _ => throw ApiException.BadField($"{path}.{name}", $"{path}.{name} must be a text."),
    };

    private static JsonElement Require(JsonElement json, string path, JsonValueKind kind) =>
        json.ValueKind == kind ? json : throw ApiException.BadField(path, $"{path} must be an object.");
}
