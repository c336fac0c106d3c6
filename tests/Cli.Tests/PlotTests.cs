using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Pictures drawn by the real program.</summary>
public sealed class PlotTests : IDisposable
{
    private static readonly string Recording = TestData.Path("audio", "10-en.wav");

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("mel")]
    [InlineData("attention")]
    [InlineData("attention", "--layer", "1", "--head", "0")]
    [InlineData("alignment", "--start", "3")]
    [InlineData("probabilities", "--beam_size=None")]
    public void A_picture_is_the_only_thing_left_behind(string kind, params string[] options)
    {
        Outcome outcome = _sandbox.Handwritten(["plot", kind, Recording, "-o", "picture.png", .. options]);
        Assert.Equal((0, "", ""), (outcome.ExitCode, outcome.Output, outcome.Error));
        byte[] png = File.ReadAllBytes(_sandbox["picture.png"]);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
        Assert.True(png.Length > 20_000);
        Assert.Equal(["picture.png"], Directory.GetFileSystemEntries(_sandbox.Folder).Select(Path.GetFileName));
    }

    [Fact]
    public void The_recording_may_be_a_pattern_a_folder_standard_input_or_an_address()
    {
        byte[] sound = File.ReadAllBytes(Recording);
        _sandbox.Write("talks/talk.wav", "");
        File.WriteAllBytes(_sandbox["talks", "talk.wav"], sound);
        using SmallServer server = new(request => request.Headers.TryGetValue("X-Key", out string? key) && key == "k" ? new WebAnswer(200, sound) : new WebAnswer(403, []));
        foreach (string[] input in new string[][] { ["t*/*.wav"], ["talks", "--recursive"], [$"{server.Address}/talk.wav?a=b", "--header", "X-Key: k"] })
        {
            Assert.Equal(new Outcome(0, "", ""), _sandbox.Handwritten(["plot", "mel", .. input, "-o", "picture.png"]));
            File.Delete(_sandbox["picture.png"]);
        }

        Assert.Equal(0, _sandbox.InShell("\"$DOTNET\" \"$PROGRAM\" plot mel - -o picture.png < talks/talk.wav").ExitCode);
        File.Copy(_sandbox["talks", "talk.wav"], _sandbox["talks", "other.wav"]);
        _sandbox.Handwritten("plot", "mel", "talks/*.wav", "-o", "a.png").Is(ExitCode.WrongUsage, "A picture shows one recording, but AUDIO stands for several: give them one by one.");
        _sandbox.Handwritten("plot", "mel", $"{server.Address}/talk.wav", "-o", "a.png").Is(ExitCode.UnreadableAudio, "cannot be downloaded: the server answers 403");
    }

    [Theory]
    [InlineData("plot -o a.png", "Required argument 'mel|attention|alignment|probabilities' missing")]
    [InlineData("plot mel a.wav", "Option '--output' is required.")]
    [InlineData("plot mell a.wav -o a.png", "KIND must be mel, attention, alignment or probabilities, but it is 'mell'. Did you mean 'mel'?")]
    [InlineData("plot mel a.wav -o a.svg", "--output writes PNG")]
    [InlineData("plot mel a.wav -o a.png --start -1", "--start must be a number from 0 to 1000000 or None, but it is '-1'.")]
    [InlineData("plot mel a.wav -o a.png --head 1 --layer 1", "leave them out for mel")]
    [InlineData("plot attention a.wav -o a.png --head 1", "--layer and --head go together")]
    [InlineData("plot mel a.wav -o a.png --clip_timestamps 3,5", "--clip-timestamps names what to transcribe, but a picture shows one window: give --start for its beginning.")]
    public void A_wrong_command_line_is_answered_with_a_sentence(string commandLine, string sentence) =>
        _sandbox.Handwritten(commandLine.Split(' ')).Is(ExitCode.WrongUsage, sentence);

    [Fact]
    public void What_cannot_be_drawn_is_told()
    {
        _sandbox.Handwritten("plot", "mel", "missing.wav", "-o", "a.png").Is(ExitCode.UnreadableAudio, "'missing.wav' does not exist");
        _sandbox.Handwritten("plot", "mel", Recording, "-o", "a.png", "--start", "20").Is(ExitCode.WrongUsage, "--start is 20 s, but", "ends at 8.20 s");
        _sandbox.Handwritten("plot", "attention", Recording, "-o", "a.png", "--layer", "7", "--head", "0").Is(ExitCode.WrongUsage, "no head 0 in layer 7");
        _sandbox.Handwritten("plot", "mel", Recording, "-o", "nowhere/a.png").Is(ExitCode.UnwritableOutput, "'nowhere/a.png' cannot be written");
        Assert.Empty(Directory.GetFileSystemEntries(_sandbox.Folder));
    }
}
