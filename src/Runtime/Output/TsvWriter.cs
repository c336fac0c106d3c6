using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Output;

/// <summary>
/// Tab-separated values for spreadsheets and scripts: start and end in whole milliseconds, then the text. Integers keep
/// clear of decimal points and commas. Source: openai/whisper, utils.py, WriteTSV.
/// </summary>
public sealed class TsvWriter : ITranscriptWriter
{
    /// <inheritdoc/>
    public string Extension => "tsv";

    /// <inheritdoc/>
    public void Write(Transcript transcript, TextWriter output, WriterOptions options)
    {
        output.Write("start\tend\ttext\n");
        foreach (Segment segment in transcript.Segments)
        {
            string text = PythonText.Strip(segment.Text).Replace('\t', ' ');
            output.Write($"{Timestamp.ToMilliseconds(segment.Start)}\t{Timestamp.ToMilliseconds(segment.End)}\t{text}\n");
        }
    }
}
