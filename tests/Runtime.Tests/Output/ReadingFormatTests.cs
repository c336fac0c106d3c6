using System.Text.RegularExpressions;
using Handwritten.Runtime.Output;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Output;

/// <summary>The formats that the original does not have: lyrics, comma-separated values, notes and web pages.</summary>
public sealed class ReadingFormatTests : IDisposable
{
    private static readonly Transcript Talk = new(" And so,\n\"my\" friends. Good. *Bye* <b>", [
        Said(0, 1, 2.5, " And so,\n\"my\" friends.", new(" And", 1, 1.42, 0.9), new(" so,", 1.42, 1.98, 0.5), new(" friends.", 1.98, 2.5, 1)),
        Said(1, 2.5, 3, " Good."),
        Said(2, 6000.125, 6001, " *Bye* <b>"),
        Said(3, 6001, 6001, " "),
    ], "en");

    private readonly string _folder = Directory.CreateTempSubdirectory("handwritten-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Lyrics_have_a_time_a_line_and_clear_the_display_in_silence() => Assert.Equal(
        """
        [ti:talk]
        [la:en]
        [re:Handwritten]
        [00:01.00]And so, "my" friends.
        [00:02.50]Good.
        [00:03.00]
        [100:00.13]*Bye* <b>
        [100:01.00]

        """.ReplaceLineEndings("\n"),
        Write("lrc", Talk, new WriterOptions(Title: "talk")));

    [Fact]
    public void Lyrics_can_have_a_time_for_every_word()
    {
        string[] lines = Write("lrc", Talk, new WriterOptions(HighlightWords: true)).Split('\n');
        Assert.Equal(["[la:en]", "[re:Handwritten]", "[00:01.00]<00:01.00>And<00:01.42> so,<00:01.98> friends.<00:02.50>", "[00:02.50]Good."], lines[..4]);
    }

    [Fact]
    public void Comma_separated_values_double_the_quotation_marks_in_the_text() => Assert.Equal(
        "start,end,text\n1000,2500,\"And so,\n\"\"my\"\" friends.\"\n2500,3000,\"Good.\"\n6000125,6001000,\"*Bye* <b>\"\n6001000,6001000,\"\"\n",
        Write("csv", Talk, new WriterOptions()));

    [Fact]
    public void Notes_have_paragraphs_with_times_and_headings() => Assert.Equal(
        """
        # \[talk\]

        - Language: English
        - Length: 01:40:01

        ## Notes

        - 

        ## To do

        - [ ] 

        ## Transcript

        **00:00:01** And so, "my" friends. Good.

        ### 01:40:00

        **01:40:00** \*Bye\* \<b\>

        """.ReplaceLineEndings("\n"),
        Write("md", Talk, new WriterOptions(Title: "[talk]")));

    [Fact]
    public void A_long_paragraph_ends_with_its_sentence()
    {
        Segment[] segments = [.. Enumerable.Range(0, 20).Select(i => Said(i, 10 * i, 10 * (i + 1), i % 3 == 0 ? " An end." : " and on"))];
        Assert.Equal([7, 6, 6, 1], Paragraphs.Of(segments).Select(paragraph => paragraph.Count));
        Assert.Equal(segments, Paragraphs.Of(segments).SelectMany(paragraph => paragraph));
    }

    [Fact]
    public void A_web_page_shows_every_word_with_its_time_and_doubt()
    {
        string page = Write("html", Talk, new WriterOptions(Title: "<talk>", Recording: "my%20talk.mp3"));
        Assert.StartsWith("<!DOCTYPE html>\n<html lang=\"en\">", page, StringComparison.Ordinal);
        Assert.Contains("<title>&lt;talk&gt;</title>", page, StringComparison.Ordinal);
        Assert.Contains("<audio controls preload=\"metadata\" src=\"my%20talk.mp3\">", page, StringComparison.Ordinal);
        Assert.Contains(
            "<p dir=\"auto\"><time data-start=\"1\">00:01</time> <span data-start=\"1\" data-end=\"1.42\" style=\"--doubt:0.1\">And</span> <span data-start=\"1.42\" data-end=\"1.98\" style=\"--doubt:0.5\">so,</span>",
            page, StringComparison.Ordinal);

        // Without words a segment is one; its doubt is 1 − e^−0.5.
        Assert.Contains(" <span data-start=\"6000.125\" data-end=\"6001\" style=\"--doubt:0.393\">*Bye* &lt;b&gt;</span></p>", page, StringComparison.Ordinal);
        Assert.Equal(5, Regex.Count(page, "<span "));
        Assert.Equal(2, Regex.Count(page, "<p "));
    }

