using Handwritten.Runtime.Audio;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

public class WavReaderTests
{
    private static readonly byte[] ThreeSamples = WavBytes.Int16(100, -200, 300);

    [Fact]
    public void Reads_16_bit_samples_as_int16_over_32768()
    {
        float[] samples = Read(new WavBytes().Format().Data(WavBytes.Int16(0, 1, -1, 32767, -32768, 12345)));
        Assert.Equal([0f, 1 / 32768f, -1 / 32768f, 32767 / 32768f, -1f, 12345 / 32768f], samples);
    }

    [Fact]
    public void Reads_unsigned_bytes() =>
        Assert.Equal([-1f, 0f, 127 / 128f], Read(new WavBytes().Format(bits: 8).Data([0, 128, 255])));

    [Fact]
    public void Reads_24_bits()
    {
        float[] samples = Read(new WavBytes().Format(bits: 24).Data(WavBytes.Int24(-8388608, 8388607, -1, 1, 4194304)));
        Assert.Equal([-1f, 8388607 / 8388608f, -1 / 8388608f, 1 / 8388608f, 0.5f], samples);
    }

    [Fact]
    public void Reads_32_bits() =>
        Assert.Equal([-1f, 0.5f, 1 / 2147483648f], Read(new WavBytes().Format(bits: 32).Data(WavBytes.Int32(int.MinValue, 1 << 30, 1))));

    [Fact]
    public void Reads_floats_of_both_sizes()
    {
        Assert.Equal([0.25f, -1.5f, 1e-30f], Read(new WavBytes().Format(tag: 3, bits: 32).Data(WavBytes.Single(0.25f, -1.5f, 1e-30f))));
        Assert.Equal([0.25f, -1.5f, 0.1f], Read(new WavBytes().Format(tag: 3, bits: 64).Data(WavBytes.Double(0.25, -1.5, 0.1))));
    }

    [Fact]
    public void Valid_bits_are_the_upper_ones_of_their_container()
    {
        Assert.Equal([0.5f, -1f], Read(new WavBytes().Format(bits: 12).Data(WavBytes.Int16(0x4000, -0x8000))));
        Assert.Equal([0.5f, -1f], Read(new WavBytes().Extensible(1, channels: 1, bits: 24, validBits: 20).Data(WavBytes.Int24(0x400000, -0x800000))));
        Assert.Equal([0.5f, -1f], Read(new WavBytes().Extensible(1, channels: 1, bits: 32, validBits: 24).Data(WavBytes.Int32(0x40000000, int.MinValue))));
    }

    [Fact]
    public void The_sub_format_of_an_extensible_header_decides()
    {
        Assert.Equal([0.75f], Read(new WavBytes().Extensible(3, channels: 1, bits: 32, validBits: 32).Data(WavBytes.Single(0.75f))));
        Assert.Equal("A-law", Open(new WavBytes().Extensible(6, channels: 1, bits: 8, validBits: 8).Data([0])).Format.Codec);
        WavReader ambisonic = Open(new WavBytes().Extensible(1, 4, 16, 16, guidTail: [0, 0, 0x21, 7, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0]).Data([]));
        Assert.Equal(SampleEncoding.Other, ambisonic.Format.Encoding);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(300)]
    [InlineData(32767)]
    public void Channels_come_interleaved_in_whole_frames(int channels)
    {
        int[] values = [.. Enumerable.Range(0, channels * 3).Select(i => i % 30000)];
        WavReader reader = Open(new WavBytes().Format(channels: channels).Data(WavBytes.Int16(values)));
        Assert.Equal(channels, reader.Format.Channels);
        float[] block = new float[channels * 2];
        List<float> all = [];
        while (reader.Read(block) is int count and > 0)
        {
            Assert.Equal(0, count % channels);
            all.AddRange(block[..count]);
        }

        Assert.Equal(values.Select(value => value / 32768f), all);
    }

    [Fact]
    public void Chunks_of_any_kind_and_odd_sizes_are_passed_over()
    {
        WavBytes wav = new WavBytes()
            .Chunk("JUNK", new byte[27])
            .Chunk("LIST", [1, 2, 3])
            .Format()
            .Chunk("fact", [3, 0, 0, 0])
            .Chunk("bext", new byte[70_001])
            .Chunk("    ", [])
            .Data(ThreeSamples)
            .Chunk("LIST", new byte[100]);
        Assert.Equal([100 / 32768f, -200 / 32768f, 300 / 32768f], Read(wav));
    }

