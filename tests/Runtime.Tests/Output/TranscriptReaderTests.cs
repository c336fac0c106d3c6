using System.Text;
using System.Text.Json;
using FsCheck.Xunit;
using Handwritten.Runtime.Output;
using Xunit;

namespace Handwritten.Runtime.Tests.Output;

public sealed class TranscriptReaderTests : IDisposable
{
    private static readonly JsonElement Results = TranscriptJson.Load("tokenizer", "writers.json").GetProperty("results");

    private readonly string _folder = Directory.CreateTempSubdirectory("handwritten-").FullName;

    public static TheoryData<string> ResultNames => [.. Results.EnumerateObject().Select(result => result.Name)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(ResultNames))]
    public void What_was_written_as_json_reads_back_the_same(string name)
    {
        Transcript transcript = TranscriptJson.Read(Results.GetProperty(name));
        Assert.Equal(Text(transcript), Text(TranscriptReader.Read(Written(transcript, "json", new WriterOptions()))));
    }

    [Theory]
    [InlineData("srt", false)]
    [InlineData("vtt", false)]
    [InlineData("srt", true)]
    [InlineData("vtt", true)]
    public void What_was_written_as_subtitles_reads_back_with_times_and_text(string format, bool highlightWords)
    {
        Transcript transcript = TranscriptJson.Read(Results.GetProperty("speech_with_words"));
        Transcript read = TranscriptReader.Read(Written(transcript, format, new WriterOptions(HighlightWords: highlightWords)));
        Assert.Equal(
            transcript.Segments.Select(segment => (Milliseconds(segment.Words![0].Start), Milliseconds(segment.Words[^1].End), segment.Text)),
            read.Segments.Select(segment => (Milliseconds(segment.Start), Milliseconds(segment.End), segment.Text)));
        Assert.Equal(string.Concat(transcript.Segments.Select(segment => segment.Text)), read.Text);
    }

    [Fact]
    public void Subtitles_of_other_programs_are_understood()
    {
        const string vtt = """
            WEBVTT - some title

            STYLE
            ::cue { color: red }

            NOTE a remark
            over two lines

            intro
            01:00.500 --> 01:02.250 align:start position:10%
            <v Roger>It&#39;s <b>me</b> &amp;
            <00:01:01.000><c>you</c> 1 < 2


            1:00:00.000 --> 1:00:01.000
            Late.
            """;
        Assert.Equal(
            [(60.5, 62.25, " It's me & you 1 < 2"), (3600, 3601, " Late.")],
            TranscriptReader.Read(Write("a.VTT", "\uFEFF" + vtt.ReplaceLineEndings("\r\n"))).Segments.Select(segment => (segment.Start, segment.End, segment.Text)));
    }

    [Fact]
    public void Json_of_related_programs_is_understood()
    {
        Transcript read = TranscriptReader.Read(Write("a.json", """
            {"segments": [{"start": 1, "end": 2.5, "text": "A b", "speaker": "S1",
              "words": [{"word": "A", "start": 1, "end": 1.5, "score": 0.9}, {"word": "b"}]}]}
            """));
        Assert.Equal(("A b", ""), (read.Text, read.Language));
        Assert.Equal([new Word("A", 1, 1.5, 0.9), new Word("b", 1.5, 1.5, 1)], Assert.Single(read.Segments).Words);
    }

    [Fact]
    public void Tokens_are_those_that_are_whole_numbers() =>
        Assert.Equal([7], Assert.Single(TranscriptReader.Read(Write("a.json", """{"segments": [{"start": 0, "end": 1, "text": "a", "tokens": ["x", null, 7, 0.5, [8]]}]}""")).Segments).Tokens);

    [Fact]
    public void Numbers_that_only_Python_writes_are_read_and_words_like_them_stay_words()
    {
        Transcript read = TranscriptReader.Read(Write("a.json", """
            {"text": "NaN \"Infinity", "segments": [{"start": 0, "end": 1, "text": " NaN\\", "avg_logprob": NaN, "compression_ratio":Infinity, "no_speech_prob": -Infinity}]}
            """));
        Segment segment = Assert.Single(read.Segments);
        Assert.Equal(("NaN \"Infinity", " NaN\\", double.NaN, double.PositiveInfinity, double.NegativeInfinity), (read.Text, segment.Text, segment.AverageLogProbability, segment.CompressionRatio, segment.NoSpeechProbability));
    }

    [Fact]
    public void Text_is_one_segment_without_times()
    {
        Transcript read = TranscriptReader.Read(Write("a.txt", "One.\nTwo.\n"));
        Assert.Equal(("One.\nTwo.\n", 0), (read.Text, Assert.Single(read.Segments).End));
    }

    [Theory]
    [InlineData("a.json", "{}", "has no list of segments")]
    [InlineData("a.json", "[]", "has no list of segments")]
    [InlineData("a.json", "", "is no transcript")]
    [InlineData("a.json", """{"segments": [1]}""", "segment 0 has no 'start'")]
    [InlineData("a.json", """{"segments": [{"start": 0, "end": 1, "text": null}]}""", "segment 0 has no 'text'")]
    [InlineData("a.json", """{"segments": [{"start": 0, "end": 1, "text": "\ud800"}]}""", "half a character")]
    [InlineData("a.json", """{"segments": [{"start": "\ud800", "end": 1, "text": "a"}]}""", "half a character")]
    [InlineData("a.json", """{"segments": [{"start": 0, "end": 1, "text": "a", "words": [{}]}]}""", "a word of segment 0 has no 'word'")]
    [InlineData("a.json", """{"segments": [{"start": 1e300, "end": 1, "text": "a"}]}""", "the 'start' of segment 0 is 1E+300, which is no time")]
    [InlineData("a.json", """{"segments": [{"start": 0, "end": NaN, "text": "a"}]}""", "the 'end' of segment 0 is NaN, which is no time")]
    [InlineData("a.json", """{"segments": [{"start": 0, "end": 1, "text": "a", "words": [{"word": "a", "end": -1e10}]}]}""", "the 'end' of a word of segment 0 is -10000000000, which is no time")]
    [InlineData("a.json", """{"segments": [{"start": 0, "end": 1, "text": Nan}]}""", "is no transcript")]
    [InlineData("a.srt", "Hello.", "has no line with times")]
    [InlineData("a.mp3", "x", "is no transcript by its name: give a file that ends in .json, .srt, .vtt or .txt.")]
    public void What_is_no_transcript_is_refused_with_a_sentence(string name, string content, string reason)
    {
        string path = Write(name, content), message = Assert.Throws<TranscriptException>(() => TranscriptReader.Read(path)).Message;
        Assert.StartsWith($"'{path}' is no transcript", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.EndsWith(".", message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_read_is_refused_with_a_sentence()
    {
        Assert.Equal("'no/such.srt' does not exist: check the name and the folder.", Assert.Throws<TranscriptException>(() => TranscriptReader.Read("no/such.srt")).Message);
        Assert.Equal($"'{_folder}' cannot be read: it is a folder.", Assert.Throws<TranscriptException>(() => TranscriptReader.ReadText(_folder)).Message);
        string latin = Path.Combine(_folder, "latin.srt");
        File.WriteAllBytes(latin, Encoding.Latin1.GetBytes("1\n00:00:00,000 --> 00:00:01,000\nDéjà vu\n"));
        Assert.Equal($"'{latin}' is no UTF-8 text: save it in that encoding.", Assert.Throws<TranscriptException>(() => TranscriptReader.Read(latin)).Message);
    }

    [Property(MaxTest = 300)]
    public void Damaged_files_are_read_or_refused(ushort at, byte value, bool asJson)
    {
        Transcript transcript = TranscriptJson.Read(Results.GetProperty("speech_with_words"));
        string path = Written(transcript, asJson ? "json" : "vtt", new WriterOptions());
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at % bytes.Length] = value;
        File.WriteAllBytes(path, bytes);
        if (Record.Exception(() => TranscriptReader.Read(path)) is { } exception)
        {
            Assert.IsType<TranscriptException>(exception);
        }
    }

    private static long Milliseconds(double seconds) => Timestamp.ToMilliseconds(seconds);

    private static string Text(Transcript transcript)
    {
        using StringWriter output = new();
        new JsonTranscriptWriter().Write(transcript, output, new WriterOptions());
        return output.ToString();
    }

    private string Written(Transcript transcript, string format, WriterOptions options) =>
        Assert.Single(TranscriptFiles.Write(_folder, "talk", TranscriptWriters.Named(format), transcript, options));

    private string Write(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }
}
