using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Judging and searching transcripts with the real program.</summary>
public sealed class EvaluateAndSearchTests : IDisposable
{
    private static readonly string Manifest = TestData.Path("audio", "manifest.json");

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Evaluate_transcribes_recordings_and_judges_them_by_a_manifest()
    {
        Outcome outcome = _sandbox.Handwritten("evaluate", TestData.Path("audio", "01-en.wav"), TestData.Path("audio", "12-es.wav"), "--references", Manifest);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"01-en\.wav +english +7 +0 +0 +0 +0\.00 % +0\.00 %", outcome.Output);
        Assert.Matches(@"12-es\.wav +basic +3 +1 +0 +0 +33\.33 % +50\.00 %", outcome.Output);
        Assert.Matches(@"all 2 +10 +1 +0 +0 +10\.00 % ", outcome.Output);
    }

    [Fact]
    public void Evaluate_judges_transcripts_by_a_folder_as_json()
    {
        _sandbox.Write("said/a.txt", "Mr. Smith's two dogs won't colour it, um.");
        _sandbox.Write("said/b.txt", "Red, green, blue.");
        _sandbox.Write("a.srt", "1\n00:00:00,000 --> 00:00:01,000\nMister Smith is 2 dogs will not color\n\n");
        _sandbox.Write("b.json", """{"text": "red green", "language": "de", "segments": []}""");
        Outcome outcome = _sandbox.Handwritten("evaluate", "a.srt", "missing.vtt", "b.json", "--references=said", "--json", "--normalizer", "english");
        Assert.Equal((int)ExitCode.UnreadableAudio, outcome.ExitCode);
        Assert.Single(outcome.ErrorLines).IsSentenceWith("missing.txt' does not exist");
        JsonElement result = JsonDocument.Parse(outcome.Output).RootElement, files = result.GetProperty("files");
        Assert.Equal(["a.srt", "b.json"], files.EnumerateArray().Select(file => file.GetProperty("file").GetString()));
        Assert.Equal("mister smith is 2 dogs will not color it", files[0].GetProperty("reference").GetString());
        Assert.Equal("mister smith is 2 dogs will not color", files[0].GetProperty("hypothesis").GetString());
        Assert.Equal([(9, 1), (3, 1), (12, 2)], new[] { files[0], files[1], result.GetProperty("total") }
            .Select(file => file.GetProperty("words")).Select(words => (words.GetProperty("length").GetInt32(), words.GetProperty("deletions").GetInt32())));
        Assert.Equal(2 / 12.0, result.GetProperty("total").GetProperty("words").GetProperty("rate").GetDouble(), 1e-9);
    }

    [Fact]
    public void Evaluate_hears_patterns_folders_standard_input_and_addresses()
    {
        byte[] sound = File.ReadAllBytes(TestData.Path("audio", "01-en.wav"));
        foreach (string name in new[] { "a", "deep/b", "c", "stdin" })
        {
            _sandbox.Write($"said/{Path.GetFileName(name)}.txt", "Please play rock music in the garage.");
        }

        _sandbox.Write("talks/deep/b.wav", "");
        File.WriteAllBytes(_sandbox["talks", "deep", "b.wav"], sound);
        File.WriteAllBytes(_sandbox["a.wav"], sound);
        using SmallServer server = new(_ => new WebAnswer(200, sound));
        string address = $"{server.Address}/c.wav?x=y.json";
        Outcome outcome = _sandbox.InShell($"\"$DOTNET\" \"$PROGRAM\" evaluate '*.wav' talks - '{address}' --recursive --references said --batch-size 2 --json < a.wav");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        JsonElement[] files = [.. JsonDocument.Parse(outcome.Output).RootElement.GetProperty("files").EnumerateArray()];
        Assert.Equal(["a.wav", "b.wav", "-", "c.wav?x=y.json"], files.Select(file => Path.GetFileName(file.GetProperty("file").GetString())));
        Assert.All(files, file => Assert.Equal((7, 0), (file.GetProperty("words").GetProperty("length").GetInt32(), file.GetProperty("words").GetProperty("errors").GetInt32())));
    }

    [Theory]
    [InlineData("evaluate a.srt", "Option '--references' is required.")]
    [InlineData("evaluate --references said", "Required argument 'FILE' missing")]
    [InlineData("evaluate a.srt --references said --normalizer german", "--normalizer must be auto, english, basic, letters or none, but it is 'german'.")]
    [InlineData("search", "Required argument 'TERM' missing")]
    [InlineData("search hello", "Required argument 'TRANSCRIPT' missing")]
    [InlineData("search ( a.srt --regex", "'(' is no regular expression")]
    public void A_wrong_command_line_is_answered_with_a_sentence(string commandLine, string sentence) =>
        _sandbox.Handwritten(commandLine.Split(' ')).Is(ExitCode.WrongUsage, sentence);

    [Fact]
    public void References_that_cannot_be_read_are_told() =>
        _sandbox.Handwritten("evaluate", "a.srt", "--references", "nowhere").Is(ExitCode.UnreadableAudio, "'nowhere' does not exist");

    [Fact]
    public void Search_prints_where_something_was_said()
    {
        _sandbox.Write("a.srt", "1\n00:00:00,000 --> 00:00:01,000\nGood morning,\n\n2\n00:01:01,500 --> 00:01:02,000\nEmma. Good night.\n\n");
        _sandbox.Write("b.json", """{"segments": [{"start": 3700, "end": 3705, "text": " A goodbye.", "words": [{"word": " A", "start": 3700, "end": 3701}, {"word": " goodbye.", "start": 3701.25, "end": 3705}]}]}""");
        Outcome outcome = _sandbox.Handwritten("search", "good", "a.srt", "b.json");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(
            ["a.srt [00:00.000 --> 00:01.000] Good morning,", "a.srt [01:01.500 --> 01:02.000] Emma. Good night.", "b.json [01:01:41.250 --> 01:01:45.000] A goodbye."],
            outcome.OutputLines);
        Assert.Equal(["a.srt [00:00.000 --> 01:02.000] Good morning, Emma. Good night."], _sandbox.Handwritten("search", "MORNING, emma", "a.srt").OutputLines);
        Assert.Equal(2, _sandbox.Handwritten("search", "good", "a.srt", "b.json", "--whole-words").OutputLines.Length);
    }

    [Fact]
    public void Search_gives_its_places_as_json_and_goes_on_after_a_failure()
    {
        _sandbox.Write("a.srt", "1\n00:00:02,000 --> 00:00:03,000\nGood morning.\n\n");
        Outcome outcome = _sandbox.Handwritten("search", "missing.json", "talk.txt", "a.srt", "--json");
        Assert.Equal((int)ExitCode.UnreadableAudio, outcome.ExitCode);
        Assert.Single(outcome.ErrorLines).IsSentenceWith("'talk.txt' has no times");
        Assert.Equal("[]", outcome.Output.Trim());

        outcome = _sandbox.Handwritten("search", "good", "missing.json", "a.srt", "--json");
        Assert.Equal((int)ExitCode.UnreadableAudio, outcome.ExitCode);
        Assert.Single(outcome.ErrorLines).IsSentenceWith("'missing.json' does not exist");
        JsonElement hit = Assert.Single(JsonDocument.Parse(outcome.Output).RootElement.EnumerateArray());
        Assert.Equal(("a.srt", 2.0, 3.0, "Good", " morning."), (hit.GetProperty("file").GetString(), hit.GetProperty("start").GetDouble(), hit.GetProperty("end").GetDouble(), hit.GetProperty("match").GetString(), hit.GetProperty("after").GetString()));
    }

    [Fact]
    public void A_regular_expression_that_never_ends_is_refused()
    {
        _sandbox.Write("a.vtt", $"WEBVTT\n\n00:02.000 --> 00:03.000\n{new string('a', 60)}!\n\n");
        _sandbox.Handwritten("search", "--regex", "(a+)+$", "a.vtt").Is(ExitCode.WrongUsage, "takes too long");
    }

    [Fact]
    public void Search_finds_what_is_cut_in_two_where_words_have_no_blanks_between_them()
    {
        _sandbox.Write("a.json", """{"segments": [{"start": 0, "end": 1, "text": "你好", "tokens": ["x"]}, {"start": 1, "end": 2, "text": "世界"}]}""");
        Assert.Equal(new Outcome(0, "a.json [00:00.000 --> 00:02.000] 你好世界\n", ""), _sandbox.Handwritten("search", "好世", "a.json"));
    }

    [Fact]
    public void Search_says_so_when_something_was_not_said()
    {
        _sandbox.Write("a.vtt", "WEBVTT\n\n00:02.000 --> 00:03.000\nGood morning.\n\n");
        Assert.Equal(new Outcome(0, "", "'evening' was not said.\n"), _sandbox.Handwritten("search", "evening", "a.vtt"));
    }
}
