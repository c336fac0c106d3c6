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
    public static DecodingResult Decode(TranscriptionOptions options, DecodingOptions window, Func<DecodingOptions, DecodingResult> decode) =>
        Decode(options, [window], attempts => [decode(attempts[0].Options)])[0];

    /// <summary>Decodes windows side by side: after each temperature, those whose text is not good enough go on together.</summary>
    /// <param name="options">Temperatures and thresholds.</param>
    /// <param name="windows">How each window is decoded.</param>
    /// <param name="decode">Decodes some of them, named by their index, at one temperature.</param>
    public static DecodingResult[] Decode(TranscriptionOptions options, IReadOnlyList<DecodingOptions> windows, Func<IReadOnlyList<WindowRequest>, IReadOnlyList<DecodingResult>> decode)
    {
        if (options.Temperatures.Count == 0)
        {
            throw new ArgumentException("There is no temperature to try.", nameof(options));
        }

        DecodingResult[] results = new DecodingResult[windows.Count];
        int[] open = [.. Enumerable.Range(0, windows.Count)];
        foreach (double temperature in options.Temperatures)
        {
            IReadOnlyList<DecodingResult> attempts = decode([.. open.Select(window => new WindowRequest(At(windows[window], temperature), window))]);
            for (int i = 0; i < open.Length; i++)
            {
                results[open[i]] = attempts[i];
            }

            open = [.. open.Where(window => !IsGoodEnough(options, results[window]))];
            if (open.Length == 0)
            {
                break;
            }
        }

        return results;
    }

    /// <summary>Whether a window holds no speech, so that its text does not count.</summary>
    public static bool IsSilence(TranscriptionOptions options, DecodingResult result) =>
        result.NoSpeechProbability > options.NoSpeechThreshold
        && !(result.AverageLogProbability > options.LogProbabilityThreshold);

    private static bool IsGoodEnough(TranscriptionOptions options, DecodingResult result)
    {
        bool repetitive = result.CompressionRatio > options.CompressionRatioThreshold;
        bool improbable = result.AverageLogProbability < options.LogProbabilityThreshold;
        bool silent = improbable && result.NoSpeechProbability > options.NoSpeechThreshold;
        return silent || !(repetitive || improbable);
    }

    /// <summary>Options for one temperature: beams at 0, samples above.</summary>
    public static DecodingOptions At(DecodingOptions options, double temperature) => temperature > 0
        ? options with { Temperature = temperature, BeamSize = null, Patience = null }
        : options with { Temperature = temperature, BestOf = null };

    /// <summary>The most sequences that a window takes at any of the temperatures.</summary>
    public static int MostLanes(TranscriptionOptions options) =>
        options.Temperatures.Max(temperature => At(options.Decoding, temperature).Lanes);
}
