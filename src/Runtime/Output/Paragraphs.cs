using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Output;

/// <summary>Gathers segments into paragraphs, for formats that are read and not shown over a picture.</summary>
internal static class Paragraphs
{
    /// <summary>A silence this long, in seconds, ends a paragraph.</summary>
    private const double LongPause = 2;

    /// <summary>A paragraph this long, in seconds, ends with its next sentence.</summary>
    private const double Long = 45;

    /// <summary>The paragraphs in order; segments without text are left out.</summary>
    public static IEnumerable<IReadOnlyList<Segment>> Of(IEnumerable<Segment> segments)
    {
        List<Segment> paragraph = [];
        foreach (Segment segment in segments.Where(segment => PythonText.Strip(segment.Text).Length > 0))
        {
            if (paragraph.Count > 0 && (segment.Start - paragraph[^1].End >= LongPause || (segment.Start - paragraph[0].Start >= Long && EndsSentence(paragraph[^1].Text))))
            {
                yield return paragraph;
                paragraph = [];
            }

            paragraph.Add(segment);
        }

        if (paragraph.Count > 0)
        {
            yield return paragraph;
        }
    }

    private static bool EndsSentence(string text) => PythonText.Strip(text)[^1] is '.' or '?' or '!' or '…' or '。' or '？' or '！' or '۔' or '।';
}
