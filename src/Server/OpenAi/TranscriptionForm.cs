using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Handwritten.Server.OpenAi;

/// <summary>
/// The fields of a transcription, for the OpenAPI document; <see cref="Requests.TranscriptionRequest"/> reads them. The first
/// group is OpenAI's, the second the options of <c>handwritten transcribe</c>.
/// </summary>
[SuppressMessage("Performance", "CA1812", Justification = "It is a description that nobody makes one of.")]
internal sealed record TranscriptionForm
{
    /// <summary>The recording, in any format that ffmpeg reads.</summary>
    public required IFormFile File { get; init; }

    /// <summary>A model of this server; whisper-1 stands for its default.</summary>
    public string? Model { get; init; }

    /// <summary>The language that is spoken, by code or English name; detected if left out.</summary>
    public string? Language { get; init; }

    /// <summary>Text to pretend to have heard before: names, spelling, style.</summary>
    public string? Prompt { get; init; }

    /// <summary>json, text, srt, vtt or verbose_json.</summary>
    public string? ResponseFormat { get; init; }

    /// <summary>0, the default, tries higher ones for repetitive or improbable text; any other is the only one.</summary>
    public double? Temperature { get; init; }

    /// <summary>word, segment or both: what verbose_json has times of.</summary>
    [JsonPropertyName("timestamp_granularities[]")]
    public string[]? TimestampGranularities { get; init; }

    /// <summary>Whether the text is sent as server-sent events while it is made; with verbose_json each holds its segment.</summary>
    public bool? Stream { get; init; }

    /// <summary>auto cuts the recording at silences into windows that are decoded side by side.</summary>
    public string? ChunkingStrategy { get; init; }

    /// <summary>Texts to follow side by side at temperature 0.</summary>
    public int? BeamSize { get; init; }

    /// <summary>Texts to draw above temperature 0; the best counts.</summary>
    public int? BestOf { get; init; }

    /// <summary>Beam search ends when beams times this many texts have ended.</summary>
    public double? Patience { get; init; }

    /// <summary>How texts of different lengths compare.</summary>
    public double? LengthPenalty { get; init; }

    /// <summary>The same seed draws the same text.</summary>
    public int? Seed { get; init; }

    /// <summary>Words to expect, at the beginning of every window's prompt.</summary>
    public string? Hotwords { get; init; }

    /// <summary>Whether the text of a window is the prompt of the next.</summary>
    public bool? ConditionOnPreviousText { get; init; }

    /// <summary>Whether to find each word's place in time.</summary>
    public bool? WordTimestamps { get; init; }

    /// <summary>How much higher the temperature of each further attempt is.</summary>
    public double? TemperatureIncrementOnFallback { get; init; }

    /// <summary>Text that compresses better than this is repetitive.</summary>
    public double? CompressionRatioThreshold { get; init; }

    /// <summary>Text whose mean log-probability is below this is improbable.</summary>
    public double? LogprobThreshold { get; init; }

    /// <summary>Improbable text of a window whose no-speech probability is above this is silence.</summary>
    public double? NoSpeechThreshold { get; init; }

    /// <summary>With word_timestamps: skip silence of more than this many seconds around what was probably not said.</summary>
    public double? HallucinationSilenceThreshold { get; init; }

    /// <summary>Above 1, what a window already says becomes less probable.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>No sequence of this many tokens comes twice in a window.</summary>
    public int? NoRepeatNgramSize { get; init; }

    /// <summary>The most tokens of a window.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Ids of tokens that are never chosen, with commas between them.</summary>
    public string? SuppressTokens { get; init; }

    /// <summary>What to transcribe: start,end,start,end,... in seconds.</summary>
    public string? ClipTimestamps { get; init; }

    /// <summary>Whether each window's language is detected anew.</summary>
    public bool? Multilingual { get; init; }

    /// <summary>The most characters of a subtitle's line.</summary>
    public int? MaxLineWidth { get; init; }

    /// <summary>The most lines of a subtitle.</summary>
    public int? MaxLineCount { get; init; }

    /// <summary>The most words of a subtitle.</summary>
    public int? MaxWordsPerLine { get; init; }

    /// <summary>Whether each word is underlined as it is spoken.</summary>
    public bool? HighlightWords { get; init; }
}
