using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>The files that transcribing writes, beyond those the original writes by default.</summary>
public sealed class OutputFormatTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Subtitles_are_laid_out_as_asked_for()
    {
        Outcome outcome = _sandbox.Handwritten(
            "transcribe", TestData.Path("audio", "01-en.wav"), "--language", "en", "--word_timestamps", "True", "--max_words_per_line", "2", "--max_line_count", "1", "-f", "srt", "--verbose", "False");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Output));
        Assert.Equal("--max-line-count counts the lines that --max-line-width makes: without it, it changes nothing.", outcome.ErrorLines[0]);
        string[] lines = File.ReadAllLines(_sandbox["01-en.srt"]);
        Assert.Equal(["Please play", "rock music", "in the", "garage."], lines.Where((_, i) => i % 4 == 2));
    }

    [Fact]
    public void A_translation_is_English_for_readers_and_was_spoken_in_another_language_for_programs()
    {
        Outcome outcome = _sandbox.Handwritten("transcribe", TestData.Path("audio", "12-es.wav"), "--task", "translate", "--quiet", "-f", "html,lrc,md,json");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("<html lang=\"en\"", File.ReadAllText(_sandbox["12-es.html"]), StringComparison.Ordinal);
        Assert.Contains("[la:en]", File.ReadAllText(_sandbox["12-es.lrc"]), StringComparison.Ordinal);
        Assert.Contains("- Language: English, translated from Spanish\n", File.ReadAllText(_sandbox["12-es.md"]), StringComparison.Ordinal);
        Assert.EndsWith("\"language\": \"es\"}", File.ReadAllText(_sandbox["12-es.json"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--multilingual", "es")]
    [InlineData("--task=transcribe", null)]
    public void Each_segment_has_its_language_where_each_window_has(string option, string? language)
    {
        Assert.Equal(0, _sandbox.Handwritten("transcribe", TestData.Path("audio", "12-es.wav"), "--quiet", "-f", "json", option).ExitCode);
        JsonElement segments = JsonDocument.Parse(File.ReadAllText(_sandbox["12-es.json"])).RootElement.GetProperty("segments");
        Assert.All(segments.EnumerateArray(), segment => Assert.Equal(language, segment.TryGetProperty("language", out JsonElement own) ? own.GetString() : null));
    }

    [Fact]
    public void A_web_page_knows_its_recording_and_its_title()
    {
        Directory.CreateDirectory(_sandbox["talks"]);
        File.Copy(TestData.Path("audio", "01-en.wav"), _sandbox["talks", "my talk.wav"]);
        Outcome outcome = _sandbox.Handwritten("transcribe", "talks/my talk.wav", "--quiet", "-o", "pages", "-f", "html,md,lrc,csv");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(["my talk.csv", "my talk.html", "my talk.lrc", "my talk.md"], Directory.GetFiles(_sandbox["pages"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        string page = File.ReadAllText(_sandbox["pages", "my talk.html"]);
        Assert.Contains("<title>my talk</title>", page, StringComparison.Ordinal);
        Assert.Contains("src=\"../talks/my%20talk.wav\"", page, StringComparison.Ordinal);
        Assert.Equal(7, page.Split("<span data-start").Length - 1);
        Assert.StartsWith("# my talk\n", File.ReadAllText(_sandbox["pages", "my talk.md"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_web_page_has_the_words_unless_they_are_not_wanted()
    {
        string recording = TestData.Path("audio", "01-en.wav");
        foreach ((string option, int spans) in new[] { ("--quiet", 7), ("--word_timestamps=True", 7), ("--word_timestamps=False", 1), ("--quiet", 7) })
        {
            // The cache knows that a page's transcript is another one.
            Assert.Equal(0, _sandbox.Handwritten("transcribe", recording, "--cache", "kept", "-f", "txt", "-o", "texts").ExitCode);
            Assert.Equal(0, _sandbox.Handwritten("transcribe", recording, "--cache", "kept", "-f", "html", "-o", "pages", option).ExitCode);
            Assert.Equal(spans, File.ReadAllText(_sandbox["pages", "01-en.html"]).Split("<span data-start").Length - 1);
        }
    }

    [Fact]
    public void A_web_page_can_hold_its_recording()
    {
        string recording = TestData.Path("audio", "formats.mp3"), sound = $"src=\"data:audio/mpeg;base64,{Convert.ToBase64String(File.ReadAllBytes(recording))}\"";
        Assert.Equal(0, _sandbox.Handwritten("transcribe", recording, "--quiet", "-f", "html", "--embed-audio", "-o", ".").ExitCode);
        Assert.Contains(sound, Page("formats.html"), StringComparison.Ordinal);
        _sandbox.Handwritten("transcribe", recording, "--embed-audio", "-f", "txt").Is(ExitCode.WrongUsage, "--embed-audio puts recordings into web pages: give --output-format html as well.");

        // A file that browsers do not take within a page: sound, and an hour of nothing behind it.
        string large = _sandbox["large.wav"];
        byte[] wav = File.ReadAllBytes(TestData.Path("audio", "01-en.wav"));
        Array.Resize(ref wav, 25_000_000);
        File.WriteAllBytes(large, wav);
        Outcome outcome = _sandbox.Handwritten("transcribe", large, "-f", "html", "--embed-audio", "-o", ".");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("large.wav' is larger than the 24 MB that browsers take within a page: the page links to it.", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("src=\"large.wav\"", Page("large.html"), StringComparison.Ordinal);

        // What comes from a pipe comes once, whatever it is called.
        outcome = _sandbox.InShell($"\"$DOTNET\" \"$PROGRAM\" transcribe <(cat '{recording}') --quiet -f html --embed-audio -o . --output-name pipe");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains(sound, Page("pipe.html"), StringComparison.Ordinal);

        string Page(string name) => File.ReadAllText(_sandbox[name]).Replace("&#x2B;", "+", StringComparison.Ordinal);
    }
}
