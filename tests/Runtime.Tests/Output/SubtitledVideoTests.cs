using System.Diagnostics;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Tests.Audio;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Output;

/// <summary>Subtitles in videos, as ffmpeg itself finds them there.</summary>
public sealed class SubtitledVideoTests : IDisposable
{
    private static readonly Transcript Said = new(" Grüße", [new Segment(0, 0, 0.5, 1.5, " Grüße, Welt: 'a' %", [], 0, 0, 0, 0)], "de");

    private readonly TemporaryFolder _folder = new();

    public SubtitledVideoTests() => RealFfmpeg.Run(
        "-f", "lavfi", "-i", "color=black:size=320x240:rate=10:duration=2", "-i", TestData.Path("audio", "01-en.wav"), "-c:v", "mpeg4", "-c:a", "aac", "-shortest", Video);

    private string Video => _folder["it's a [video].mp4"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("out.mp4")]
    [InlineData("out.mov")]
    [InlineData("OUT.MKV")]
    public void A_track_is_added_and_the_others_are_copied(string name)
    {
        string output = _folder[name];
        new SubtitledVideo(Ffmpeg.OnPath).AddTrack(Video, output, Said, new WriterOptions());
        string subtitles = System.Text.Encoding.UTF8.GetString(RealFfmpeg.Run("-i", output, "-map", "0:s:0", "-f", "srt", "-")).ReplaceLineEndings("\n");
        // Matroska begins at 0, so what begins before, as AAC does, moves all tracks together by a few hundredths.
        Assert.Matches("^1\n00:00:00,5\\d\\d --> 00:00:01,5\\d\\d\nGrüße, Welt: 'a' %\n+$", subtitles);
        Assert.Equal(Hash(Video, "0:v"), Hash(output, "0:v"));
        Assert.Equal(Hash(Video, "0:a"), Hash(output, "0:a"));
        Assert.True(name == "out.mov" || Describe(output).Contains("deu", StringComparison.Ordinal)); // QuickTime's own codes lack some.

        // A second track stands before the first.
        string again = _folder["again.mkv"];
        new SubtitledVideo(Ffmpeg.OnPath).AddTrack(output, again, Said with { Language = "en" }, new WriterOptions());
        Assert.Matches(name == "out.mov" ? "eng" : "(?s)eng.*deu", Describe(again));
        Assert.Equal(2, Describe(again).Split("Subtitle: subrip").Length - 1);
        Assert.Equal(new[] { "again.mkv", name, Path.GetFileName(Video) }.Order(StringComparer.OrdinalIgnoreCase), Files);
    }

    [Fact]
    public void Drawn_subtitles_are_in_the_picture()
    {
        string output = _folder["out.mp4"];
        new SubtitledVideo(Ffmpeg.OnPath).Draw(Video, output, Said, new WriterOptions());
        Assert.True(Brightest(output, "1.0") > 200);
        Assert.True(Brightest(output, "1.8") < 40);
        Assert.Equal(Hash(Video, "0:a"), Hash(output, "0:a"));
    }

    [Fact]
    public void A_video_that_is_none_leaves_nothing_behind()
    {
        string text = _folder.Write("text.mp4", "This is no video."u8.ToArray());
        OutputException exception = Assert.Throws<OutputException>(() => new SubtitledVideo(Ffmpeg.OnPath).AddTrack(text, _folder["out.mp4"], Said, new WriterOptions()));
        Assert.StartsWith("ffmpeg cannot write '", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("out.mp4", Files);
        Assert.Equal(2, Files.Length);
    }

    [Fact]
    public void Another_ending_and_a_missing_program_are_told()
    {
        Assert.Contains("must end in .mp4", Assert.Throws<OutputException>(() => new SubtitledVideo(Ffmpeg.OnPath).AddTrack(Video, _folder["out.avi"], Said, new WriterOptions())).Message, StringComparison.Ordinal);
        Assert.Contains("not on the PATH", Assert.Throws<OutputException>(() => new SubtitledVideo(new Ffmpeg("")).AddTrack(Video, _folder["out.mp4"], Said, new WriterOptions())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_language_has_a_tag_of_three_letters() =>
        Assert.All(Handwritten.Model.Tokenization.Languages.Names.Keys, code => Assert.Matches("^(?!und)[a-z]{3}$", LanguageTags.ThreeLetters(code)));

    private string[] Files => [.. Directory.GetFiles(Path.GetDirectoryName(Video)!).Select(file => Path.GetFileName(file)!).Order(StringComparer.OrdinalIgnoreCase)];

    private static string Hash(string video, string track) => System.Text.Encoding.UTF8.GetString(RealFfmpeg.Run("-i", video, "-map", track, "-c", "copy", "-f", "streamhash", "-"));

    private static int Brightest(string video, string time) => RealFfmpeg.Run("-ss", time, "-i", video, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-").Max();

    private static string Describe(string video)
    {
        using Process process = Process.Start(new ProcessStartInfo("ffmpeg", ["-hide_banner", "-i", video]) { RedirectStandardError = true })!;
        string log = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return log;
    }
}