    [Fact]
    public void A_longer_format_chunk_is_read_up_to_what_it_means()
    {
        byte[] format = [.. new WavBytes().Format().ToArray()[20..36], .. new byte[100]];
        Assert.Equal(3, Read(new WavBytes().Chunk("fmt ", format).Data(ThreeSamples)).Length);
    }

    [Theory]
    [InlineData(0u, 0u)]
    [InlineData(36u, 0u)]
    [InlineData(uint.MaxValue, uint.MaxValue)]
    [InlineData(uint.MaxValue, uint.MaxValue - 36)]
    [InlineData(0x7FFFF024u, 0x7FFFF000u)]
    [InlineData(0x7FFFFF24u, 0x7FFFFF00u)]
    [InlineData(0x80000024u, 0x80000000u)]
    public void The_placeholder_sizes_of_pipes_mean_to_the_end(uint riffSize, uint dataSize)
    {
        byte[] halfASampleMore = [.. ThreeSamples, 9];
        WavBytes wav = new WavBytes(riffSize: riffSize).Format().Data(halfASampleMore, dataSize);
        Assert.Equal([100 / 32768f, -200 / 32768f, 300 / 32768f], Read(wav));
    }

    [Fact]
    public void A_data_chunk_of_size_0_with_another_chunk_behind_it_is_empty() =>
        Assert.Empty(Read(new WavBytes().Format().Data([]).Chunk("LIST", new byte[20])));

    [Theory]
    [InlineData("RF64")]
    [InlineData("BW64")]
    public void Long_files_have_their_size_in_ds64(string riff)
    {
        WavBytes wav = new WavBytes(riff, uint.MaxValue).LongSizes(6).Format().Data([.. ThreeSamples, 1, 2, 3, 4], uint.MaxValue);
        Assert.Equal(3, Read(wav).Length);
        WavBytes piped = new WavBytes(riff, uint.MaxValue).LongSizes(-1).Format().Data([.. ThreeSamples, 1, 2, 3, 4], uint.MaxValue);
        Assert.Equal(5, Read(piped).Length);
        Assert.Contains("without the ds64 chunk", Refusal(new WavBytes(riff).Format().Data(ThreeSamples, uint.MaxValue)));
        Assert.Contains("is cut off: its header announces 8 bytes of samples, but only 6 are there", Refusal(new WavBytes(riff).LongSizes(8).Format().Data(ThreeSamples, uint.MaxValue)));
        Assert.Contains("ds64", Refusal(new WavBytes(riff).LongSizes(-5).Format().Data(ThreeSamples, uint.MaxValue)));
        Assert.Contains("ds64", Refusal(new WavBytes(riff).Chunk("ds64", [1, 2]).Format().Data(ThreeSamples, uint.MaxValue)));
    }

    [Fact]
    public void A_whole_but_odd_number_of_bytes_loses_the_half_sample() =>
        Assert.Equal(3, Read(new WavBytes().Format().Data([.. ThreeSamples, 7])).Length);

    [Fact]
    public void A_cut_file_is_refused_with_both_sizes()
    {
        string message = Refusal(new WavBytes().Format().Data(ThreeSamples, 100_000));
        Assert.Equal("'talk.wav' is cut off: its header announces 100,000 bytes of samples, but only 6 are there; record or copy it again.", message);
    }

    [Fact]
    public void What_is_wrong_is_said()
    {
        Assert.Contains("does not begin with RIFF and WAVE", Refusal([]));
        Assert.Contains("does not begin with RIFF and WAVE", Refusal("RIFF"u8.ToArray()));
        Assert.Contains("does not begin with RIFF and WAVE", Refusal("RIFF____AVI LIST________"u8.ToArray()));
        Assert.Contains("does not begin with RIFF and WAVE", Refusal(new WavBytes("RIFX").Format().Data(ThreeSamples)));
        Assert.Contains("before any data chunk", Refusal(new WavBytes()));
        Assert.Contains("before any data chunk", Refusal(new WavBytes().Format()));
        Assert.Contains("before any data chunk", Refusal(new WavBytes().Format().Data([]).ToArray()[..^4]));
        Assert.Contains("in the middle of its header, after 47 bytes", Refusal(new WavBytes().Format().Chunk("LIST", [1, 2, 3], size: 4_000_000_000).ToArray()[..47]));
        Assert.Contains("no fmt chunk", Refusal(new WavBytes().Data(ThreeSamples).Format()));
        Assert.Contains("fmt chunk has 14 bytes where at least 16", Refusal(new WavBytes().Chunk("fmt ", new byte[14]).Data(ThreeSamples)));
        Assert.Contains("fmt chunk has 20 bytes where 40", Refusal(new WavBytes().Chunk("fmt ", [.. new WavBytes().Format(tag: 0xFFFE).ToArray()[20..36], 22, 0, 16, 0]).Data(ThreeSamples)));
        Assert.Contains("0 channels", Refusal(new WavBytes().Format(channels: 0).Data(ThreeSamples)));
        Assert.Contains("sample rate of 0 Hz", Refusal(new WavBytes().Format(rate: 0).Data(ThreeSamples)));
        Assert.Contains("sample rate of 4,294,967,295 Hz", Refusal(new WavBytes().Format(rate: uint.MaxValue).Data(ThreeSamples)));
        Assert.Contains("2 channels of 16 bits take 4 bytes a frame, but it claims 2", Refusal(new WavBytes().Format(channels: 2, blockAlign: 2).Data(ThreeSamples)));
        Assert.Contains("65535 channels of 32 bits", Refusal(new WavBytes().Format(channels: 65535, bits: 32, blockAlign: 4).Data(ThreeSamples)));
        Assert.Contains("24 valid bits in samples of 16", Refusal(new WavBytes().Extensible(1, channels: 1, bits: 16, validBits: 24).Data(ThreeSamples)));
    }

