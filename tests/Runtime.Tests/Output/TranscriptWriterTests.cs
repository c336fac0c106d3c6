using System.Globalization;
using System.Text.Json;
using FsCheck.Xunit;
using Handwritten.Runtime.Output;
using Xunit;

namespace Handwritten.Runtime.Tests.Output;

public class TranscriptWriterTests
{
    private static readonly JsonElement Writers = TranscriptJson.Load("tokenizer", "writers.json");
    private static readonly JsonElement Runs = TranscriptJson.Load("nano", "transcribe.json").GetProperty("runs");

    public static TheoryData<int> OutputCases => [.. Enumerable.Range(0, Writers.GetProperty("outputs").GetArrayLength())];

    public static TheoryData<string> WrittenRuns =>
        [.. Runs.EnumerateArray().Where(run => run.TryGetProperty("written", out _)).Select(NameOf)];

    [Theory]
    [MemberData(nameof(OutputCases))]
    public void Writes_what_the_original_writes(int index)
    {
        JsonElement output = Writers.GetProperty("outputs")[index];
        JsonElement result = Writers.GetProperty("results").GetProperty(output.GetProperty("result").GetString()!);
        string format = output.GetProperty("format").GetString()!;
        string expected = output.GetProperty("text").GetString()!;
        if (format == "json")
        {
            expected = LanguageLast(expected, result);
        }

        Assert.Equal(expected, Write(format, TranscriptJson.Read(result), ReadOptions(output.GetProperty("options"))));
    }

    [Theory]
    [MemberData(nameof(WrittenRuns))]
    public void Writes_transcripts_of_the_demo_model_as_the_original_does(string name)
    {
        JsonElement run = Runs.EnumerateArray().Single(run => NameOf(run) == name);
        Transcript transcript = TranscriptJson.Read(run.GetProperty("result"));
        Assert.Equal(TranscriptWriters.All.Count, run.GetProperty("written").EnumerateObject().Count());
        foreach (JsonProperty written in run.GetProperty("written").EnumerateObject())
        {
            Assert.Equal(written.Value.GetString(), Write(written.Name, transcript, new WriterOptions()));
        }
    }

    [Fact]
    public void A_segment_names_its_language_only_where_each_window_has_its_own()
    {
        Segment german = new(0, 0, 0, 1, " Ja.", [], 0, double.NaN, 0, 0, [], "de"), other = german with { Text = " Yes.", Language = null };
        string json = Write("json", new Transcript(" Ja. Yes.", [german, other], "de"), new WriterOptions());
        Assert.Contains("\"no_speech_prob\": 0.0, \"words\": [], \"language\": \"de\"}, ", json, StringComparison.Ordinal);
        Assert.EndsWith("\"words\": []}], \"language\": \"de\"}", json, StringComparison.Ordinal);
        Assert.Equal(["de", null], TranscriptReader.ParseJson(json).Segments.Select(segment => segment.Language));
    }

    [Fact]
    public void Formats_times_as_the_original_does()
    {
        foreach (JsonElement example in Writers.GetProperty("format_timestamp").EnumerateArray())
        {
            double seconds = example.GetProperty("seconds").GetDouble();
            bool alwaysHours = example.GetProperty("always_include_hours").GetBoolean();
            char decimalMarker = example.GetProperty("decimal_marker").GetString()![0];
            if (example.TryGetProperty("error", out _))
            {
                Assert.Throws<ArgumentOutOfRangeException>(() => Timestamp.Format(Timestamp.ToMilliseconds(seconds), alwaysHours, decimalMarker));
            }
            else
            {
                Assert.Equal(example.GetProperty("result").GetString(), Timestamp.Format(Timestamp.ToMilliseconds(seconds), alwaysHours, decimalMarker));
            }
        }
    }

    [Theory]
    [InlineData(0.0, "0.0")]
    [InlineData(-0.0, "-0.0")]
    [InlineData(1.0, "1.0")]
    [InlineData(-1.0, "-1.0")]
    [InlineData(0.1, "0.1")]
    [InlineData(100.0, "100.0")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(9.999e-05, "9.999e-05")]
    [InlineData(-1e-05, "-1e-05")]
    [InlineData(0.00012345, "0.00012345")]
    [InlineData(0.6000000000000001, "0.6000000000000001")]
    [InlineData(0.3333333333333333, "0.3333333333333333")]
    [InlineData(4.372392652385315e-07, "4.372392652385315e-07")]
    [InlineData(123456789012345.67, "123456789012345.67")]
    [InlineData(1000000000000000.0, "1000000000000000.0")]
    [InlineData(9007199254740992.0, "9007199254740992.0")]
    [InlineData(1e+16, "1e+16")]
    [InlineData(1.5e+16, "1.5e+16")]
    [InlineData(1e+100, "1e+100")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(1.7976931348623157e+308, "1.7976931348623157e+308")]
    [InlineData(-8.57789382212775e+204, "-8.57789382212775e+204")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "Infinity")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public void Writes_numbers_as_Python_does(double value, string expected)
    {
        Assert.Equal(expected, WrittenTemperature(value));
    }

