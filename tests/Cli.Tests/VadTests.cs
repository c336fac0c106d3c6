using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Finding speech with the real program; the regions are faster-whisper's.</summary>
public sealed class VadTests : IDisposable
{
    private static readonly string Recording = TestData.Path("audio", "jfk.wav");

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Prints_the_regions_as_a_table()
    {
        Outcome outcome = _sandbox.Handwritten("vad", Recording, "--min_silence_duration_ms", "100", "--speech_pad_ms=30");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"(?s)00:00\.290 +00:02\.270 +1\.98 .*00:08\.194 +00:10\.526 +2\.33 ", outcome.Output);
        Assert.Equal("7.40 s of speech in 11.00 s", outcome.OutputLines[^1]);
    }

    [Fact]
    public void Gives_the_regions_as_json_and_goes_on_after_a_failure()
    {
        string silence = TestData.Path("audio", "silence-noise.wav");
        Outcome outcome = _sandbox.Handwritten("vad", Recording, "missing.wav", silence, "--json", "--max-speech-duration-s", "5", "--min-silence-duration-ms", "500", "--speech-pad-ms", "100");
        Assert.Equal((int)ExitCode.UnreadableAudio, outcome.ExitCode);
        Assert.Single(outcome.ErrorLines).IsSentenceWith("'missing.wav'");
        JsonElement results = JsonDocument.Parse(outcome.Output).RootElement;
        JsonElement speech = results.GetProperty(Recording);
        Assert.Equal(11.0, speech.GetProperty("seconds").GetDouble());
        Assert.Equal(
            [(3520, 37440), (51648, 71232), (85440, 123456), (129984, 176000)],
            speech.GetProperty("regions").EnumerateArray().Select(region => (Samples(region, "start"), Samples(region, "end"))));
        Assert.Empty(results.GetProperty(silence).GetProperty("regions").EnumerateArray());
    }

    [Fact]
    public void Plots_a_recording()
    {
        Outcome outcome = _sandbox.Handwritten("vad", Recording, "--plot", "speech.png");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        byte[] png = File.ReadAllBytes(_sandbox["speech.png"]);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
        Assert.True(png.Length > 10_000);
        Assert.Equal(["speech.png"], Directory.GetFileSystemEntries(_sandbox.Folder).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("vad", "Required argument 'AUDIO' missing")]
    [InlineData("vad a.wav --threshold 2", "--threshold must be a number from 0 to 1 or None, but it is '2'.")]
    [InlineData("vad a.wav --threshold NaN", "--threshold must be a number from 0 to 1 or None, but it is 'NaN'.")]
    [InlineData("vad a.wav --max-speech-duration-s -5", "--max-speech-duration-s must be a number from 0.001 to 86400 or None, but it is '-5'.")]
    [InlineData("vad a.wav --speech-pad-ms 1.5", "--speech-pad-ms must be a whole number from 0 to 86400000 or None, but it is '1.5'.")]
    [InlineData("vad a.wav --threshold 0.3 --neg-threshold 0.4", "--neg-threshold is above --threshold")]
    [InlineData("vad a.wav --plot speech.jpg", "--plot writes PNG, so its file's name must end in .png, but it is 'speech.jpg'.")]
    [InlineData("vad a.wav b.wav --plot a.png", "--plot draws one recording, but there are 2")]
    public void A_wrong_command_line_is_answered_with_a_sentence(string commandLine, string sentence) =>
        _sandbox.Handwritten(commandLine.Split(' ')).Is(ExitCode.WrongUsage, sentence);

    [Fact]
    public void A_chart_that_cannot_be_written_is_told() =>
        _sandbox.Handwritten("vad", Recording, "--plot", "no such folder/a.png").Is(ExitCode.UnwritableOutput, "'no such folder/a.png' cannot be written");

    private static int Samples(JsonElement region, string name) => (int)Math.Round(region.GetProperty(name).GetDouble() * 16000);
}
