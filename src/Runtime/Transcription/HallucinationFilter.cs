using Handwritten.Model;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// Finds text that was probably never said: words that are improbable, much too short or much too long, in segments with
/// silence around them. Such a segment is dropped, and decoding goes on where it began, behind the silence before it.
/// <code>
///     speech ├─ ok ─┤      silence      ├─ odd words ─┤      silence
///                                       └ the next window begins here, without this segment
/// </code>
/// Source: openai/whisper, transcribe.py, what hallucination_silence_threshold does.
/// </summary>
/// <param name="threshold">Seconds of silence to skip, at least.</param>
/// <param name="frames">Frames of the recording.</param>
internal sealed class HallucinationFilter(double threshold, int frames)
{
    private const string Punctuation = "\"'“¿([{-\"'.。,，!！?？:：”)]}、";

    /// <summary>Drops what is suspicious.</summary>
    /// <param name="segments">The window's segments, with words; those from the first hallucination on are removed.</param>
    /// <param name="seek">First frame of the window.</param>
    /// <param name="windowFrames">Its frames that hold audio.</param>
    /// <param name="closed">Whether no speech follows the last segment.</param>
    /// <param name="next">Where the next window would begin.</param>
    /// <param name="lastSpeech">Where the speech before this window ended, in seconds.</param>
    /// <returns>Where the next window begins, and whether this one counts: not if it is to be heard again from there.</returns>
    public (int Next, bool Counts) Apply(List<SegmentDraft> segments, int seek, int windowFrames, bool closed, int next, double lastSpeech)
    {
        double offset = Seconds(seek), windowEnd = Seconds(seek + WhisperAudio.WindowFrames);
        if (!closed && SegmentDraft.LastEnd(segments) is double end && end > offset)
        {
            next = windowEnd - end > threshold ? Frame(end) : seek + windowFrames;
        }

        // A hallucination at the beginning: listen again from where it begins.
        SegmentDraft? first = segments.Find(HasWords);
        if (first is not null && IsAnomaly(first) && first.Start - offset > threshold && Frame(first.Start - offset) > 0)
        {
            segments.Clear();
            return (seek + Frame(first.Start - offset), false);
        }

        for (int i = 0; i < segments.Count; i++)
        {
            SegmentDraft segment = segments[i];
            if (!HasWords(segment))
            {
                continue;
            }

            if (IsAnomaly(segment))
            {
                SegmentDraft? following = segments.Skip(i + 1).FirstOrDefault(HasWords);
                double followingStart = following?.Words[0].Start ?? offset + Seconds(windowFrames);
                bool silenceBefore = segment.Start - lastSpeech > threshold || segment.Start < threshold || segment.Start - offset < 2;
                bool silenceAfter = followingStart - segment.End > threshold || (following is not null && IsAnomaly(following)) || windowEnd - segment.End < 2;
                if (silenceBefore && silenceAfter)
                {
                    segments.RemoveRange(i, segments.Count - i);
                    return (Seconds(frames) - segment.End < threshold ? frames : Frame(Math.Max(offset + 1, segment.Start)), true);
                }
            }

            lastSpeech = segment.End;
        }

        return (next, true);
    }

    private static bool HasWords(SegmentDraft segment) => segment.Words.Count > 0;

    /// <summary>Whether the first words are odd, all in all.</summary>
    private static bool IsAnomaly(SegmentDraft segment)
    {
        Word[] words = [.. segment.Words.Where(word => !Punctuation.Contains(word.Text, StringComparison.Ordinal)).Take(8)];
        double score = words.Sum(Oddity);
        return score >= 3 || score + 0.01 >= words.Length;
    }

    private static double Oddity(Word word)
    {
        double duration = word.End - word.Start;
        return (word.Probability < 0.15 ? 1 : 0) + (duration < 0.133 ? (0.133 - duration) * 15 : 0) + (duration > 2 ? duration - 2 : 0);
    }

    private static double Seconds(int frame) => (double)frame / WhisperAudio.FramesPerSecond;

    private static int Frame(double seconds) => (int)Math.Round(seconds * WhisperAudio.FramesPerSecond, MidpointRounding.ToEven);
}
