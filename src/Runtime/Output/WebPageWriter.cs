using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Handwritten.Runtime.Output;

/// <summary>
/// A web page in one file, to listen and read along: a player, words that can be clicked, the spoken word marked, unsure
/// words shaded, in a light and a dark dress. Its frame is <c>transcript.html</c> beside this file. The recording is
/// <see cref="WriterOptions.Recording"/>; without it, or where it has moved, the reader is asked for the file.
/// </summary>
public sealed class WebPageWriter : ITranscriptWriter
{
    private static readonly HtmlEncoder Html = HtmlEncoder.Create(UnicodeRanges.All);

    private static readonly Lazy<string> Frame = new(() =>
    {
        using Stream resource = typeof(WebPageWriter).Assembly.GetManifestResourceStream("transcript.html")!;
        return new StreamReader(resource).ReadToEnd().ReplaceLineEndings("\n");
    });

    /// <inheritdoc/>
    public string Extension => "html";

    /// <inheritdoc/>
    public void Write(Transcript transcript, TextWriter output, WriterOptions options)
    {
        // The frame's parts and the places between them: text, {{place}}, text, ...
        foreach (string part in Frame.Value.Split("{{"))
        {
            int end = part.IndexOf("}}", StringComparison.Ordinal);
            if (end < 0)
            {
                output.Write(part);
                continue;
            }

            switch (part[..end])
            {
                case "language":
                    output.Write(Html.Encode(options.TextLanguage ?? transcript.Language));
                    break;
                case "title":
                    output.Write(Html.Encode(options.Title ?? "Transcript"));
                    break;
                case "recording":
                    output.Write(options.Recording is { } recording ? $" src=\"{Html.Encode(recording)}\"" : "");
                    break;
                case "transcript":
                    WriteParagraphs(transcript, output);
                    break;
                case var place:
                    throw new InvalidOperationException($"The frame of the web page has a place '{place}' that nothing belongs to.");
            }

            output.Write(part[(end + 2)..]);
        }
    }

    private static void WriteParagraphs(Transcript transcript, TextWriter output)
    {
        foreach (IReadOnlyList<Segment> paragraph in Paragraphs.Of(transcript.Segments))
        {
            string time = Timestamp.Format(Timestamp.ToMilliseconds(paragraph[0].Start))[..^4];
            output.Write($"<p dir=\"auto\"><time data-start=\"{Number(paragraph[0].Start)}\">{time}</time>");
            foreach (Segment segment in paragraph)
            {
                if (segment.Words is { Count: > 0 } words)
                {
                    foreach (Word word in words)
                    {
                        WriteSpan(output, word.Text, word.Start, word.End, word.Probability);
                    }
                }
                else
                {
                    // e to the mean of the logarithms is the geometric mean of the tokens' probabilities.
                    WriteSpan(output, segment.Text, segment.Start, segment.End, Math.Exp(segment.AverageLogProbability));
                }
            }

            output.Write("</p>\n");
        }
    }

    // Blanks stay outside, so that they are not clicked, marked or shaded.
    private static void WriteSpan(TextWriter output, string text, double start, double end, double probability)
    {
        string trimmed = text.TrimStart();
        output.Write(Html.Encode(text[..^trimmed.Length]));
        if (trimmed.Length == 0)
        {
            return;
        }

        output.Write($"<span data-start=\"{Number(start)}\" data-end=\"{Number(end)}\" style=\"--doubt:{Number(Math.Clamp(1 - probability, 0, 1))}\">{Html.Encode(trimmed)}</span>");
    }

    private static string Number(double value) => Math.Round(value, 3).ToString(CultureInfo.InvariantCulture);
}
