using System.Buffers.Binary;
using System.Text;

namespace Handwritten.Cli.Tests;

/// <summary>WAV files byte by byte, right and wrong ones.</summary>
internal static class WavBytes
{
    public const short Pcm = 1, Float = 3;

    /// <summary>A file with the given header and samples.</summary>
    public static byte[] Of(byte[] samples, short format = Pcm, short channels = 1, int rate = 16000, short bits = 16)
    {
        int frame = channels * bits / 8;
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream, Encoding.ASCII);
        writer.Write("RIFF"u8);
        writer.Write(36 + samples.Length);
        writer.Write("WAVEfmt "u8);
        writer.Write(16);
        writer.Write(format);
        writer.Write(channels);
        writer.Write(rate);
        writer.Write(rate * frame);
        writer.Write((short)frame);
        writer.Write(bits);
        writer.Write("data"u8);
        writer.Write(samples.Length);
        writer.Write(samples);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Float samples as bytes.</summary>
    public static byte[] Floats(int count, Func<int, float> value)
    {
        byte[] bytes = new byte[count * sizeof(float)];
        for (int i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), value(i));
        }

        return bytes;
    }
}