    [Fact]
    public void A_web_page_is_one_file_that_needs_no_other()
    {
        string page = Write("html", Talk, new WriterOptions());
        Assert.DoesNotContain("{{", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("<(script|link|img)[^>]+(src|href)=", page);
        Assert.Contains("<audio controls preload=\"metadata\"></audio>", page, StringComparison.Ordinal);
        Assert.EndsWith("</html>\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_recording_is_addressed_from_the_page()
    {
        string recording = Path.Combine(_folder, "a b", "tälk #1.wav");
        Directory.CreateDirectory(Path.GetDirectoryName(recording)!);
        File.WriteAllBytes(recording, [1, 2, 3]);
        Assert.Equal("../a%20b/t%C3%A4lk%20%231.wav", RecordingAddress.Relative(recording, Path.Combine(_folder, "out")));
    }

    [Theory]
    [InlineData("formats.flac", "audio/flac")]
    [InlineData("formats.mp3", "audio/mpeg")]
    [InlineData("01-en.wav", "audio/wav")]
    public void A_recording_within_a_page_has_the_type_that_its_bytes_tell(string file, string type)
    {
        byte[] bytes = File.ReadAllBytes(TestData.Path("audio", file));
        Assert.Equal($"data:{type};base64,{Convert.ToBase64String(bytes)}", RecordingAddress.Embedded(bytes));
    }

    [Theory]
    [InlineData("0000001866747970 4D344120", "audio/mp4")]
    [InlineData("0000001C66747970 69736F6D", "video/mp4")]
    [InlineData("4F67675300020000", "audio/ogg")]
    [InlineData("1A45DFA301000000", "video/webm")]
    [InlineData("FFF15C8001BFFC00", "audio/aac")]
    [InlineData("FFFB9044", "audio/mpeg")]
    [InlineData("4944330400", "audio/mpeg")]
    [InlineData("2321414D520A", "application/octet-stream")]
    [InlineData("", "application/octet-stream")]
    public void Files_are_told_apart_by_their_first_bytes(string hexadecimal, string type) =>
        Assert.StartsWith($"data:{type};base64,", RecordingAddress.Embedded([.. Convert.FromHexString(hexadecimal.Replace(" ", "", StringComparison.Ordinal)), .. new byte[8]]), StringComparison.Ordinal);

    [Fact]
    public void A_recording_that_no_browser_takes_within_a_page_is_refused() =>
        Assert.Throws<ArgumentException>(() => RecordingAddress.Embedded(new byte[RecordingAddress.MostEmbeddedBytes + 1]));

    [Fact]
    public void An_empty_transcript_is_an_empty_page()
    {
        Transcript nothing = new("", [], "en");
        Assert.Equal("start,end,text\n", Write("csv", nothing, new WriterOptions()));
        Assert.Equal("[la:en]\n[re:Handwritten]\n", Write("lrc", nothing, new WriterOptions()));
        Assert.Contains("# Transcript\n\n- Language: English\n- Length: 00:00:00\n", Write("md", nothing, new WriterOptions()), StringComparison.Ordinal);
        Assert.Contains("<main>\n</main>", Write("html", nothing, new WriterOptions()), StringComparison.Ordinal);
    }

    private static string Write(string format, Transcript transcript, WriterOptions options)
    {
        using StringWriter output = new() { NewLine = "\r\n" };
        Assert.Single(TranscriptWriters.Named(format)).Write(transcript, output, options);
        return output.ToString();
    }

    private static Segment Said(int id, double start, double end, string text, params Word[] words) =>
        new(id, 0, start, end, text, [], 0, -0.5, 1, 0, words.Length > 0 ? words : null);
}
