using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Subtitles for videos, with the real program and the real ffmpeg.</summary>
public sealed class SubtitleTests : IDisposable
{
    private const string Said = "1\n00:00:00,000 --> 00:00:02,200\nPlease play rock music in the garage.\n\n";

    private readonly Sandbox _sandbox = new();

    public SubtitleTests() => Assert.Equal(0, _sandbox.Run("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "color=black:size=320x240:rate=10:duration=3",
        "-i", TestData.Path("audio", "01-en.wav"), "-c:v", "mpeg4", "-c:a", "aac", _sandbox["talk.mp4"]]).ExitCode);

    private IEnumerable<string> Files => Directory.GetFileSystemEntries(_sandbox.Folder).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal);

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Subtitles_are_written_beside_the_video_and_never_over_a_file()
    {
        Assert.Equal(0, _sandbox.Handwritten("subtitle", "talk.mp4", "--quiet").ExitCode);
        Assert.Equal(Said, File.ReadAllText(_sandbox["talk.srt"]));
        Assert.Equal(["talk.mp4", "talk.srt"], Files);

        File.WriteAllText(_sandbox["talk.srt"], "Corrected by hand.");
        _sandbox.Handwritten("subtitle", "talk.mp4").Is(ExitCode.UnwritableOutput, "'talk.srt' is there already: give --overwrite");
        Assert.Equal("Corrected by hand.", File.ReadAllText(_sandbox["talk.srt"]));
        Assert.Equal(0, _sandbox.Handwritten("subtitle", "talk.mp4", "--overwrite").ExitCode);
        Assert.Equal(Said, File.ReadAllText(_sandbox["talk.srt"]));
    }

    [Fact]
    public void Subtitles_are_muxed_into_a_copy_of_the_video()
    {
        Outcome outcome = _sandbox.Handwritten("subtitle", "talk.mp4", "--mux", "--verbose", "False");
        Assert.Equal((0, "Detected language: English"), (outcome.ExitCode, outcome.Output.TrimEnd()));
        Assert.Equal("'talk.mp4': subtitles are in 'talk.subtitled.mp4'.", outcome.ErrorLines[^1]);
        Assert.Equal(["talk.mp4", "talk.subtitled.mp4"], Files);
        Assert.Equal(Said.Trim(), _sandbox.Run("ffmpeg", ["-v", "error", "-i", "talk.subtitled.mp4", "-map", "0:s", "-f", "srt", "-"]).Output.ReplaceLineEndings("\n").Trim());
    }

    [Fact]
    public void Subtitles_are_drawn_into_a_copy_of_the_video()
    {
        Assert.Equal(0, _sandbox.Handwritten("subtitle", "talk.mp4", "--burn", "-o", "new.mkv", "--quiet").ExitCode);
        Assert.Equal(["new.mkv", "talk.mp4"], Files);
    }

    [Fact]
    public void A_recording_without_a_picture_has_nothing_to_draw_into()
    {
        File.Copy(TestData.Path("audio", "01-en.wav"), _sandbox["speech.wav"]);
        _sandbox.Handwritten("subtitle", "speech.wav", "--burn", "-o", "new.mkv").Is(ExitCode.WrongUsage, "'speech.wav' has no picture to draw subtitles into");
        Assert.Equal(["speech.wav", "talk.mp4"], Files);
    }

    [Fact]
    public void The_file_is_the_one_that_was_named()
    {
        _sandbox.Write("new.srt", "Corrected by hand.");
        Assert.Equal(0, _sandbox.Handwritten("subtitle", "talk.mp4", "-o", "new.SRT", "--quiet").ExitCode);
        Assert.Equal((Said, "Corrected by hand."), (File.ReadAllText(_sandbox["new.SRT"]), File.ReadAllText(_sandbox["new.srt"])));
    }

    [Fact]
    public void Patterns_stand_for_videos()
    {
        File.Copy(_sandbox["talk.mp4"], _sandbox["talk2.mp4"]);
        Assert.Equal(0, _sandbox.Handwritten("subtitle", "t*[k-m2].mp4", "--quiet").ExitCode);
        Assert.Equal(["talk.mp4", "talk.srt", "talk2.mp4", "talk2.srt"], Files);
        _sandbox.Handwritten("subtitle", "x*.mp4").Is(ExitCode.UnreadableAudio, "No file matches 'x*.mp4': check the pattern and the folder.");
    }

    [Fact]
    public void A_video_with_two_names_is_one()
    {
        Outcome outcome = _sandbox.Handwritten("subtitle", "talk.mp4", "./talk.mp4", "--verbose", "False");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Single(outcome.ErrorLines, line => line.EndsWith("subtitles are in 'talk.srt'.", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_no_video_leaves_nothing_behind()
    {
        _sandbox.Write("text.mp4", "This is no video.");
        _sandbox.Handwritten("subtitle", "text.mp4", "--mux").Is(ExitCode.UnreadableAudio, "'text.mp4'");
        _sandbox.Handwritten("subtitle", "missing.mp4").Is(ExitCode.UnreadableAudio, "'missing.mp4' does not exist");
        Assert.Equal(["talk.mp4", "text.mp4"], Files);
    }

    [Theory]
    [InlineData("talk.mp4 --mux --burn", "--mux adds a track and --burn draws into the picture: give only one of them.")]
    [InlineData("talk.mp4 --mux --output-format vtt", "--output-format is for subtitles in a file of their own")]
    [InlineData("talk.mp4 other.mp4 -o a.srt", "--output is one file, but there are 2 videos")]
    [InlineData("talk.mp4 talk.mkv", "'talk.mp4' and 'talk.mkv' would both be written to 'talk.srt'")]
    [InlineData("talk.mp4 folder/../talk.mkv", "'talk.mp4' and 'folder/../talk.mkv' would both be written to 'talk.srt'")]
    [InlineData("talk.mp4 -o a.txt", "--output must end in .srt or .vtt, but it is 'a.txt'")]
    [InlineData("talk.mp4 --mux -o a.avi", "--output must end in .mp4, .m4v, .mov, .mkv, .webm to take subtitles, but it is 'a.avi'.")]
    [InlineData("talk.mp4 --mux -o talk.mp4", "'talk.mp4' is the video itself")]
    [InlineData("-", "VIDEO must be a file")]
    public void A_wrong_command_line_is_answered_with_a_sentence(string commandLine, string sentence) =>
        _sandbox.Handwritten(["subtitle", .. commandLine.Split(' ')]).Is(ExitCode.WrongUsage, sentence);
}
