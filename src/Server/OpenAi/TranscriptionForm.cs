using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Handwritten.Server.OpenAi;

/// <summary>
/// OpenAI's fields of a transcription, for the OpenAPI document, which <see cref="SettingFields"/> adds the settings to;
/// <see cref="Requests.TranscriptionRequest"/> reads them.
/// </summary>
[SuppressMessage("Performance", "CA1812", Justification = "It is a description that nobody makes one of.")]
internal sealed record TranscriptionForm
{
    /// <summary>The recording, in any format that ffmpeg reads.</summary>
    public required IFormFile File { get; init; }

    /// <summary>A model of this server; whisper-1, gpt-4o-transcribe and gpt-4o-mini-transcribe stand for its default. With the latter two usage is told in tokens.</summary>
    public string? Model { get; init; }

    /// <summary>Text to pretend to have heard before: names, spelling, style.</summary>
    public string? Prompt { get; init; }

    /// <summary>json, text, srt, vtt or verbose_json.</summary>
    public string? ResponseFormat { get; init; }

    /// <summary>word, segment or both: what verbose_json has times of.</summary>
    [JsonPropertyName("timestamp_granularities[]")]
    public string[]? TimestampGranularities { get; init; }

    /// <summary>Whether the text is sent as server-sent events while it is made; with verbose_json each holds its segment.</summary>
    public bool? Stream { get; init; }

    /// <summary>logprobs: how sure the model was of each token, in json, verbose_json and the events of a stream.</summary>
    [JsonPropertyName("include[]")]
    public string[]? Include { get; init; }

    /// <summary>auto cuts the recording at silences into windows that are decoded side by side; {"type": "server_vad", "threshold", "prefix_padding_ms", "silence_duration_ms"} says what silence is.</summary>
    public string? ChunkingStrategy { get; init; }
}
