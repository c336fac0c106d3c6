using System.Buffers.Binary;
using System.Text;

namespace Handwritten.Runtime.Tests.Audio;

/// <summary>
/// WAV files put together chunk by chunk, right or wrong on purpose. Independent of the writer under test.
/// </summary>
internal sealed class WavBytes(string riff = "RIFF", uint? riffSize = null)
{
    private readonly List<byte> _chunks = [];

    /// <summary>A chunk; its size can be a lie. The pad byte of odd contents is added.</summary>
    public WavBytes Chunk(string id, byte[] content, uint? size = null)
    {
        _chunks.AddRange(Encoding.ASCII.GetBytes(id));
        _chunks.AddRange(Little(size ?? (uint)content.Length, 4));
        _chunks.AddRange(content);
        if (content.Length % 2 == 1)
        {
            _chunks.Add(0);
        }

        return this;
    }

    public WavBytes Format(int tag = 1, int channels = 1, long rate = 16000, int bits = 16, int? blockAlign = null)
    {
        int frame = blockAlign ?? channels * ((bits + 7) / 8);
        return Chunk("fmt ", [.. Little(tag, 2), .. Little(channels, 2), .. Little(rate, 4), .. Little(rate * frame, 4), .. Little(frame, 2), .. Little(bits, 2)]);
    }

    public WavBytes Extensible(int subFormat, int channels, int bits, int validBits, byte[]? guidTail = null, int rate = 16000)
    {
        int frame = channels * bits / 8;
        guidTail ??= [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
        return Chunk("fmt ",
        [
            .. Little(0xFFFE, 2), .. Little(channels, 2), .. Little(rate, 4), .. Little((long)rate * frame, 4), .. Little(frame, 2), .. Little(bits, 2),
            .. Little(22, 2), .. Little(validBits, 2), .. Little(0, 4), .. Little(subFormat, 2), .. guidTail,
        ]);
    }

    /// <summary>The samples; the data chunk gets no pad byte, so that "to the end" has no surprise in it.</summary>
    public WavBytes Data(byte[] samples, uint? size = null)
    {
        _chunks.AddRange("data"u8);
        _chunks.AddRange(Little(size ?? (uint)samples.Length, 4));
        _chunks.AddRange(samples);
        return this;
    }

    public WavBytes LongSizes(long dataSize) =>
        Chunk("ds64", [.. Little(0, 8), .. Little(dataSize, 8), .. Little(0, 8), .. Little(0, 4)]);

    public byte[] ToArray() =>
        [.. Encoding.ASCII.GetBytes(riff), .. Little(riffSize ?? (uint)(_chunks.Count + 4), 4), .. "WAVE"u8, .. _chunks];

    public static byte[] Int16(params int[] samples) => [.. samples.SelectMany(sample => Little(sample, 2))];

    public static byte[] Int24(params int[] samples) => [.. samples.SelectMany(sample => Little(sample, 3))];

    public static byte[] Int32(params int[] samples) => [.. samples.SelectMany(sample => Little(sample, 4))];

    public static byte[] Single(params float[] samples) => [.. samples.SelectMany(BitConverter.GetBytes)];

    public static byte[] Double(params double[] samples) => [.. samples.SelectMany(BitConverter.GetBytes)];

    private static byte[] Little(long value, int count)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return bytes[..count];
    }
}

/// <summary>A pipe: no length, no seeking, and only a few bytes at a time.</summary>
internal sealed class PipeStream(byte[] bytes, int atMost = 7) : MemoryStream(bytes)
{
    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(atMost, count));
}
