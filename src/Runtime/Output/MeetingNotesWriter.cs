using System.Globalization;
using System.Text;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Output;

/// <summary>
/// Minutes of a meeting in Markdown: what is known about the recording, places for notes and tasks, and the text in
/// paragraphs with their times, under a heading every five minutes if it is long.
/// </summary>
public sealed class MeetingNotesWriter : ITranscriptWriter
{
    private const double SecondsBetweenHeadings = 300;

    /// <inheritdoc/>
    public string Extension => "md";

    /// <inheritdoc/>
    public void Write(Transcript transcript, TextWriter output, WriterOptions options)
    {
        double length = transcript.Segments.Count > 0 ? transcript.Segments[^1].End : 0;
        string spoken = Name(transcript.Language);
        string language = options.TextLanguage is { } written && written != transcript.Language ? $"{Name(written)}, translated from {spoken}" : spoken;
        output.Write($"# {Escape(options.Title ?? "Transcript")}\n\n- Language: {Escape(language)}\n- Length: {Time(length)}\n");
        output.Write("\n## Notes\n\n- \n\n## To do\n\n- [ ] \n\n## Transcript\n");

        double nextHeading = length > 2 * SecondsBetweenHeadings ? SecondsBetweenHeadings : double.PositiveInfinity;
        foreach (IReadOnlyList<Segment> paragraph in Paragraphs.Of(transcript.Segments))
        {
            double start = paragraph[0].Start;
            if (start >= nextHeading)
            {
                output.Write($"\n### {Time(start)}\n");
                nextHeading = (Math.Floor(start / SecondsBetweenHeadings) + 1) * SecondsBetweenHeadings;
            }

            output.Write($"\n**{Time(start)}** {Escape(PythonText.Strip(string.Concat(paragraph.Select(segment => segment.Text))))}\n");
        }
    }

    private static string Name(string language) =>
        Languages.Names.TryGetValue(language, out string? name) ? CultureInfo.InvariantCulture.TextInfo.ToTitleCase(name) : language;

    private static string Time(double seconds) => Timestamp.Format(Timestamp.ToMilliseconds(seconds), alwaysHours: true)[..^4];

    // Markdown takes a backslash before any punctuation; line ends would end the paragraph.
    private static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char c in text.ReplaceLineEndings(" "))
        {
            escaped.Append(c is '\\' or '`' or '*' or '_' or '[' or ']' or '<' or '>' or '#' or '|' or '~' or '&' or '$' ? "\\" : "").Append(c);
        }

        return escaped.ToString();
    }
}
