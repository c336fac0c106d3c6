using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Output;

/// <summary>
/// Comma-separated values: start and end in whole milliseconds, then the text in quotation marks, those in it doubled
/// (RFC 4180, but with line feeds, as all our files). whisper.cpp writes the same columns.
/// </summary>
public sealed class CsvWriter : ITranscriptWriter
{
    /// <inheritdoc/>
    public string Extension => "csv";

    /// <inheritdoc/>
    public void Write(Transcript transcript, TextWriter output, WriterOptions options)
    {
        output.Write("start,end,text\n");
        foreach (Segment segment in transcript.Segments)
        {
            string text = PythonText.Strip(segment.Text).Replace("\"", "\"\"", StringComparison.Ordinal);
            output.Write($"{Timestamp.ToMilliseconds(segment.Start)},{Timestamp.ToMilliseconds(segment.End)},\"{text}\"\n");
        }
    }
}
