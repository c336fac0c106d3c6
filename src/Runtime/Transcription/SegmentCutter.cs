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
    /// <summary>A part of the window's tokens with its times in seconds of the recording.</summary>
    internal readonly record struct Piece(double Start, double End, IReadOnlyList<int> Tokens);

    /// <summary>Cuts a window.</summary>
    /// <param name="tokens">The decoded tokens.</param>
    /// <param name="timestampBegin">Id of the first timestamp.</param>
    /// <param name="seek">First frame of the window.</param>
    /// <param name="frames">Frames of the window that hold audio.</param>
    /// <returns>The segments, and how many frames to go on.</returns>
    public static (List<Piece> Pieces, int Advance) Cut(IReadOnlyList<int> tokens, int timestampBegin, int seek, int frames)
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
            return ([new Piece(offset, offset + OpenDuration(tokens, timestampBegin, frames), tokens)], frames);
        }

        if (closed)
        {
            cuts.Add(tokens.Count);
        }

        List<Piece> pieces = new(cuts.Count);
        int begin = 0;
        foreach (int cut in cuts)
        {
            int[] part = [.. tokens.Skip(begin).Take(cut - begin)];
            pieces.Add(new Piece(offset + Seconds(part[0]), offset + Seconds(part[^1]), part));
            begin = cut;
        }

        int lastTimestamp = tokens[begin - 1] - timestampBegin;
        return (pieces, closed ? frames : lastTimestamp * WhisperAudio.FramesPerTimestamp);

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
