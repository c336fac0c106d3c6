using System.Diagnostics;
using Handwritten.Runtime.Audio;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

/// <summary>
/// Shell scripts in the place of ffmpeg, which do what the real one does rarely: fail, hang, chatter. They and the
/// tests with the real one run one after the other: a script cannot start while a program that starts at the same
/// moment still holds the file that was just written.
/// </summary>
[Collection("Programs")]
public class FfmpegProcessTests
{
    [Fact]
    public void A_program_that_fails_or_does_not_start_is_reported()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using TemporaryFolder folder = new();
        string recording = folder.Write("it.mp3", [1, 2, 3]);
        folder.WriteScript("ffmpeg", """
            echo "[x @ 0x1] [y @ 0x2] [error] The true cause" >&2
            echo "[error] Error opening output files: Invalid argument" >&2
            echo "[info] Conversion failed!" >&2
            exit 69
            """);
        Assert.Equal($"'{recording}' is no audio file that ffmpeg can read (\"The true cause\").", Refusal(recording, folder));
        folder.WriteScript("ffmpeg", "exit 7");
        Assert.Equal($"'{recording}' is no audio file that ffmpeg can read (\"exit code 7\").", Refusal(recording, folder));
        folder.WriteScript("ffmpeg", "kill -SEGV $$");
        Assert.Contains("(\"exit code 139\")", Refusal(recording, folder));
        File.SetUnixFileMode(folder["ffmpeg"], UnixFileMode.UserRead);
        Assert.Contains($"'{recording}' cannot be decoded: {folder["ffmpeg"]} did not start (", Refusal(recording, folder));
    }

    [Theory]
    [InlineData("mono", 1)]
    [InlineData("stereo", 2)]
    [InlineData("quad", 4)]
    [InlineData("5.1(side)", 6)]
    [InlineData("7.1.4", 12)]
    [InlineData("12 channels", 12)]
    [InlineData("ambisonic 1", null)]
    public void Channel_layouts_are_counted(string layout, int? channels)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using TemporaryFolder folder = new();
        folder.WriteScript("ffmpeg", $"""
            echo "[x @ 0x1] [warning] Something about the file" >&2
            echo "[info]   Duration: 30:00:01.50, start: 0.000000, bitrate: 24 kb/s" >&2
            echo "[info]   Stream #0:0: Video: png, rgb24(pc), 500x500, 90k tbr, 90k tbn (attached pic)" >&2
            echo "[info]   Stream #0:1[0x1](eng): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, {layout}, fltp, 40 kb/s (default)" >&2
            $MORE
            echo "[info] Stream mapping:" >&2
            echo "[info]   Stream #0:1 -> #0:0 (aac (native) -> pcm_s16le (native))" >&2
            echo "[info] Output #0, s16le, to 'pipe:':" >&2
            echo "[info]   Stream #0:0(eng): Audio: pcm_s16le, 16000 Hz, mono, s16, 256 kb/s" >&2
            head -c 32000 /dev/zero
            """);
        string recording = folder.Write("it.m4a", [1]);
        Assert.EndsWith("its header announces 108001.50 s of sound, but only 1.00 s can be decoded; record or copy it again.", Refusal(recording, folder));

        // With a film beside it the length may be the film's.
        string script = File.ReadAllText(folder["ffmpeg"]);
        File.WriteAllText(folder["ffmpeg"], script.Replace("$MORE", "echo '[info]   Stream #0:2: Video: h264, 320x200' >&2", StringComparison.Ordinal));
        Assert.Equal(new AudioSource($"'{recording}'", "aac", 48000, channels, 1), AudioFile.Load(recording, new Ffmpeg(folder[""])).Source);
    }

    [Fact]
    public void A_talkative_program_does_not_block()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // More than any pipe holds, on both outputs, before it has read a byte; then it reads only a part.
        using TemporaryFolder folder = new();
        folder.WriteScript("ffmpeg", """
            head -c 3000000 /dev/zero | tr '\0' 'e' >&2
            head -c 3200000 /dev/zero
            head -c 10 > /dev/null
            """);
        AudioClip clip = AudioFile.Load(new PipeStream(new byte[4_000_000], 100_000), "it", new Ffmpeg(folder[""]));
        Assert.Equal(1_600_000, clip.Samples.Length);
        Assert.Equal(new AudioSource("it", "unknown codec", null, null, 100), clip.Source);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cancelling_kills_the_program(bool isFed)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using TemporaryFolder folder = new();
        string idFile = folder["id"];
        folder.WriteScript("ffmpeg", $"echo $$ > '{idFile}.new'; mv '{idFile}.new' '{idFile}'; sleep 1000; echo");
        using CancellationTokenSource source = new();
        Task<AudioClip> loading = Task.Run(() => isFed
            ? AudioFile.Load(new EndlessStream(), "it", new Ffmpeg(folder[""]), source.Token)
            : AudioFile.Load(TestData.Path("audio", "formats.mp3"), new Ffmpeg(folder[""]), source.Token));
        Assert.True(SpinWait.SpinUntil(() => File.Exists(idFile), TimeSpan.FromSeconds(30)), "The program did not start.");
        using Process program = Process.GetProcessById(int.Parse(File.ReadAllText(idFile)));
        source.Cancel();
        AggregateException exception = Assert.Throws<AggregateException>(() => loading.Wait(TimeSpan.FromSeconds(30)));
        Assert.IsType<OperationCanceledException>(exception.InnerException);
        Assert.True(program.WaitForExit(TimeSpan.FromSeconds(30)), "The program lives.");
    }

    private static string Refusal(string path, TemporaryFolder folder)
    {
        string message = Assert.Throws<AudioException>(() => AudioFile.Load(path, new Ffmpeg(folder[""]))).Message;
        Assert.EndsWith(".", message);
        Assert.DoesNotContain("\n", message);
        return message;
    }

    /// <summary>A pipe into which nobody writes after the first bytes.</summary>
    private sealed class EndlessStream() : MemoryStream(new byte[100])
    {
        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = base.Read(buffer, offset, count);
            if (read == 0)
            {
                Thread.Sleep(Timeout.Infinite);
            }

            return read;
        }
    }
}
