using Handwritten.Runtime.Audio;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

/// <summary>What needs the real ffmpeg: other formats than WAV, and WAV files that an independent program wrote.</summary>
[Collection("Programs")]
public class FfmpegTests
{
    private static readonly Ffmpeg NoFfmpeg = new("");

    [Theory]
    [InlineData("formats.flac", "flac")]
    [InlineData("formats.mp3", "mp3")]
    [InlineData("jfk.flac", "flac")]
    public void Other_formats_give_the_samples_of_the_original(string file, string codec)
    {
        string path = TestData.Path("audio", file);
        AudioClip clip = AudioFile.Load(path);
        Assert.Equal(RealFfmpeg.LoadAudio(path), clip.Samples);
        Assert.Equal(new AudioSource($"'{path}'", codec, 44100, 2, clip.Seconds), clip.Source);

        // Through a pipe an MP3 keeps the silence that its encoder filled the last frame with.
        float[] piped = AudioFile.Load(new PipeStream(File.ReadAllBytes(path), 5000), "it", Ffmpeg.OnPath).Samples;
        Assert.InRange(piped.Length, clip.Samples.Length, clip.Samples.Length + (codec == "mp3" ? 1152 : 0));
        Assert.Equal(clip.Samples, piped[..clip.Samples.Length]);
    }

