namespace Handwritten.Runtime.Output;

/// <summary>
/// Subtitles: cues, each shown from one time to another. WebVTT (for the web) and SubRip (for video players) differ in
/// their heads and in how they write a time. Source: openai/whisper, utils.py, WriteVTT and WriteSRT.
/// </summary>
public sealed class SubtitleWriter : ITranscriptWriter
{
    private readonly string _head;
    private readonly bool _numbered;
    private readonly bool _alwaysHours;
    private readonly char _decimalMarker;

    private SubtitleWriter(string extension, string head, bool numbered, bool alwaysHours, char decimalMarker) =>
        (Extension, _head, _numbered, _alwaysHours, _decimalMarker) = (extension, head, numbered, alwaysHours, decimalMarker);

    /// <summary>The format of the web's video element.</summary>
    public static SubtitleWriter WebVtt { get; } = new("vtt", "WEBVTT\n\n", numbered: false, alwaysHours: false, '.');

    /// <summary>The format of most video players.</summary>
    public static SubtitleWriter SubRip { get; } = new("srt", "", numbered: true, alwaysHours: true, ',');

    /// <inheritdoc/>
    public string Extension { get; }

    /// <inheritdoc/>
    public void Write(Transcript transcript, TextWriter output, WriterOptions options)
    {
        output.Write(_head);
        int number = 0;
        foreach (Cue cue in Cues.Of(transcript.Segments, options))
        {
            number++;
            output.Write(_numbered ? $"{number}\n" : "");
            output.Write($"{Format(cue.Start)} --> {Format(cue.End)}\n{cue.Text}\n\n");
        }
    }

    private string Format(long milliseconds) => Timestamp.Format(milliseconds, _alwaysHours, _decimalMarker);
}
