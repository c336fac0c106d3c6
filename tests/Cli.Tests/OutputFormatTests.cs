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
        Assert.StartsWith("# my talk\n", File.ReadAllText(_sandbox["pages", "my talk.md"]), StringComparison.Ordinal);
    }
}