    [Theory]
    [InlineData("it.m4a", "aac")]
    [InlineData("it.mov", "pcm_s16le")]
    [InlineData("it.3gp", "aac")]
    public void A_stream_may_have_its_index_at_the_end(string name, string codec)
    {
        using TemporaryFolder folder = new();
        RealFfmpeg.Run("-i", TestData.Path("audio", "10-en.wav"), "-c:a", codec, folder[name]);
        byte[] bytes = File.ReadAllBytes(folder[name]);
        Assert.True(bytes.AsSpan().IndexOf("moov"u8) > bytes.AsSpan().IndexOf("mdat"u8), "The index is at the beginning.");
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(AudioFile.Load(folder[name]).Samples, AudioFile.Load(new PipeStream(bytes, 5000), "it", Ffmpeg.OnPath).Samples);
            Assert.DoesNotContain(Directory.GetFiles("/proc/self/fd"), file => File.ResolveLinkTarget(file, returnFinalTarget: false)?.FullName.Contains("memfd:recording", StringComparison.Ordinal) == true);
            AudioException refused = Assert.Throws<AudioException>(() => AudioFile.Load(new PipeStream(bytes[..(bytes.Length / 2)], 5000), "it", Ffmpeg.OnPath));
            Assert.Matches("^it is no audio file that ffmpeg can read \\(\"[^\"]+\"\\)\\.$", refused.Message);
        }
    }

    [Fact]
    public void The_samples_of_jfk_are_those_of_its_wav()
    {
        float[] flac = AudioFile.Load(TestData.Path("audio", "jfk.flac")).Samples;
        float[] wav = AudioFile.Load(TestData.Path("audio", "jfk.wav")).Samples;

        // Versions of ffmpeg may round differently: two steps of 16 bits are allowed.
        AssertClose(wav, flac, 2 / 32768f);
    }

    [Fact]
    public void The_resampler_agrees_with_that_of_ffmpeg()
    {
        // Speech of a real microphone. They differ above 7 kHz, where the filters end, and there is little speech.
        using TemporaryFolder folder = new();
        RealFfmpeg.Run("-i", TestData.Path("audio", "jfk.flac"), folder["jfk.wav"]);
        float[] ours = AudioFile.Load(folder["jfk.wav"], NoFfmpeg).Samples;
        float[] theirs = RealFfmpeg.LoadAudio(folder["jfk.wav"]);
        Assert.Equal(theirs.Length, ours.Length);
        double signal = theirs.Sum(sample => (double)sample * sample);
        double difference = theirs.Zip(ours).Sum(pair => Math.Pow(pair.First - pair.Second, 2));
        Assert.InRange(10 * Math.Log10(signal / difference), 60, 200);
    }

    [Theory]
    [InlineData("pcm_u8", "8-bit PCM")]
    [InlineData("pcm_s16le", "16-bit PCM")]
    [InlineData("pcm_s24le", "24-bit PCM")]
    [InlineData("pcm_s32le", "32-bit PCM")]
    [InlineData("pcm_f32le", "32-bit float")]
    [InlineData("pcm_f64le", "64-bit float")]
    [InlineData("pcm_s16le", "16-bit PCM", "-rf64", "always")]
    [InlineData("pcm_s16le", "16-bit PCM", "-write_bext", "1", "-metadata", "description=odd")]
    public void Reads_what_ffmpeg_writes(string codec, string expectedCodec, params string[] options)
    {
        using TemporaryFolder folder = new();
        string source = TestData.Path("audio", "02-en.wav");
        string path = folder["it.wav"];
        RealFfmpeg.Run(["-i", source, "-c:a", codec, .. options, path]);
        AudioClip clip = AudioFile.Load(path, NoFfmpeg);
        Assert.Equal(expectedCodec, clip.Source.Codec);
        AssertClose(RealFfmpeg.LoadAudio(path), clip.Samples, 1e-7f);

        // To a pipe ffmpeg writes placeholders for the sizes.
        byte[] piped = RealFfmpeg.Run(["-i", source, "-c:a", codec, .. options, "-f", "wav", "-"]);
        Assert.Equal(clip.Samples, AudioFile.Load(new PipeStream(piped, 4000), "it", NoFfmpeg).Samples);
    }

    [Fact]
    public void Reads_six_channels_in_an_extensible_wav()
    {
        using TemporaryFolder folder = new();
        RealFfmpeg.Run("-i", TestData.Path("audio", "02-en.wav"), "-af", "pan=5.1|FL=c0|FR=0.5*c0|FC=c0|LFE=0*c0|BL=-1*c0|BR=0.5*c0", "-c:a", "pcm_s24le", folder["it.wav"]);
        AudioClip clip = AudioFile.Load(folder["it.wav"], NoFfmpeg);
        Assert.Equal((6, "24-bit PCM"), (clip.Source.Channels, clip.Source.Codec));
        float[] mono = AudioFile.Load(TestData.Path("audio", "02-en.wav"), NoFfmpeg).Samples;
        AssertClose([.. mono.Select(sample => sample * 2 / 6)], clip.Samples, 1 / 32768f);
    }

    [Theory]
    [InlineData("pcm_alaw", "pcm_alaw")]
    [InlineData("adpcm_ms", "adpcm_ms")]
    [InlineData("libmp3lame", "mp3")]
    public void A_codec_inside_of_wav_is_left_to_ffmpeg(string codec, string name)
    {
        using TemporaryFolder folder = new();
        RealFfmpeg.Run("-i", TestData.Path("audio", "02-en.wav"), "-c:a", codec, folder["it.wav"]);
        AudioClip clip = AudioFile.Load(folder["it.wav"]);
        Assert.Equal(RealFfmpeg.LoadAudio(folder["it.wav"]), clip.Samples);
        Assert.Equal(name, clip.Source.Codec);
        AudioClip piped = AudioFile.Load(new PipeStream(File.ReadAllBytes(folder["it.wav"]), 3000), "it", Ffmpeg.OnPath);
        Assert.Equal(clip.Samples, piped.Samples);
        Assert.Throws<AudioException>(() => AudioFile.Load(folder["it.wav"], NoFfmpeg));
    }

    [Theory]
    [InlineData("-y.flac")]
    [InlineData("-i")]
    [InlineData("http:talk.flac")]
    [InlineData("pipe:0")]
    [InlineData("50% of it, $(date) & 'more' \"quotes\".flac")]
    [InlineData("tiếng việt 録音.flac")]
    public void A_name_is_only_a_name(string name)
    {
        // In the current folder, so that the name alone is the path.
        string path = Path.Combine(Environment.CurrentDirectory, name);
        File.Copy(TestData.Path("audio", "formats.flac"), path, overwrite: true);
        try
        {
            Assert.Equal(38306, AudioFile.Load(name).Samples.Length, 1.0);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_sound_of_a_film_with_several_tracks_is_described()
    {
        using TemporaryFolder folder = new();
        RealFfmpeg.Run(
            "-f", "lavfi", "-i", "testsrc=duration=2:size=32x32", "-i", TestData.Path("audio", "02-en.wav"),
            "-filter_complex", "[1]pan=5.1|FL=c0|FR=c0|FC=c0|LFE=c0|BL=c0|BR=c0,aresample=48000[a]",
            "-map", "0", "-map", "[a]", "-c:v", "mpeg4", "-c:a", "flac", folder["film.mkv"]);
        AudioClip clip = AudioFile.Load(folder["film.mkv"]);
        Assert.Equal(("flac", 48000, 6), (clip.Source.Codec, clip.Source.SampleRate, clip.Source.Channels));
        Assert.InRange(clip.Seconds, 2.36, 2.38);
    }

    [Fact]
    public void A_film_without_sound_is_refused()
    {
        using TemporaryFolder folder = new();
        RealFfmpeg.Run("-f", "lavfi", "-i", "testsrc=duration=1:size=32x32", "-c:v", "mpeg4", folder["film.mp4"]);
        Assert.Equal($"'{folder["film.mp4"]}' holds no sound: it has pictures or text, but no audio track.", Refusal(folder["film.mp4"]));
    }

    [Fact]
    public void What_is_no_audio_is_refused_in_the_words_of_ffmpeg()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("letter.txt", "Dear friend, this is not a recording."u8.ToArray());
        string message = Refusal(path);
        Assert.StartsWith($"'{path}' is no audio file that ffmpeg can read (\"", message);
        Assert.Contains("Invalid data found when processing input", message);
        message = Assert.Throws<AudioException>(() => AudioFile.Load(new PipeStream(new byte[5000]), "standard input", Ffmpeg.OnPath)).Message;
        Assert.StartsWith("standard input is no audio file that ffmpeg can read (\"", message);
        Assert.Equal(!OperatingSystem.IsLinux(), message.EndsWith("and some formats, such as MP4, cannot be read from a pipe: give the name of a file.", StringComparison.Ordinal));
    }

    [Fact]
    public void A_recording_of_0_samples_is_refused()
    {
        using TemporaryFolder folder = new();
        RealFfmpeg.Run("-f", "lavfi", "-i", "anullsrc", "-t", "0", folder["nothing.flac"]);
        Assert.Equal($"'{folder["nothing.flac"]}' holds no sound: it has 0 samples.", Refusal(folder["nothing.flac"]));
    }

    [Theory]
    [InlineData("it.flac")]
    [InlineData("it.mp3")]
    [InlineData("it.mka")]
    public void A_cut_file_is_refused_where_it_can_be_seen(string name)
    {
        using TemporaryFolder folder = new();
        RealFfmpeg.Run("-i", TestData.Path("audio", "jfk.wav"), "-af", "pan=stereo|c0=c0|c1=c0", folder[name]);
        Assert.InRange(AudioFile.Load(folder[name]).Seconds, 10.99, 11.1);
        byte[] whole = File.ReadAllBytes(folder[name]);
        Assert.Contains("is cut off or damaged: its header announces 11.", Refusal(folder.Write("cut-" + name, whole[..(whole.Length / 2)])));
    }

    [Fact]
    public void A_pipe_that_breaks_on_the_way_to_ffmpeg_is_refused()
    {
        byte[] whole = File.ReadAllBytes(TestData.Path("audio", "formats.flac"));
        AudioException exception = Assert.Throws<AudioException>(() => AudioFile.Load(new BreakingStream(whole, 40_000), "the upload", Ffmpeg.OnPath));
        Assert.Equal("the upload cannot be read: The cable is out.", exception.Message);
    }

    private static void AssertClose(float[] expected, float[] actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.InRange(expected.Zip(actual).Max(pair => MathF.Abs(pair.First - pair.Second)), 0, tolerance);
    }

    private static string Refusal(string path)
    {
        string message = Assert.Throws<AudioException>(() => AudioFile.Load(path)).Message;
        Assert.EndsWith(".", message);
        Assert.DoesNotContain("\n", message);
        return message;
    }

    private sealed class BreakingStream(byte[] bytes, int goodBytes) : MemoryStream(bytes, 0, goodBytes)
    {
        public override bool CanSeek => false;

        public override int Read(byte[] buffer, int offset, int count) =>
            base.Read(buffer, offset, count) is int read and > 0 ? read : throw new IOException("The cable is out.");
    }
}
