using Handwritten.Model;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// Cuts a decoded window into segments at its timestamps, and says where the next window begins.
/// <code>
///     &lt;0.00&gt; a b &lt;2.40&gt;&lt;2.40&gt; c d &lt;5.12&gt;&lt;5.12&gt; e f ...   two closed segments; "e f" is cut by the window's end:
///     └──── segment ────┘└──── segment ────┘└ next window starts here, at 5.12
///
///     &lt;0.00&gt; a b &lt;2.40&gt;&lt;2.40&gt; c d &lt;5.12&gt;               the last segment is closed: silence follows,
///                                                      the next window starts behind this one
///     a b                                              no pair of timestamps: the whole window is one segment
/// </code>
/// Source: openai/whisper, transcribe.py, the body of transcribe()'s loop.
/// </summary>
internal static class SegmentCutter
{
    /// <summary>What a window was cut to.</summary>
    /// <param name="Segments">The segments, at least one.</param>
    /// <param name="Advance">How many frames to go on.</param>
    /// <param name="Closed">Whether a single timestamp is the last token: no speech follows it.</param>
    internal sealed record Cut(List<SegmentDraft> Segments, int Advance, bool Closed);

    /// <summary>Cuts a window.</summary>
    /// <param name="tokens">The decoded tokens.</param>
    /// <param name="timestampBegin">Id of the first timestamp.</param>
    /// <param name="seek">First frame of the window.</param>
    /// <param name="frames">Frames of the window that hold audio.</param>
    public static Cut Apart(IReadOnlyList<int> tokens, int timestampBegin, int seek, int frames)
    {
        double offset = (double)seek / WhisperAudio.FramesPerSecond;
        bool closed = tokens.Count >= 2 && tokens[^2] < timestampBegin && tokens[^1] >= timestampBegin;
        List<int> cuts = [];
        for (int i = 1; i < tokens.Count; i++)
        {
            if (tokens[i - 1] >= timestampBegin && tokens[i] >= timestampBegin)
            {
                cuts.Add(i);
            }
        }

        if (cuts.Count == 0)
        {
            return new Cut([new SegmentDraft(offset, offset + OpenDuration(tokens, timestampBegin, frames), tokens)], frames, closed);
        }

        if (closed)
        {
            cuts.Add(tokens.Count);
        }

        List<SegmentDraft> segments = new(cuts.Count);
        int begin = 0;
        foreach (int cut in cuts)
        {
            int[] part = [.. tokens.Skip(begin).Take(cut - begin)];
            segments.Add(new SegmentDraft(offset + Seconds(part[0]), offset + Seconds(part[^1]), part, begin));
            begin = cut;
        }

        // (Two timestamps of 0, which only a model without timestamp rules writes, would have the original go on from here for ever.)
        int lastTimestamp = tokens[begin - 1] - timestampBegin;
        return new Cut(segments, closed || lastTimestamp <= 0 ? frames : lastTimestamp * WhisperAudio.FramesPerTimestamp, closed);

        double Seconds(int token) => (token - timestampBegin) * WhisperAudio.SecondsPerTimestamp;
    }

    /// <summary>Seconds of a window without a pair of timestamps: up to its last timestamp if that says anything.</summary>
    private static double OpenDuration(IReadOnlyList<int> tokens, int timestampBegin, int frames)
    {
        int last = tokens.LastOrDefault(token => token >= timestampBegin, timestampBegin);
        return last == timestampBegin
            ? (double)frames / WhisperAudio.FramesPerSecond
            : (last - timestampBegin) * WhisperAudio.SecondsPerTimestamp;
    }
}
