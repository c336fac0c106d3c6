using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Output;

// From segments to subtitles. Without word times a segment is a cue. With them, words are set like type, one by one:
//
//     " ask" ──> does the line have room? ──yes──> put it behind
//                     │ no, or a new chunk of words, or 3 seconds of silence
//                     ├─ the subtitle is full, or segments are kept apart ──> new subtitle
//                     └─ otherwise ──> line break
//
// Either subtitles keep to segments (or to chunks of segments of so many words), or, given both a width and a number
// of lines, words run on over the ends of segments and only silences part them.
//
// Source: openai/whisper, utils.py, SubtitlesWriter.iterate_result, whose corners are kept: a line break counts in no
// width, and the silence is measured from the beginning of the word before.

/// <summary>What a subtitle shows, and when.</summary>
/// <param name="Start">Beginning in milliseconds.</param>
/// <param name="End">End in milliseconds.</param>
/// <param name="Text">One or more lines.</param>
internal readonly record struct Cue(long Start, long End, string Text);

/// <summary>Lays out subtitles.</summary>
internal static class Cues
{
    private const int NoLimit = 1000;
    private const double LongPause = 3;

    /// <summary>The cues of a transcript.</summary>
    public static IEnumerable<Cue> Of(IReadOnlyList<Segment> segments, WriterOptions options)
    {
        // A segment that says nothing has words, none, in any transcript; the original asks only the first segment for
        // its words, and then fails at the next one that has no list of them.
        if (segments.Count == 0 || segments.Any(segment => segment.Words is null))
        {
            return segments.Select(segment => new Cue(
                Timestamp.ToMilliseconds(segment.Start),
                Timestamp.ToMilliseconds(segment.End),
                PythonText.Strip(segment.Text).Replace("-->", "->", StringComparison.Ordinal)));
        }

        IEnumerable<List<Word>> subtitles = Typeset(segments, options);
        return options.HighlightWords
            ? subtitles.SelectMany(Highlight)
            : subtitles.Select(words => new Cue(
                Timestamp.ToMilliseconds(words[0].Start),
                Timestamp.ToMilliseconds(words[^1].End),
                string.Concat(words.Select(word => word.Text))));
    }

    // Distributes the words to subtitles; their texts come out with the spaces and line breaks to be shown.
    private static IEnumerable<List<Word>> Typeset(IReadOnlyList<Segment> segments, WriterOptions options)
    {
        bool keepSegments = options.MaxLineCount is not > 0 || options.MaxLineWidth is not > 0;
        int maxLineCount = options.MaxLineCount is > 0 ? options.MaxLineCount.Value : int.MaxValue;
        int maxLineWidth = options.MaxLineWidth is > 0 ? options.MaxLineWidth.Value : NoLimit;
        int maxWords = options.MaxWordsPerLine is > 0 ? options.MaxWordsPerLine.Value : NoLimit;

        List<Word> subtitle = [];
        int lineLength = 0;
        int lineCount = 1;
        double last = segments.SelectMany(WordsOf).FirstOrDefault()?.Start ?? segments[0].Start;
        foreach (Word[] chunk in segments.SelectMany(segment => WordsOf(segment).Chunk(maxWords)))
        {
            for (int i = 0; i < chunk.Length; i++)
            {
                Word word = chunk[i];
                bool longPause = !keepSegments && word.Start - last > LongPause;
                bool hasRoom = lineLength + PythonText.Length(word.Text) <= maxLineWidth;
                bool newChunk = i == 0 && subtitle.Count > 0 && keepSegments;
                if (lineLength > 0 && hasRoom && !longPause && !newChunk)
                {
                    lineLength += PythonText.Length(word.Text);
                }
                else
                {
                    string text = PythonText.Strip(word.Text);
                    bool full = subtitle.Count > 0 && (longPause || lineCount >= maxLineCount);
                    bool breaksLine = !full && !newChunk && lineLength > 0;
                    if (full || newChunk)
                    {
                        yield return subtitle;
                        subtitle = [];
                        lineCount = 1;
                    }

                    lineCount += breaksLine ? 1 : 0;
                    lineLength = PythonText.Length(text);
                    word = word with { Text = breaksLine ? "\n" + text : text };
                }

                subtitle.Add(word);
                last = word.Start;
            }
        }

        if (subtitle.Count > 0)
        {
            yield return subtitle;
        }
    }

    // One cue for each word, underlined, and one for each gap between words.
    private static IEnumerable<Cue> Highlight(List<Word> words)
    {
        string plain = string.Concat(words.Select(word => word.Text));
        long last = Timestamp.ToMilliseconds(words[0].Start);
        for (int i = 0; i < words.Count; i++)
        {
            long start = Timestamp.ToMilliseconds(words[i].Start);
            long end = Timestamp.ToMilliseconds(words[i].End);
            if (last != start)
            {
                yield return new Cue(last, start, plain);
            }

            yield return new Cue(start, end, string.Concat(words.Select((word, j) => j == i ? Underline(word.Text) : word.Text)));
            last = end;
        }
    }

    // re.sub(r"^(\s*)(.*)$", r"\1<u>\2</u>", word): the dot matches no line feed and the dollar forgives one at the end,
    // so that a word with a line feed in its midst stays as it is.
    private static string Underline(string word)
    {
        int start = 0;
        while (start < word.Length && PythonText.IsSpace(word[start]))
        {
            start++;
        }

        int end = word.AsSpan(start).EndsWith("\n") ? word.Length - 1 : word.Length;
        return word.AsSpan(start, end - start).Contains('\n')
            ? word
            : $"{word[..start]}<u>{word[start..end]}</u>{word[end..]}";
    }

    private static IReadOnlyList<Word> WordsOf(Segment segment) => segment.Words ?? [];
}
