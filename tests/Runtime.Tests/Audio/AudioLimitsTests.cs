using System.Text;
using Handwritten.Runtime.Audio;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

/// <summary>What keeps a stranger's recording from costing too much.</summary>
[Collection("Programs")]
public sealed class AudioLimitsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("formats.flac")]
    [InlineData("jfk.wav")]
    public void A_recording_above_the_longest_is_refused(string file)
    {
        AudioException failure = Assert.Throws<AudioException>(() => Load(TestData.Path("audio", file), new AudioLimits { MaximumSeconds = 2 }));
        Assert.Contains("is longer than 2 seconds", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Within_all_limits_the_samples_are_the_same()
    {
        string path = TestData.Path("audio", "jfk.flac");
        AudioLimits limits = new() { MaximumSeconds = 60, Timeout = TimeSpan.FromMinutes(1), MemoryBytes = 4L << 30, OnlyContainers = true };
        Assert.Equal(AudioFile.Load(path).Samples, Load(path, limits).Samples);
    }

    [Fact]
    public void A_playlist_is_read_for_oneself_and_refused_to_strangers()
    {
        string recording = _folder["a.wav"], list = _folder["list"];
        File.Copy(TestData.Path("audio", "jfk.wav"), recording);
        File.WriteAllText(list, "ffconcat version 1.0\nfile a.wav\n", new UTF8Encoding(false));
        Assert.NotEmpty(AudioFile.Load(list).Samples);
        Assert.Throws<AudioException>(() => Load(list, new AudioLimits { OnlyContainers = true }));
    }

    [Fact]
    public void Decoding_that_takes_too_long_is_ended()
    {
        if (!OperatingSystem.IsWindows())
        {
            Ffmpeg slow = new(Path.GetDirectoryName(_folder.WriteScript("ffmpeg", "exec sleep 100")));
            AudioException failure = Assert.Throws<AudioException>(() =>
                AudioFile.Load(TestData.Path("audio", "jfk.flac"), slow.Within(new AudioLimits { Timeout = TimeSpan.FromSeconds(1) })));
            Assert.Contains("takes more than 1 s to decode", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Decoding_that_needs_too_much_memory_fails()
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.Throws<AudioException>(() => Load(TestData.Path("audio", "jfk.flac"), new AudioLimits { MemoryBytes = 16 << 20 }));
        }
    }

    private static AudioClip Load(string path, AudioLimits limits) => AudioFile.Load(path, Ffmpeg.OnPath.Within(limits));
}
