using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Handwritten.Runtime.Output;

/// <summary>
/// Reads the JSON of <see cref="JsonTranscriptWriter"/>, that is, openai/whisper's. Only a segment's start, end and text
/// must be there, so that what related programs write can be read as well.
/// </summary>
internal static partial class JsonTranscript
{
    /// <summary>Thirty years, in seconds: no recording is longer, and nothing that is made of times overflows.</summary>
    private const double LongestTime = 1e9;

    /// <summary>Reads a transcript.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="FormatException">It is JSON, but no transcript.</exception>
    public static Transcript Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(QuoteNonFinite(json));
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("segments", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            throw new FormatException("it is JSON, but has no list of segments");
        }

        Segment[] segments = [.. list.EnumerateArray().Select(ReadSegment)];
        return new Transcript(
            Text(root, "text") ?? string.Concat(segments.Select(segment => segment.Text)), segments, Text(root, "language") ?? "");
    }

    private static Segment ReadSegment(JsonElement segment, int index)
    {
        string place = $"segment {index}";
        return new Segment(
            (int)(Number(segment, "id") ?? index),
            (int)(Number(segment, "seek") ?? 0),
            Time(segment, "start", place) ?? throw Missing(place, "start"),
            Time(segment, "end", place) ?? throw Missing(place, "end"),
            Text(segment, "text") ?? throw Missing(place, "text"),
            segment.TryGetProperty("tokens", out JsonElement tokens) && tokens.ValueKind == JsonValueKind.Array
                ? [.. tokens.EnumerateArray().Where(token => token.ValueKind == JsonValueKind.Number && token.TryGetInt32(out _)).Select(token => token.GetInt32())]
                : [],
            Number(segment, "temperature") ?? 0,
            Number(segment, "avg_logprob") ?? 0,
            Number(segment, "compression_ratio") ?? 0,
            Number(segment, "no_speech_prob") ?? 0,
            segment.TryGetProperty("words", out JsonElement words) && words.ValueKind == JsonValueKind.Array
                ? ReadWords(words, place)
                : null,
            Text(segment, "language"));
    }

    // whisperX leaves the times out of words it could not place; they share the word's before.
    private static List<Word> ReadWords(JsonElement words, string place)
    {
        List<Word> result = [];
        foreach (JsonElement word in words.EnumerateArray())
        {
            double last = result.Count > 0 ? result[^1].End : 0;
            double? start = Time(word, "start", $"a word of {place}");
            result.Add(new Word(
                Text(word, "word") ?? throw Missing($"a word of {place}", "word"),
                start ?? last,
                Time(word, "end", $"a word of {place}") ?? start ?? last,
                Number(word, "probability") ?? Number(word, "score") ?? 1));
        }

        return result;
    }

    private static FormatException Missing(string place, string name) => new($"{place} has no '{name}'");

    private static double? Time(JsonElement element, string name, string place) => Number(element, name) switch
    {
        null => null,
        double seconds and >= -LongestTime and <= LongestTime => seconds,
        double other => throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"the '{name}' of {place} is {other}, which is no time")),
    };

    private static double? Number(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value)
            ? value.ValueKind switch
            {
                JsonValueKind.Number => value.GetDouble(),
                JsonValueKind.String => value.GetString() switch { "NaN" => double.NaN, "Infinity" => double.PositiveInfinity, "-Infinity" => double.NegativeInfinity, _ => null },
                _ => null,
            }
            : null;

    /// <summary>
    /// Python writes <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c>, which JSON does not know, where a mean is of nothing. Here
    /// they get quotes; within a text, words of that kind stay as they are.
    /// </summary>
    private static string QuoteNonFinite(string json) =>
        NonFinitePattern().Replace(json, match => match.Value[0] == '"' ? match.Value : $"\"{match.Value}\"");

    [GeneratedRegex("""(?:"(?:[^"\\]|\\.)*")|-?Infinity|NaN""", RegexOptions.Singleline | RegexOptions.NonBacktracking)]
    private static partial Regex NonFinitePattern();

    private static string? Text(JsonElement element, string name)
    {
        try
        {
            return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
                ? value.GetString()
                : null;
        }
        catch (InvalidOperationException exception)
        {
            throw new FormatException($"a '{name}' has half a character (a lone surrogate)", exception);
        }
    }
}
