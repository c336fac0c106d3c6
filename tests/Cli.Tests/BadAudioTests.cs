using System.Runtime.Versioning;
using System.Text;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Recordings that cannot be read: one sentence that names the file, exit code 3, and no stack trace.</summary>
public sealed class BadAudioTests : IDisposable
{
    private static readonly byte[] Good = File.ReadAllBytes(TestData.Path("audio", "01-en.wav"));

    private readonly Sandbox _sandbox = new();

    public static TheoryData<string> Kinds => [.. Bad.Keys];

    private static Dictionary<string, byte[]> Bad { get; } = new()
    {
        ["empty"] = [],
        ["a single byte"] = [0x52],
        ["the beginning of a header"] = Good[..10],
        ["a header without a format"] = Good[..20],
        ["a header and no samples"] = WavBytes.Of([]),
        ["half a sample"] = WavBytes.Of([1]),
        ["fewer samples than announced"] = Good[..^20000],
        ["no channel"] = WavBytes.Of(new byte[3200], channels: 0),
        ["no sample rate"] = WavBytes.Of(new byte[3200], rate: 0),
        ["a negative sample rate"] = WavBytes.Of(new byte[3200], rate: -16000),
        ["samples of 0 bits"] = WavBytes.Of(new byte[3200], bits: 0),
        ["samples of 5 bits"] = WavBytes.Of(new byte[3200], bits: 5),
        ["samples that are not numbers"] = WavBytes.Of(WavBytes.Floats(1600, i => i == 800 ? float.NaN : 0.1f), WavBytes.Float, bits: 32),
        ["infinite samples"] = WavBytes.Of(WavBytes.Floats(1600, i => i == 800 ? float.PositiveInfinity : 0.1f), WavBytes.Float, bits: 32),
        ["text"] = Encoding.UTF8.GetBytes("This is not a recording, but a text about one.\n"),
        ["random bytes"] = RandomBytes(20000),
        ["a cut mp3"] = File.ReadAllBytes(TestData.Path("audio", "formats.mp3"))[..200],
        ["a cut flac"] = File.ReadAllBytes(TestData.Path("audio", "formats.flac"))[..100],
        ["zeros"] = new byte[5000],
        ["a model"] = File.ReadAllBytes(TestData.Weights("whisper-nano", "config.json")),
    };

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_no_recording_is_refused(string kind)
    {
        File.WriteAllBytes(_sandbox["bad.wav"], Bad[kind]);
        _sandbox.Handwritten("transcribe", "bad.wav", "-o", "out").Is(ExitCode.UnreadableAudio, "'bad.wav'");
        Assert.Empty(Directory.EnumerateFileSystemEntries(_sandbox["out"]));
    }

    [Fact]
    public void What_does_not_exist_is_refused() =>
        _sandbox.Handwritten("transcribe", "missing.wav").Is(ExitCode.UnreadableAudio, "'missing.wav' does not exist");

    [Fact]
    public void What_is_in_no_folder_is_refused() =>
        _sandbox.Handwritten("detect-language", "no/such/folder.wav").Is(ExitCode.UnreadableAudio, "'no/such/folder.wav' does not exist");

    [Fact]
    public void A_folder_is_refused()
    {
        Directory.CreateDirectory(_sandbox["folder"]);
        _sandbox.Handwritten("transcribe", "folder").Is(ExitCode.UnreadableAudio, "'folder' is a folder");
    }

    [Fact]
    public void An_empty_standard_input_is_refused() =>
        _sandbox.Handwritten("transcribe", "-").Is(ExitCode.UnreadableAudio, "standard input is empty");

    [LinuxFact]
    [UnsupportedOSPlatform("windows")]
    public void What_may_not_be_read_is_refused()
    {
        File.WriteAllBytes(_sandbox["secret.wav"], Good);
        File.SetUnixFileMode(_sandbox["secret.wav"], UnixFileMode.None);
        Outcome outcome = _sandbox.Handwritten("transcribe", "secret.wav");
        if (Environment.IsPrivilegedProcess)
        {
            // Nothing is forbidden to root.
            Assert.Equal(0, outcome.ExitCode);
            return;
        }

        outcome.Is(ExitCode.UnreadableAudio, "'secret.wav' may not be read");
    }

    [Fact]
    public void Good_recordings_are_finished_whatever_is_wrong_with_others()
    {
        File.WriteAllBytes(_sandbox["good.wav"], Good);
        File.WriteAllBytes(_sandbox["empty.wav"], []);
        Outcome outcome = _sandbox.Handwritten("transcribe", "--quiet", "-o", "out", "-f", "txt", "empty.wav", "good.wav", "missing.wav");
        Assert.Equal((int)ExitCode.UnreadableAudio, outcome.ExitCode);
        Assert.Equal(["[00:00.000 --> 00:02.200]  Please play rock music in the garage."], outcome.OutputLines);
        Assert.Equal(2, outcome.ErrorLines.Length);
        outcome.ErrorLines[0].IsSentenceWith("'empty.wav'");
        outcome.ErrorLines[1].IsSentenceWith("'missing.wav'");
        Assert.Equal(["good.txt"], Directory.GetFiles(_sandbox["out"]).Select(Path.GetFileName));
    }

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
