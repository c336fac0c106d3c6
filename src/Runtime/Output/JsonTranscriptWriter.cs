namespace Handwritten.Runtime.Output;

/// <summary>
/// Everything that is known, as JSON: one line without a line end, <c>, </c> and <c>: </c> between the parts, and nothing
/// but ASCII (<c>é</c> is <c>\u00e9</c>), as Python's json.dump writes the original's result.
/// Source: openai/whisper, utils.py, WriteJSON.
/// </summary>
public sealed class JsonTranscriptWriter : ITranscriptWriter
{
    /// <inheritdoc/>
    public string Extension => "json";

    /// <inheritdoc/>
    public void Write(Transcript transcript, TextWriter output, WriterOptions options)
    {
        output.Write("{\"text\": ");
        WriteString(output, transcript.Text);
        output.Write(", \"segments\": ");
        WriteList(output, transcript.Segments, WriteSegment);
        output.Write(", \"language\": ");
        WriteString(output, transcript.Language);
        output.Write('}');
    }

    private static void WriteSegment(TextWriter output, Segment segment)
    {
        output.Write($"{{\"id\": {segment.Id}, \"seek\": {segment.Seek}");
        output.Write($", \"start\": {PythonText.Json(segment.Start)}, \"end\": {PythonText.Json(segment.End)}, \"text\": ");
        WriteString(output, segment.Text);
        output.Write(", \"tokens\": ");
        WriteList(output, segment.Tokens, static (output, token) => output.Write(token));
        output.Write($", \"temperature\": {PythonText.Json(segment.Temperature)}");
        output.Write($", \"avg_logprob\": {PythonText.Json(segment.AverageLogProbability)}");
        output.Write($", \"compression_ratio\": {PythonText.Json(segment.CompressionRatio)}");
        output.Write($", \"no_speech_prob\": {PythonText.Json(segment.NoSpeechProbability)}");
        if (segment.Words is not null)
        {
            output.Write(", \"words\": ");
            WriteList(output, segment.Words, WriteWord);
        }

        output.Write('}');
    }

    private static void WriteWord(TextWriter output, Word word)
    {
        output.Write("{\"word\": ");
        WriteString(output, word.Text);
        output.Write($", \"start\": {PythonText.Json(word.Start)}, \"end\": {PythonText.Json(word.End)}");
        output.Write($", \"probability\": {PythonText.Json(word.Probability)}}}");
    }

    private static void WriteList<T>(TextWriter output, IReadOnlyList<T> items, Action<TextWriter, T> write)
    {
        output.Write('[');
        for (int i = 0; i < items.Count; i++)
        {
            output.Write(i > 0 ? ", " : "");
            write(output, items[i]);
        }

        output.Write(']');
    }

    private static void WriteString(TextWriter output, string text)
    {
        output.Write('"');
        foreach (char c in text)
        {
            string? escaped = c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                >= ' ' and <= '~' => null,
                _ => $"\\u{(int)c:x4}",
            };
            if (escaped is null)
            {
                output.Write(c);
            }
            else
            {
                output.Write(escaped);
            }
        }

        output.Write('"');
    }
}
