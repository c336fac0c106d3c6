using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Comparing models and settings with the real program, which starts itself for each of them.</summary>
public sealed class CompareTests : IDisposable
{
    private static readonly string Recording = TestData.Path("audio", "01-en.wav"), Other = TestData.Path("audio", "12-es.wav"), Manifest = TestData.Path("audio", "manifest.json");

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Settings_are_compared_on_the_same_recordings()
    {
        Outcome outcome = _sandbox.Handwritten(
            "compare", Recording, Other, "--references", Manifest, "--with", "--beam_size=None", "--with", "--beam-size None --max-new-tokens=3", "--threads=1", "--json", "--plot", "chart.png");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        JsonElement[] candidates = [.. JsonDocument.Parse(outcome.Output).RootElement.GetProperty("candidates").EnumerateArray()];
        Assert.Equal(["--beam_size=None", "--beam-size None --max-new-tokens=3"], candidates.Select(candidate => candidate.GetProperty("settings").GetString()));
        Assert.All(candidates, candidate =>
        {
            Assert.Contains("1 thread", candidate.GetProperty("device").GetString(), StringComparison.Ordinal);
            Assert.Equal(10, candidate.GetProperty("words").GetProperty("length").GetInt32());
            Assert.Equal(2, candidate.GetProperty("files").GetArrayLength());
            Assert.InRange(candidate.GetProperty("peakMemoryBytes").GetInt64(), 30_000_000, 2_000_000_000);
            double seconds = candidate.GetProperty("seconds").GetDouble();
            Assert.Equal(seconds / candidate.GetProperty("audioSeconds").GetDouble(), candidate.GetProperty("realTimeFactor").GetDouble(), 1e-9);
        });
        int[] errors = [.. candidates.Select(candidate => candidate.GetProperty("words").GetProperty("errors").GetInt32())];
        Assert.Equal(1, errors[0]);
        Assert.True(errors[1] > 1, "Three tokens are not enough for seven words.");
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(_sandbox["chart.png"])[..4]);
    }

    [Fact]
    public void Models_are_compared_in_a_table_and_one_that_cannot_be_used_is_told()
    {
        string broken = _sandbox.CopyModel();
        File.Delete(Path.Combine(broken, "model.safetensors"));
        Outcome outcome = _sandbox.Handwritten("compare", Recording, "--references", Manifest, "--models", $"nano,{broken}", "--with", "--model whisper-nano --language English", "--beam-size", "None");
        Assert.Equal((int)ExitCode.UnusableModel, outcome.ExitCode);
        Assert.Single(outcome.ErrorLines).IsSentenceWith("model.safetensors");
        Assert.Matches(@"2\.9 s of audio in 1 recording, on CPU", outcome.Output);
        Assert.Matches(@"nano +whisper-nano +7 +0\.00 % +0\.00 % +\d+\.\d\d +\d+\.\d{3} +\d+\.\d\d s +\d+ MB", outcome.Output);
        Assert.Matches("--model whisper-nano --language English +whisper-nano +7 ", outcome.Output);
    }

    [Fact]
    public void Ways_to_cut_are_compared_on_patterns_folders_and_addresses()
    {
        byte[] sound = File.ReadAllBytes(Recording);
        _sandbox.Write("talks/deep/a.wav", "");
        File.WriteAllBytes(_sandbox["talks", "deep", "a.wav"], sound);
        File.WriteAllBytes(_sandbox["b.wav"], sound);
        foreach (string name in new[] { "a", "b", "c" })
        {
            _sandbox.Write($"said/{name}.txt", "Please play rock music in the garage.");
        }

        using SmallServer server = new(request => request.Headers.TryGetValue("X-Key", out string? key) && key == "k" ? new WebAnswer(200, sound) : new WebAnswer(403, []));
        Outcome outcome = _sandbox.Handwritten(
            "compare", "*.wav", "talks", $"{server.Address}/c.wav", "--recursive", "--header", "X-Key: k", "--references", "said", "--beam-size", "None", "--json",
            "--with", "--batch-size 4", "--with", "--vad-filter", "--with", "--chunk-length 20");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        JsonElement[] candidates = [.. JsonDocument.Parse(outcome.Output).RootElement.GetProperty("candidates").EnumerateArray()];
        Assert.Equal(["--batch-size 4", "--vad-filter", "--chunk-length 20"], candidates.Select(candidate => candidate.GetProperty("settings").GetString()));
        Assert.All(candidates, candidate => Assert.Equal((3, 21), (candidate.GetProperty("files").GetArrayLength(), candidate.GetProperty("words").GetProperty("length").GetInt32())));
    }

    [Fact]
    public void A_single_candidate_is_measured_alone()
    {
        Outcome outcome = _sandbox.Handwritten("compare", Recording, "--references", Manifest, "--beam-size", "None");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"whisper-nano +whisper-nano +7 +0\.00 %", outcome.Output);
    }

    [Fact]
    public void A_recording_that_cannot_be_read_ends_the_comparison()
    {
        _sandbox.Write("said/missing.txt", "Nothing.");
        _sandbox.Handwritten("compare", "missing.wav", "--references", "said", "--with", "--beam-size None", "--with", "--beam-size 2").Is(ExitCode.UnreadableAudio, "'missing.wav' does not exist");
        _sandbox.Handwritten("compare", Recording, "--references", "said", "--with", "--beam-size None").Is(ExitCode.UnreadableAudio, "01-en.txt' does not exist");
    }

    [Theory]
    [InlineData("compare a.wav", "Option '--references' is required.")]
    [InlineData("compare a.wav --references r --plot a.jpg", "--plot writes PNG")]
    [InlineData("compare a.wav --references r --with --beam-sice=2", "--with \"--beam-sice=2\" cannot be compared: there is no option '--beam-sice=2'")]
    [InlineData("compare a.wav --references r --with --json", "there is no option '--json' for models and decoding")]
    [InlineData("compare a.wav --references r --with --beam-size=0", "--beam-size must be a whole number from 1 to 100 or None, but it is '0'")]
    [InlineData("compare a.wav --references r --beam-size None --with --patience=2", "--patience says how long a beam search goes on")]
    [InlineData("compare - --references r --models nano,nano", "Standard input can be heard once only")]
    public void A_wrong_command_line_is_answered_with_a_sentence(string commandLine, string sentence) =>
        _sandbox.Handwritten(commandLine.Split(' ')).Is(ExitCode.WrongUsage, sentence);

    [Fact]
    public void Values_within_a_candidate_stay_as_they_are() =>
        _sandbox.Handwritten("compare", "a.wav", "--references", "r", "--with", "--model no_such_model", "--with", "--model nano").Is(ExitCode.UnusableModel, "'no_such_model'");

    [Fact]
    public void A_missing_model_is_told_before_the_work() =>
        _sandbox.Handwritten("compare", "a.wav", "--references", "r", "--models", "nano,gigantic").Is(ExitCode.UnusableModel, "'gigantic'");
}
