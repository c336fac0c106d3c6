using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// A recording's language by its first windows: the first window that is sure decides, or else most of them. Source:
/// faster-whisper, transcribe.py, detect_language; with one window as openai/whisper.
/// </summary>
internal static class LanguageVote
{
    /// <summary>Decides.</summary>
    /// <param name="options">How many windows to ask, and when one is sure.</param>
    /// <param name="windows">Windows of the recording, at least one.</param>
    /// <param name="detect">The most probable language of a window.</param>
    /// <returns>A language code.</returns>
    public static string Decide(TranscriptionOptions options, int windows, Func<int, LanguageProbability> detect)
    {
        List<string> heard = [];
        for (int window = 0; window < Math.Min(windows, options.LanguageDetectionSegments); window++)
        {
            LanguageProbability best = detect(window);
            if (best.Probability > options.LanguageDetectionThreshold)
            {
                return best.Code;
            }

            heard.Add(best.Code);
        }

        return heard.GroupBy(code => code).MaxBy(votes => votes.Count())!.Key;
    }
}
