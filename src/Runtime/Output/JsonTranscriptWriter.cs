using System.Globalization;

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
        output.Write($", \"start\": {Number(segment.Start)}, \"end\": {Number(segment.End)}, \"text\": ");
        WriteString(output, segment.Text);
        output.Write(", \"tokens\": ");
        WriteList(output, segment.Tokens, static (output, token) => output.Write(token));
        output.Write($", \"temperature\": {Number(segment.Temperature)}");
        output.Write($", \"avg_logprob\": {Number(segment.AverageLogProbability)}");
        output.Write($", \"compression_ratio\": {Number(segment.CompressionRatio)}");
        output.Write($", \"no_speech_prob\": {Number(segment.NoSpeechProbability)}");
        if (segment.Words is not null)
        {
            output.Write(", \"words\": ");
            WriteList(output, segment.Words, WriteWord);
        }

        // The original has one language for the whole recording.
        if (segment.Language is not null)
        {
            output.Write(", \"language\": ");
            WriteString(output, segment.Language);
        }

        output.Write('}');
    }

    private static void WriteWord(TextWriter output, Word word)
    {
        output.Write("{\"word\": ");
        WriteString(output, word.Text);
        output.Write($", \"start\": {Number(word.Start)}, \"end\": {Number(word.End)}");
        output.Write($", \"probability\": {Number(word.Probability)}}}");
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

    /// <summary>
    /// json.dumps of a float, which is repr: the fewest digits that read back as the same number, with an exponent
    /// below 1e-04 and from 1e+16 on, and always with a sign that this is no integer: <c>1.0</c>, <c>1e-05</c>.
    /// </summary>
    private static string Number(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        }

        // value = 0.digits · 10^point. "E16" would give too many digits; the default is the shortest form.
        string text = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        string[] parts = text.Split('E');
        string mantissa = parts[0].Contains('.') ? parts[0] : parts[0] + ".";
        int point = mantissa.IndexOf('.') + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        point -= digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');

        string sign = double.IsNegative(value) ? "-" : "";
        return sign + digits switch
        {
            "" => "0.0",
            _ when point is <= -4 or > 16 => Scientific(digits, point - 1),
            _ when point <= 0 => $"0.{new string('0', -point)}{digits}",
            _ when point >= digits.Length => $"{digits.PadRight(point, '0')}.0",
            _ => $"{digits[..point]}.{digits[point..]}",
        };
    }

    private static string Scientific(string digits, int exponent)
    {
        string fraction = digits.Length > 1 ? $".{digits[1..]}" : "";
        return $"{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }
}
