namespace Handwritten.Runtime.Transcription;

/// <summary>A segment that may still change: words move its ends, and a hallucination is dropped.</summary>
/// <param name="start">Beginning in the recording, in seconds.</param>
/// <param name="end">End in the recording, in seconds.</param>
/// <param name="tokens">Its tokens, timestamps included.</param>
/// <param name="first">Where they begin among those of the window.</param>
internal sealed class SegmentDraft(double start, double end, IReadOnlyList<int> tokens, int first = 0)
{
    /// <summary>Beginning in the recording, in seconds.</summary>
    public double Start { get; set; } = start;

    /// <summary>End in the recording, in seconds.</summary>
    public double End { get; set; } = end;

    /// <summary>The tokens, timestamps included.</summary>
    public IReadOnlyList<int> Tokens { get; } = tokens;

    /// <summary>Where they begin among those of the window.</summary>
    public int First { get; } = first;

    /// <summary>The words with their times; empty if there are none or none were asked for.</summary>
    public IReadOnlyList<Word> Words { get; set; } = [];

    /// <summary>
    /// The end of the last word of some segments; without any word, that of the last segment. Source: openai/whisper,
    /// utils.py, get_end.
    /// </summary>
    public static double? LastEnd(List<SegmentDraft> segments) =>
        segments.FindLast(segment => segment.Words.Count > 0)?.Words[^1].End ?? (segments.Count > 0 ? segments[^1].End : null);
}
