using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Handwritten.Runtime.Audio;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

/// <summary>What needs no ffmpeg: WAV files and refusals.</summary>
public partial class AudioFileTests
{
    private static readonly Ffmpeg NoFfmpeg = new("");

    /// <summary>The clips of 16 kHz, whose samples no resampler touches.</summary>
    public static TheoryData<string, string> ReferenceClips
    {
        get
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "nano", "decode.json")));
            TheoryData<string, string> clips = [];
            foreach (JsonElement clip in document.RootElement.GetProperty("clips").EnumerateArray())
            {
                string file = clip.GetProperty("file").GetString()!;
                if (!file.StartsWith("formats", StringComparison.Ordinal))
                {
                    clips.Add(file, clip.GetProperty("audio_sha256").GetString()!);
                }
            }

            return clips;
        }
    }

    [Theory]
    [MemberData(nameof(ReferenceClips))]
    public void A_wav_of_16_kHz_gives_the_samples_of_the_original(string file, string sha256)
    {
        AudioClip clip = AudioFile.Load(TestData.Path("audio", file), NoFfmpeg);
        byte[] bytes = [.. clip.Samples.SelectMany(sample => BitConverter.GetBytes(checked((short)(sample * 32768f))))];
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        Assert.Equal(new AudioSource(clip.Source.Name, "16-bit PCM", 16000, 1, clip.Seconds), clip.Source);
    }

    [Fact]
    public void A_wav_of_44100_Hz_in_stereo_needs_no_ffmpeg()
    {
        AudioClip clip = AudioFile.Load(TestData.Path("audio", "formats-44k1-stereo.wav"), NoFfmpeg);
        Assert.Equal(38307, clip.Samples.Length);
        Assert.Equal(("16-bit PCM", 44100, 2, 105581 / 44100.0), (clip.Source.Codec, clip.Source.SampleRate, clip.Source.Channels, clip.Source.Seconds));
    }

    [Fact]
    public void A_stream_is_read_like_a_file()
    {
        byte[] bytes = File.ReadAllBytes(TestData.Path("audio", "formats-44k1-stereo.wav"));
        AudioClip piped = AudioFile.Load(new PipeStream(bytes, atMost: 1001), "the upload", NoFfmpeg);
        Assert.Equal(AudioFile.Load(TestData.Path("audio", "formats-44k1-stereo.wav"), NoFfmpeg).Samples, piped.Samples);
        Assert.Equal("the upload", piped.Source.Name);
    }

    [Fact]
    public void Floats_beyond_full_scale_clip_as_16_bits_would()
    {
        byte[] wav = new WavBytes().Format(tag: 3, channels: 2, bits: 32).Data(WavBytes.Single(4, 2, 2, -1, -9, -9)).ToArray();
        Assert.Equal([1f, 0.5f, -1f], AudioFile.Load(new MemoryStream(wav), "it", NoFfmpeg).Samples);
    }

    [Fact]
    public void A_missing_file_or_folder_is_named()
    {
        using TemporaryFolder folder = new();
        Assert.Equal($"'{folder["no.wav"]}' does not exist: check the name and the folder.", Refusal(folder["no.wav"]));
        Assert.Contains("does not exist", Refusal(folder["no/such/folder/x.wav"]));
        Assert.Contains("does not exist", Refusal("https://example.org/talk.mp3"));
        Assert.Equal("the name of the recording is empty: give the name of a file.", Refusal(""));
        Assert.Contains("cannot be read", Refusal("nul\0character"));
    }

    [Fact]
    public void A_folder_is_no_recording()
    {
        using TemporaryFolder folder = new();
        Assert.Equal($"'{folder[""]}' is a folder: give the name of a recording in it.", Refusal(folder[""]));
    }

    [Fact]
    public void An_empty_file_is_refused()
    {
        using TemporaryFolder folder = new();
        Assert.EndsWith("is empty: it has 0 bytes.", Refusal(folder.Write("empty.wav", [])));
    }

    [Fact]
    public void A_wav_without_a_sample_is_refused()
    {
        using TemporaryFolder folder = new();
        Assert.EndsWith("holds no sound: it has 0 samples.", Refusal(folder.Write("silent.wav", new WavBytes().Format(rate: 44100).Data([]).ToArray())));
    }

    [Fact]
    public void A_cut_wav_is_refused()
    {
        using TemporaryFolder folder = new();
        byte[] whole = File.ReadAllBytes(TestData.Path("audio", "01-en.wav"));
        Assert.EndsWith("its header announces 93,654 bytes of samples, but only 40,000 are there; record or copy it again.", Refusal(folder.Write("cut.wav", whole[..40_044])));
    }

    [Fact]
    public void What_is_no_wav_needs_ffmpeg()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("letter.wav", "Dear friend, this is not a recording."u8.ToArray());
        const string hint = "is not a WAV file of plain samples, and the ffmpeg program, which reads everything else, is not on the PATH: install it (apt install ffmpeg, brew install ffmpeg, winget install ffmpeg) or convert the recording to WAV.";
        Assert.Equal($"'{path}' {hint}", Refusal(path));
        Assert.EndsWith(hint, Refusal(TestData.Path("audio", "formats.flac")));
        Assert.EndsWith(hint, Refusal(folder.Write("short", "RIFF"u8.ToArray())));
        Assert.EndsWith(hint, Refusal(folder.Write("film.avi", "RIFF\0\0\0\0AVI LIST"u8.ToArray())));
        Assert.Equal($"standard input {hint}", Assert.Throws<AudioException>(() => AudioFile.Load(new PipeStream([1, 2, 3]), "standard input", NoFfmpeg)).Message);
        Assert.Contains("IMA ADPCM", Refusal(folder.Write("adpcm.wav", new WavBytes().Format(tag: 0x11, bits: 4).Data([1, 2, 3, 4]).ToArray())));
    }

    [Fact]
    public void A_file_that_fails_while_it_is_read_is_refused()
    {
        // Opening the memory of this process succeeds, for root too; reading its first page, where nothing is, fails.
        string message = OperatingSystem.IsLinux()
            ? Refusal("/proc/self/mem")
            : Assert.Throws<AudioException>(() => AudioFile.Load(new BrokenStream(), "'it'", NoFfmpeg)).Message;
        Assert.Contains("cannot be read: ", message);
        Assert.DoesNotContain("..", message);
    }

    [Fact]
    public void A_stream_that_breaks_is_refused() =>
        Assert.Equal("the upload cannot be read: The cable is out.", Assert.Throws<AudioException>(() => AudioFile.Load(new BrokenStream(), "the upload", NoFfmpeg)).Message);

    [Fact]
    public void A_file_without_permission_is_refused()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("secret.wav", new WavBytes().Format().Data([0, 0]).ToArray());
        if (OperatingSystem.IsWindows())
        {
            using FileStream locked = new(path, FileMode.Open, FileAccess.Read, FileShare.None);
            Assert.Contains("cannot be read: ", Refusal(path));
            return;
        }

        File.SetUnixFileMode(path, UnixFileMode.None);
        File.SetUnixFileMode(folder[""], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        Assert.Equal($"'{path}' may not be read: you have no permission to open it.", AsNobody(() => Refusal(path)));
    }

    [Fact]
    public void Loading_stops_when_it_is_cancelled() =>
        Assert.ThrowsAny<OperationCanceledException>(() => AudioFile.Load(TestData.Path("audio", "long-en.wav"), NoFfmpeg, new CancellationToken(canceled: true)));

    [Fact]
    public void Standard_input_is_a_name_of_its_own()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // What a shell does for "< jfk.wav": make the file descriptor 0 of this process.
        using FileStream file = File.OpenRead(TestData.Path("audio", "jfk.wav"));
        int keyboard = Duplicate(0);
        Assert.Equal(0, DuplicateTo((int)file.SafeFileHandle.DangerousGetHandle(), 0));
        try
        {
            AudioClip clip = AudioFile.Load("-", NoFfmpeg);
            Assert.Equal("standard input", clip.Source.Name);
            Assert.Equal(AudioFile.Load(TestData.Path("audio", "jfk.wav"), NoFfmpeg).Samples, clip.Samples);
        }
        finally
        {
            _ = DuplicateTo(keyboard, 0);
        }
    }

    private static string Refusal(string path)
    {
        string message = Assert.Throws<AudioException>(() => AudioFile.Load(path, NoFfmpeg)).Message;
        Assert.EndsWith(".", message);
        Assert.DoesNotContain("\n", message);
        return message;
    }

    /// <summary>
    /// Root may open every file, whatever its mode. Linux gives each thread an identity of its own for files: with
    /// that of nobody (65534) a thread of root's has nobody's permissions. For other users it changes nothing.
    /// </summary>
    private static T AsNobody<T>(Func<T> action)
    {
        T result = default!;
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                _ = OperatingSystem.IsLinux() ? SetFileSystemUser(65534) : 0;
                result = action();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw failure;
    }

    [LibraryImport("libc", EntryPoint = "setfsuid")]
    private static partial int SetFileSystemUser(uint user);

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int DuplicateTo(int descriptor, int target);

    private sealed class BrokenStream() : MemoryStream([1])
    {
        public override int Read(byte[] buffer, int offset, int count) => throw new IOException("The cable is out.");
    }
}
