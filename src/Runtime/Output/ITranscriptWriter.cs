namespace Handwritten.Runtime.Output;

/// <summary>
/// Writes a transcript in one format; those that openai/whisper has, byte for byte as its writers do (utils.py). Lines end
/// in a line feed, whatever <see cref="TextWriter.NewLine"/> says.
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
/// How subtitles are laid out, which needs the times of words and does nothing in a transcript without them, and what a
/// page says about the recording. Limits of null, zero or less are none.
/// </summary>
/// <param name="MaxLineWidth">Most characters (code points) in a line.</param>
/// <param name="MaxLineCount">
/// Most lines in a subtitle. Only together with <paramref name="MaxLineWidth"/>; with both, subtitles no longer follow
/// the segments.
/// </param>
/// <param name="HighlightWords">Whether each word is underlined as it is spoken, by a subtitle of its own.</param>
/// <param name="MaxWordsPerLine">Most words in a subtitle, counted from the beginning of each segment.</param>
/// <param name="Title">What lyrics, notes and web pages are called; usually the recording's name.</param>
/// <param name="Recording">What the web page plays: an address, see <see cref="RecordingAddress"/>.</param>
/// <param name="TextLanguage">Code of the language of lyrics, notes and web pages where that is not the one spoken: <c>en</c> for a translation.</param>
public sealed record WriterOptions(
    int? MaxLineWidth = null,
    int? MaxLineCount = null,
    bool HighlightWords = false,
    int? MaxWordsPerLine = null,
    string? Title = null,
    string? Recording = null,
    string? TextLanguage = null);

/// <summary>The formats there are.</summary>
public static class TranscriptWriters
{
    /// <summary>The formats of openai/whisper, in its order, which are those that <c>all</c> means: txt, vtt, srt, tsv, json.</summary>
    public static IReadOnlyList<ITranscriptWriter> All { get; } =
        [new PlainTextWriter(), SubtitleWriter.WebVtt, SubtitleWriter.SubRip, new TsvWriter(), new JsonTranscriptWriter()];

    /// <summary>The formats that are written only where they are named: lrc, csv, html, md.</summary>
    public static IReadOnlyList<ITranscriptWriter> Others { get; } =
        [new LyricsWriter(), new CsvWriter(), new WebPageWriter(), new MeetingNotesWriter()];

    /// <summary>Every word that <see cref="Named"/> understands.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Concat(Others).Select(writer => writer.Extension), "all"];

    /// <summary>The writers that go by a name.</summary>
    /// <param name="format">A format's name, or <c>all</c>.</param>
    /// <exception cref="ArgumentException">There is no such format.</exception>
    public static IReadOnlyList<ITranscriptWriter> Named(string format)
    {
        ITranscriptWriter[] named = format == "all" ? [.. All] : [.. All.Concat(Others).Where(writer => format == writer.Extension)];
        return named.Length > 0
            ? named
            : throw new ArgumentException($"There is no output format '{format}'; choose {string.Join(", ", Names.SkipLast(1))} or {Names[^1]}.", nameof(format));
    }
}