    [Theory]
    [InlineData(0x0002, 4, "Microsoft ADPCM")]
    [InlineData(0x0006, 8, "A-law")]
    [InlineData(0x0007, 8, "mu-law")]
    [InlineData(0x0011, 4, "IMA ADPCM")]
    [InlineData(0x0055, 0, "MP3")]
    [InlineData(0x0001, 64, "64-bit PCM")]
    [InlineData(0x0001, 0, "0-bit PCM")]
    [InlineData(0x0003, 16, "16-bit float")]
    [InlineData(0x1234, 16, "codec 0x1234")]
    public void Codecs_that_are_not_decoded_are_named(int tag, int bits, string codec)
    {
        string message = Refusal(new WavBytes().Format(tag, bits: bits).Data(ThreeSamples));
        Assert.Equal($"'talk.wav' is a WAV file of {codec} samples, which only the ffmpeg program reads: install it or convert the recording to 16-bit PCM.", message);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    [InlineData(float.NegativeInfinity, "-Infinity")]
    [InlineData(3e38f, "3E+38")]
    public void Samples_that_are_no_numbers_are_refused_where_they_first_stand(float broken, string text)
    {
        float[] samples = new float[100_000];
        samples[80_001] = broken;
        samples[90_000] = float.NaN;
        string expected = $"'talk.wav' is damaged: sample 40,000 (at 2.500 s) of channel 2 is {text}, where a number of about -1 to 1 belongs.";
        Assert.Equal(expected, Refusal(new WavBytes().Format(tag: 3, channels: 2, bits: 32).Data(WavBytes.Single(samples))));
        if (float.IsFinite(broken))
        {
            return;
        }

        Assert.Equal(expected, Refusal(new WavBytes().Format(tag: 3, channels: 2, bits: 64).Data(WavBytes.Double([.. samples.Select(sample => (double)sample)]))));
    }

    [Fact]
    public void Absurd_sizes_cost_no_memory()
    {
        byte[] wav = new WavBytes().Format(channels: 2).Chunk("LIST", new byte[10]).Data(ThreeSamples, 0xF0000000).ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("is cut off", Refusal(wav));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000_000);
    }

    private static WavReader Open(WavBytes wav) => WavReader.Open(new MemoryStream(wav.ToArray()), "'talk.wav'");

    /// <summary>All samples; a seekable stream and a pipe must give the same.</summary>
    private static float[] Read(WavBytes wav)
    {
        float[] samples = ReadAll(new MemoryStream(wav.ToArray()));
        Assert.Equal(samples, ReadAll(new PipeStream(wav.ToArray())));
        return samples;
    }

    private static float[] ReadAll(Stream stream)
    {
        WavReader reader = WavReader.Open(stream, "'talk.wav'");
        float[] block = new float[8 * reader.Format.Channels];
        List<float> samples = [];
        while (reader.Read(block) is int count and > 0)
        {
            samples.AddRange(block[..count]);
        }

        return [.. samples];
    }

    private static string Refusal(WavBytes wav) => Refusal(wav.ToArray());

    private static string Refusal(byte[] wav)
    {
        string message = Assert.Throws<AudioException>(() => ReadAll(new MemoryStream(wav))).Message;
        Assert.Equal(message, Assert.Throws<AudioException>(() => ReadAll(new PipeStream(wav))).Message);
        return message;
    }
}
