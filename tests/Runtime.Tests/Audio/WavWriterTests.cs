using FsCheck.Xunit;
using Handwritten.Runtime.Audio;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

public class WavWriterTests
{
    [Fact]
    public void The_16_bit_header_is_the_classic_one_of_44_bytes()
    {
        using MemoryStream stream = new();
        WavWriter.WritePcm16(stream, [0.5f, -1f, 1f, -2f], 44100, channels: 2);
        Assert.Equal(new WavBytes().Format(channels: 2, rate: 44100).Data(WavBytes.Int16(16384, -32768, 32767, -32768)).ToArray(), stream.ToArray());
    }

    [Property]
    public void Every_16_bit_sample_survives(short[] values)
    {
        using MemoryStream stream = new();
        float[] samples = [.. values.Select(value => value / 32768f)];
        WavWriter.WritePcm16(stream, samples, 8000);
        Assert.Equal(samples, ReadBack(stream, expectedRate: 8000, expectedChannels: 1));
    }

    [Property]
    public void Every_float_survives(short[] values)
    {
        using MemoryStream stream = new();
        float[] samples = [.. values.SelectMany(value => new[] { value / 3f, 1f / (value + 0.1f) })];
        WavWriter.WriteFloat32(stream, samples, 96000, channels: 2);
        Assert.Equal(samples, ReadBack(stream, expectedRate: 96000, expectedChannels: 2));
    }

    [Fact]
    public void Half_frames_and_impossible_formats_are_refused()
    {
        using MemoryStream stream = new();
        Assert.Throws<ArgumentException>(() => WavWriter.WritePcm16(stream, [1f, 2f, 3f], 16000, channels: 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => WavWriter.WritePcm16(stream, [1f], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => WavWriter.WriteFloat32(stream, [1f], 16000, channels: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => WavWriter.WriteFloat32(stream, [1f], 16000, channels: 20000));
        Assert.Equal(0, stream.Length);
    }

    private static float[] ReadBack(MemoryStream stream, int expectedRate, int expectedChannels)
    {
        stream.Position = 0;
        WavReader reader = WavReader.Open(stream, "the file");
        Assert.Equal((expectedRate, expectedChannels), (reader.Format.SampleRate, reader.Format.Channels));
        float[] samples = new float[(stream.Length / 2) + 2];
        int count = reader.Read(samples);
        Assert.Equal(0, reader.Read(samples.AsSpan(count)));
        return samples[..count];
    }
}
