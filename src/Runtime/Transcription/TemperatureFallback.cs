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
        Decode([(options, window)], attempts => [decode(attempts[0].Options)])[0];

    /// <summary>Decodes windows side by side: after each attempt, those whose text is not good enough go on together.</summary>
    /// <param name="windows">Of each window the temperatures and thresholds, and how it is decoded.</param>
    /// <param name="decode">Decodes some of them, named by their index, each at one temperature.</param>
    public static DecodingResult[] Decode(
        IReadOnlyList<(TranscriptionOptions Rules, DecodingOptions Decoding)> windows, Func<IReadOnlyList<WindowRequest>, IReadOnlyList<DecodingResult>> decode)
    {
        if (windows.Any(window => window.Rules.Temperatures.Count == 0))
        {
            throw new ArgumentException("There is no temperature to try.", nameof(windows));
        }

        DecodingResult[] results = new DecodingResult[windows.Count];
        int[] open = [.. Enumerable.Range(0, windows.Count)];
        for (int attempt = 0; open.Length > 0; attempt++)
        {
            IReadOnlyList<DecodingResult> found = decode([.. open.Select(window => new WindowRequest(At(windows[window].Decoding, windows[window].Rules.Temperatures[attempt]), window))]);
            for (int i = 0; i < open.Length; i++)
            {
                results[open[i]] = found[i];
            }

            open = [.. open.Where(window => attempt + 1 < windows[window].Rules.Temperatures.Count && !IsGoodEnough(windows[window].Rules, results[window]))];
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
