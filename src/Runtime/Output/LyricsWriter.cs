using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Output;

/// <summary>
/// LRC, which music players show as lyrics: a time and a line. Where nobody speaks, an empty line clears the display. With
/// <see cref="WriterOptions.HighlightWords"/> each word has its own time, for players that know the enhanced format
/// (<c>[00:01.00]&lt;00:01.00&gt;And&lt;00:01.42&gt; so,&lt;00:01.98&gt;</c>).
/// </summary>
public sealed class LyricsWriter : ITranscriptWriter
{
    /// <summary>A silence this long, in milliseconds, clears the display.</summary>
    private const long LongSilence = 2000;

    /// <inheritdoc/>
    public string Extension => "lrc";

    /// <inheritdoc/>
    public void Write(Transcript transcript, TextWriter output, WriterOptions options)
    {
        if (options.Title is { } title)
        {
            output.Write($"[ti:{OneLine(title)}]\n");
        }

        output.Write($"[la:{options.TextLanguage ?? transcript.Language}]\n[re:Handwritten]\n");
        Segment[] segments = [.. transcript.Segments.Where(segment => PythonText.Strip(segment.Text).Length > 0)];
        for (int i = 0; i < segments.Length; i++)
        {
            output.Write($"[{Time(segments[i].Start)}]{Line(segments[i], options)}\n");
            long end = Timestamp.ToMilliseconds(segments[i].End);
            if (i == segments.Length - 1 || Timestamp.ToMilliseconds(segments[i + 1].Start) - end >= LongSilence)
            {
                output.Write($"[{Time(segments[i].End)}]\n");
            }
        }
    }

    private static string Line(Segment segment, WriterOptions options) =>
        options.HighlightWords && segment.Words is { Count: > 0 } words
            ? string.Concat(words.Select((word, i) => $"<{Time(word.Start)}>{(i == 0 ? OneLine(word.Text) : word.Text.ReplaceLineEndings(" "))}")) + $"<{Time(words[^1].End)}>"
            : OneLine(segment.Text);

    private static string OneLine(string text) => PythonText.Strip(text).ReplaceLineEndings(" ");

    // Minutes grow beyond 99; there are no hours.
    private static string Time(double seconds)
    {
        long hundredths = (Timestamp.ToMilliseconds(seconds) + 5) / 10;
        return $"{hundredths / 6000:00}:{hundredths / 100 % 60:00}.{hundredths % 100:00}";
    }
}
