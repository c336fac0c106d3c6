using System.Globalization;
using Handwritten.Model;

namespace Handwritten.Runtime.Transcription.Words;

/// <summary>
/// Gives segments their words. The alignment stretches words over the silence beside them, so that those at the ends of
/// sentences and segments are held to twice the usual length, and a segment's ends move to its words where these are
/// credible. Source: openai/whisper, timing.py, add_word_timestamps.
/// </summary>
internal static class WordTimestamps
{
    private const string SentenceEnds = ".。!！?？";

    /// <summary>The usual length of a word is never taken for more than this.</summary>
    private const double LongestMedian = 0.7;

    /// <summary>How far a word may stick out of its segment before the segment is trusted more.</summary>
    private const double Tolerance = 0.5;

    /// <summary>Gives the segments of a window their words, and moves their ends.</summary>
    /// <param name="segments">The segments.</param>
    /// <param name="words">The words of all of them.</param>
    /// <param name="seek">The window's first frame.</param>
    /// <param name="endOfText">Id of the first token that is no text.</param>
    /// <param name="options">What punctuation is joined to which word.</param>
    /// <param name="lastSpeech">Where the speech before this window ended, in seconds.</param>
    public static void Add(
        IReadOnlyList<SegmentDraft> segments, IReadOnlyList<WordTiming> words, int seek, int endOfText, TranscriptionOptions options, double lastSpeech)
    {
        double median = UsualLength(words);
        CutAtSentenceEnds(words, 2 * median);
        Punctuation.Merge(words, options.PrependPunctuations, options.AppendPunctuations);

        double offset = (double)seek / WhisperAudio.FramesPerSecond;
        int next = 0;
        foreach (SegmentDraft segment in segments)
        {
            // A segment has as many words as make up its tokens.
            int missing = segment.Tokens.Count(token => token < endOfText);
            List<Word> own = [];
            for (; next < words.Count && missing > 0; next++)
            {
                WordTiming word = words[next];
                if (word.Text.Length > 0)
                {
                    own.Add(new Word(word.Text, Round(offset + word.Start), Round(offset + word.End), word.Probability));
                }

                missing -= word.Tokens.Count;
            }

            if (own.Count > 0)
            {
                CutAfterPause(own, median, lastSpeech);
                Agree(segment, own, median);
                lastSpeech = segment.End;
            }

            segment.Words = own;
        }
    }

    /// <summary>Python's round(seconds, 2): the exact number is rounded, a half to the even neighbour.</summary>
    internal static double Round(double seconds)
    {
        // Only eighths can lie exactly between two hundredths; formatting rounds everything else by its exact value.
        double eighths = seconds * 8;
        return eighths == Math.Floor(eighths)
            ? Math.Round(seconds * 100, MidpointRounding.ToEven) / 100
            : double.Parse(seconds.ToString("F2", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    /// <summary>The median length of the words that have one.</summary>
    private static double UsualLength(IReadOnlyList<WordTiming> words)
    {
        double[] lengths = [.. words.Select(word => word.Duration).Where(length => length != 0).Order()];
        return lengths.Length == 0 ? 0 : Math.Min(LongestMedian, (lengths[(lengths.Length - 1) / 2] + lengths[lengths.Length / 2]) / 2);
    }

    /// <summary>A mark that ends a sentence, or the word behind it, is not longer than twice the usual.</summary>
    private static void CutAtSentenceEnds(IReadOnlyList<WordTiming> words, double longest)
    {
        if (longest == 0)
        {
            return;
        }

        for (int i = 1; i < words.Count; i++)
        {
            if (words[i].Duration <= longest)
            {
                continue;
            }

            if (SentenceEnds.Contains(words[i].Text, StringComparison.Ordinal))
            {
                words[i].End = words[i].Start + longest;
            }
            else if (SentenceEnds.Contains(words[i - 1].Text, StringComparison.Ordinal))
            {
                words[i].Start = words[i].End - longest;
            }
        }
    }

    /// <summary>After a pause, the first and the second word are not longer than twice the usual.</summary>
    private static void CutAfterPause(List<Word> words, double median, double lastSpeech)
    {
        double longest = 2 * median;
        bool afterPause = words[0].End - lastSpeech > median * 4;
        bool tooLong = words[0].End - words[0].Start > longest || (words.Count > 1 && words[1].End - words[0].Start > longest * 2);
        if (!afterPause || !tooLong)
        {
            return;
        }

        if (words.Count > 1 && words[1].End - words[1].Start > longest)
        {
            double boundary = Math.Max(words[1].End / 2, words[1].End - longest);
            words[0] = words[0] with { End = boundary };
            words[1] = words[1] with { Start = boundary };
        }

        words[0] = words[0] with { Start = Math.Max(0, words[0].End - longest) };
    }

    /// <summary>Segment and words get the same ends: the words', unless the outer word is stretched beyond the segment.</summary>
    private static void Agree(SegmentDraft segment, List<Word> words, double median)
    {
        if (segment.Start < words[0].End && segment.Start - Tolerance > words[0].Start)
        {
            words[0] = words[0] with { Start = Math.Max(0, Math.Min(words[0].End - median, segment.Start)) };
        }
        else
        {
            segment.Start = words[0].Start;
        }

        if (segment.End > words[^1].Start && segment.End + Tolerance < words[^1].End)
        {
            words[^1] = words[^1] with { End = Math.Max(words[^1].Start + median, segment.End) };
        }
        else
        {
            segment.End = words[^1].End;
        }
    }
}
