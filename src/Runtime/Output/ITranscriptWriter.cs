namespace Handwritten.Runtime.Output;

/// <summary>
/// Writes a transcript in one format, byte for byte as the writers of openai/whisper do (utils.py). Lines end in a line
/// feed, whatever <see cref="TextWriter.NewLine"/> says.
/// </summary>
public interface ITranscriptWriter
{
    /// <summary>The format's name, which is also its file extension without the dot: <c>srt</c>.</summary>
    string Extension { get; }

    /// <summary>Writes the whole transcript.</summary>
    /// <param name="transcript">What to write.</param>
    /// <param name="output">Where to write to; not closed.</param>
    /// <param name="options">How to lay out subtitles; other formats pay no attention.</param>
    void Write(Transcript transcript, TextWriter output, WriterOptions options);
}

/// <summary>
/// How subtitles are laid out. All of it needs the times of words, and does nothing in a transcript without them.
/// Limits of null, zero or less are none.
/// </summary>
/// <param name="MaxLineWidth">Most characters (code points) in a line.</param>
/// <param name="MaxLineCount">
/// Most lines in a subtitle. Only together with <paramref name="MaxLineWidth"/>; with both, subtitles no longer follow
/// the segments.
/// </param>
/// <param name="HighlightWords">Whether each word is underlined as it is spoken, by a subtitle of its own.</param>
/// <param name="MaxWordsPerLine">Most words in a subtitle, counted from the beginning of each segment.</param>
public sealed record WriterOptions(
    int? MaxLineWidth = null,
    int? MaxLineCount = null,
    bool HighlightWords = false,
    int? MaxWordsPerLine = null);

/// <summary>The formats there are.</summary>
public static class TranscriptWriters
{
    /// <summary>One writer for each format, in the order of openai/whisper: txt, vtt, srt, tsv, json.</summary>
    public static IReadOnlyList<ITranscriptWriter> All { get; } =
        [new PlainTextWriter(), SubtitleWriter.WebVtt, SubtitleWriter.SubRip, new TsvWriter(), new JsonTranscriptWriter()];

    /// <summary>The writers that go by a name.</summary>
    /// <param name="format">A format's name, or <c>all</c>.</param>
    /// <exception cref="ArgumentException">There is no such format.</exception>
    public static IReadOnlyList<ITranscriptWriter> Named(string format)
    {
        ITranscriptWriter[] named = [.. All.Where(writer => format == "all" || format == writer.Extension)];
        return named.Length > 0
            ? named
            : throw new ArgumentException($"There is no output format '{format}'; choose {string.Join(", ", All.Select(writer => writer.Extension))} or all.", nameof(format));
    }
}
