using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Serving;

/// <summary>How speech is followed while it is spoken.</summary>
public sealed record LiveOptions
{
    /// <summary>
    /// How each hypothesis is decoded. Clips make no sense here; words are found in any case. A null language is detected
    /// in the first sentence. <see cref="TranscriptionOptions.ConditionOnPreviousText"/> lets a sentence begin with the text before it as
    /// its prompt.
    /// </summary>
    public TranscriptionOptions Transcription { get; init; } = new() { ConditionOnPreviousText = false };

    /// <summary>Seconds of new audio before the next hypothesis.</summary>
    public double Interval { get; init; } = 1;

    /// <summary>Seconds of silence that end a sentence.</summary>
    public double EndpointSilence { get; init; } = 0.6;

    /// <summary>Speech begins in 32 ms with at least this probability, and ends below 0.15 less.</summary>
    public double SpeechThreshold { get; init; } = 0.5;

    /// <summary>Whose stream it is, as in <see cref="EngineRequest.Client"/>.</summary>
    public string Client { get; init; } = "";
}
