using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.Transcription;

/// <summary>How a recording is transcribed. Source: openai/whisper, transcribe.py, the arguments of transcribe().</summary>
public sealed record TranscriptionOptions
{
    /// <summary>
    /// How each window is decoded. A null <see cref="DecodingOptions.Language"/> has the language detected in the first
    /// 30 seconds; <see cref="DecodingOptions.Prompt"/> is set by the loop.
    /// </summary>
    public DecodingOptions Decoding { get; init; } = new();

    /// <summary>
    /// Whether the text of earlier windows is the prompt of the next: consistent names and style, at the risk of a
    /// mistake that repeats itself.
    /// </summary>
    public bool ConditionOnPreviousText { get; init; } = true;

    /// <summary>Text to pretend to have heard before the recording: names, spelling, style.</summary>
    public string? InitialPrompt { get; init; }

    /// <summary>A window whose no-speech probability is above this is silence; null turns the rule off.</summary>
    public double? NoSpeechThreshold { get; init; } = 0.6;

    /// <summary>... unless its text is at least this probable (mean log-probability a token); null: whatever its text.</summary>
    public double? LogProbabilityThreshold { get; init; } = -1.0;
}
