using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// Tries one temperature after the other until a text is good enough: not stuck in a loop, not improbable. A window that
/// holds no speech has no good text at any temperature, so it ends the attempts as well. If none is good enough, the last
/// one counts. Source: openai/whisper, transcribe.py, decode_with_fallback.
/// </summary>
internal static class TemperatureFallback
{
    /// <summary>Decodes a window.</summary>
    /// <param name="options">Temperatures and thresholds.</param>
    /// <param name="window">How this window is decoded.</param>
    /// <param name="decode">Decodes it at one temperature.</param>
    public static DecodingResult Decode(TranscriptionOptions options, DecodingOptions window, Func<DecodingOptions, DecodingResult> decode)
    {
        DecodingResult? result = null;
        foreach (double temperature in options.Temperatures)
        {
            result = decode(At(window, temperature));
            bool repetitive = result.CompressionRatio > options.CompressionRatioThreshold;
            bool improbable = result.AverageLogProbability < options.LogProbabilityThreshold;
            bool silent = improbable && result.NoSpeechProbability > options.NoSpeechThreshold;
            if (silent || !(repetitive || improbable))
            {
                break;
            }
        }

        return result ?? throw new ArgumentException("There is no temperature to try.", nameof(options));
    }

    /// <summary>Options for one temperature: beams at 0, samples above.</summary>
    public static DecodingOptions At(DecodingOptions options, double temperature) => temperature > 0
        ? options with { Temperature = temperature, BeamSize = null, Patience = null }
        : options with { Temperature = temperature, BestOf = null };
}