    [Property(MaxTest = 500)]
    public void Numbers_read_back_unchanged(double value)
    {
        if (double.IsFinite(value))
        {
            Assert.Equal(value, double.Parse(WrittenTemperature(value), CultureInfo.InvariantCulture));
        }
    }

    [Property(MaxTest = 500)]
    public void Texts_read_back_unchanged_and_are_ascii(FsCheck.NonNull<string> text)
    {
        string json = Write("json", new Transcript(text.Get, [], "en"), new WriterOptions());
        Assert.All(json, c => Assert.InRange(c, ' ', '~'));

        // System.Text.Json refuses lone surrogates, which Python's json writes.
        if (!text.Get.Any(char.IsSurrogate))
        {
            Assert.Equal(text.Get, JsonDocument.Parse(json).RootElement.GetProperty("text").GetString());
        }
    }

    [Fact]
    public void Strips_what_Python_calls_blank()
    {
        Transcript transcript = new("", [Words(0, "\x1c\u00a0\u2003\t a\u200b \x85\x1f\n\u3000")], "en");
        Assert.Equal("a\u200b\n", Write("txt", transcript, new WriterOptions()));
    }

    // Expected: what Python's re.sub(r"^(\s*)(.*)$", r"\1<u>\2</u>", word) makes of it. Only a word that continues a line
    // keeps its blanks.
    [Theory]
    [InlineData(" b", " <u>b</u>")]
    [InlineData(" b\n", " <u>b</u>\n")]
    [InlineData(" b\nc", " b\nc")]
    [InlineData(" b\n\n", " b\n\n")]
    [InlineData("", "<u></u>")]
    [InlineData(" \n", " \n<u></u>")]
    [InlineData("\n\x1c b c ", "\n\x1c <u>b c </u>")]
    public void Underlines_the_word_without_the_blanks_before_it(string word, string underlined)
    {
        Transcript transcript = new("", [Words(0, "a", word)], "en");
        string vtt = Write("vtt", transcript, new WriterOptions(HighlightWords: true));
        Assert.Equal($"WEBVTT\n\n00:00.000 --> 00:01.000\n<u>a</u>{word}\n\n00:01.000 --> 00:02.000\na{underlined}\n\n", vtt);
    }

    [Fact]
    public void Counts_code_points_and_not_utf16_units()
    {
        Transcript transcript = new("", [Words(0, "🙂🙂", " 🙂🙂", " 🙂")], "en");
        string vtt = Write("vtt", transcript, new WriterOptions(MaxLineWidth: 5));
        Assert.Equal("WEBVTT\n\n00:00.000 --> 00:03.000\n🙂🙂 🙂🙂\n🙂\n\n", vtt);
    }

    [Fact]
    public void Formats_go_by_their_extensions()
    {
        Assert.Equal(["txt", "vtt", "srt", "tsv", "json"], TranscriptWriters.Named("all").Select(writer => writer.Extension));
        Assert.Equal(["srt"], TranscriptWriters.Named("srt").Select(writer => writer.Extension));
        ArgumentException exception = Assert.Throws<ArgumentException>(() => TranscriptWriters.Named("doc"));
        Assert.Contains("There is no output format 'doc'; choose txt, vtt, srt, tsv, json, lrc, csv, html, md or all.", exception.Message, StringComparison.Ordinal);
    }

    private static string NameOf(JsonElement run) => $"{run.GetProperty("file")}: {run.GetProperty("name")}";

    private static string Write(string format, Transcript transcript, WriterOptions options)
    {
        // A line end of another kind shows that the writers do not depend on it.
        using StringWriter output = new() { NewLine = "\r\n" };
        Assert.Single(TranscriptWriters.Named(format)).Write(transcript, output, options);
        return output.ToString();
    }

    private static string WrittenTemperature(double value)
    {
        Segment segment = new(0, 0, 0, 1, "", [], value, 0, 0, 0);
        string json = Write("json", new Transcript("", [segment], "en"), new WriterOptions());
        const string Before = "\"temperature\": ";
        int start = json.IndexOf(Before, StringComparison.Ordinal) + Before.Length;
        return json[start..json.IndexOf(", \"avg_logprob\"", StringComparison.Ordinal)];
    }

    private static Segment Words(int id, params string[] words) => new(
        id, 0, 0, words.Length, string.Concat(words), [], 0, 0, 0, 0, [.. words.Select((word, i) => new Word(word, i, i + 1, 1))]);

    private static WriterOptions ReadOptions(JsonElement options) => new(
        Number(options, "max_line_width"),
        Number(options, "max_line_count"),
        options.TryGetProperty("highlight_words", out JsonElement highlight) && highlight.GetBoolean(),
        Number(options, "max_words_per_line"));

    private static int? Number(JsonElement options, string name) => options.TryGetProperty(name, out JsonElement value) ? value.GetInt32() : null;

    // Some of the made-up dictionaries have their language before the segments. transcribe() puts it last, and so do we.
    private static string LanguageLast(string json, JsonElement result)
    {
        if (result.EnumerateObject().Last().Name == "language")
        {
            return json;
        }

        string language = $", \"language\": \"{result.GetProperty("language").GetString()}\"";
        int at = json.IndexOf(language, StringComparison.Ordinal);
        return $"{json.Remove(at, language.Length)[..^1]}{language}}}";
    }
}
