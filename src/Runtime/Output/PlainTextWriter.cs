using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Output;

/// <summary>Plain text, a segment a line. Source: openai/whisper, utils.py, WriteTXT.</summary>
public sealed class PlainTextWriter : ITranscriptWriter
{
    /// <inheritdoc/>
    public string Extension => "txt";

    /// <inheritdoc/>
    public void Write(Transcript transcript, TextWriter output, WriterOptions options)
    {
        foreach (Segment segment in transcript.Segments)
        {
            output.Write($"{PythonText.Strip(segment.Text)}\n");
        }
    }
}
