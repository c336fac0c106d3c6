using System.Text;
using System.Text.Json;

namespace Handwritten.Runtime.Output;

/// <summary>
/// Reads transcripts back, those of this program and of others: JSON as openai/whisper writes it (faster-whisper and
/// whisperX are close enough), SubRip, WebVTT, and plain text, which has no times.
/// </summary>
public static class TranscriptReader
{
    /// <summary>The file extensions that can be read: json, srt, vtt, txt.</summary>
    public static IReadOnlyList<string> Extensions { get; } = ["json", "srt", "vtt", "txt"];

    /// <summary>Whether a file is a transcript by its extension.</summary>
    public static bool CanRead(string path) => Extensions.Contains(Extension(path));

    /// <summary>Reads a transcript.</summary>
    /// <param name="path">The file; its extension tells its format.</param>
    /// <returns>Its segments; what a format does not tell is zero, and the language of subtitles is empty.</returns>
    /// <exception cref="TranscriptException">It cannot be read.</exception>
    public static Transcript Read(string path)
    {
        string text = ReadText(path);
        try
        {
            switch (Extension(path))
            {
                case "json":
                    return ParseJson(text);
                case "srt" or "vtt":
                    IReadOnlyList<Segment> segments = SubtitleParser.Parse(text);
                    return new Transcript(string.Concat(segments.Select(segment => segment.Text)), segments, "");
                case "txt":
                    return new Transcript(text, [new Segment(0, 0, 0, 0, text, [], 0, 0, 0, 0)], "");
                default:
                    throw new TranscriptException($"'{path}' is no transcript by its name: give a file that ends in .{string.Join(", .", Extensions.SkipLast(1))} or .{Extensions[^1]}.");
            }
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            throw new TranscriptException($"'{path}' is no transcript: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    /// <summary>Reads a transcript that is JSON, as openai/whisper writes it.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="FormatException">It is JSON, but no transcript; the message says why.</exception>
    public static Transcript ParseJson(string json) => JsonTranscript.Parse(json);

    /// <summary>Reads a text file.</summary>
    /// <exception cref="TranscriptException">It cannot be read.</exception>
    public static string ReadText(string path)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF');
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TranscriptException($"'{path}' does not exist: check the name and the folder.", exception);
        }
        catch (DecoderFallbackException exception)
        {
            throw new TranscriptException($"'{path}' is no UTF-8 text: save it in that encoding.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            string reason = Directory.Exists(path) ? "it is a folder" : exception.Message.TrimEnd('.');
            throw new TranscriptException($"'{path}' cannot be read: {reason}.", exception);
        }
    }

    private static string Extension(string path) => Path.GetExtension(path).TrimStart('.').ToLowerInvariant();
}
