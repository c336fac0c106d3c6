using System.Buffers.Binary;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// Writes WAV files: the plain one of 16-bit PCM, and one of 32-bit floats, which keeps every bit of a signal. What
/// <see cref="WavReader"/> reads back is, for floats, and for multiples of 1/32768, exactly what was written.
/// </summary>
public static class WavWriter
{
    /// <summary>Writes a file of 16-bit PCM. Samples are rounded to the nearest of 65,536 steps; beyond -1..1 they clip.</summary>
    /// <param name="stream">Where to write; not closed.</param>
    /// <param name="samples">The signal, interleaved: [frames, channels].</param>
    /// <param name="sampleRate">Samples a second and channel, in Hz.</param>
    /// <param name="channels">Number of channels.</param>
    /// <exception cref="ArgumentException">The samples are no whole number of frames, or do not fit into 4 GiB.</exception>
    public static void WritePcm16(Stream stream, ReadOnlySpan<float> samples, int sampleRate, int channels = 1)
    {
        WriteHeader(stream, tag: 1, sampleSize: 2, samples.Length, sampleRate, channels);
        WriteSamples(stream, samples, sampleSize: 2, (sample, bytes) =>
            BinaryPrimitives.WriteInt16LittleEndian(bytes, (short)Math.Clamp(MathF.Round(sample * 32768f), short.MinValue, short.MaxValue)));
    }

    /// <summary>Writes a file of 32-bit floats.</summary>
    /// <inheritdoc cref="WritePcm16"/>
    public static void WriteFloat32(Stream stream, ReadOnlySpan<float> samples, int sampleRate, int channels = 1)
    {
        WriteHeader(stream, tag: 3, sampleSize: 4, samples.Length, sampleRate, channels);
        WriteSamples(stream, samples, sampleSize: 4, (sample, bytes) => BinaryPrimitives.WriteSingleLittleEndian(bytes, sample));
    }

    private delegate void SampleWriter(float sample, Span<byte> bytes);

    private static void WriteHeader(Stream stream, short tag, short sampleSize, long sampleCount, int sampleRate, int channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleRate, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(channels, ushort.MaxValue / sampleSize);
        if (sampleCount % channels != 0)
        {
            throw new ArgumentException($"{sampleCount} samples are no whole number of frames of {channels} channels.");
        }

        // PCM has the short fmt chunk; every other codec one with the size of its (empty) extension, and a fact chunk.
        bool isPcm = tag == 1;
        long dataSize = sampleCount * sampleSize;
        long riffSize = 4 + (isPcm ? 24 : 26 + 12) + 8 + dataSize;
        if (riffSize > uint.MaxValue)
        {
            throw new ArgumentException($"{dataSize} bytes of samples do not fit into a WAV file, which ends at 4 GiB.");
        }

        using BinaryWriter writer = new(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        writer.Write("RIFF"u8);
        writer.Write((uint)riffSize);
        writer.Write("WAVEfmt "u8);
        writer.Write(isPcm ? 16 : 18);
        writer.Write(tag);
        writer.Write((ushort)channels);
        writer.Write(sampleRate);
        writer.Write((uint)(sampleRate * (long)channels * sampleSize));
        writer.Write((ushort)(channels * sampleSize));
        writer.Write((short)(sampleSize * 8));
        if (!isPcm)
        {
            writer.Write((short)0);
            writer.Write("fact"u8);
            writer.Write(4);
            writer.Write((uint)(sampleCount / channels));
        }

        writer.Write("data"u8);
        writer.Write((uint)dataSize);
    }

    private static void WriteSamples(Stream stream, ReadOnlySpan<float> samples, int sampleSize, SampleWriter write)
    {
        Span<byte> buffer = new byte[1 << 16];
        while (!samples.IsEmpty)
        {
            int count = Math.Min(samples.Length, buffer.Length / sampleSize);
            for (int i = 0; i < count; i++)
            {
                write(samples[i], buffer.Slice(i * sampleSize, sampleSize));
            }

            stream.Write(buffer[..(count * sampleSize)]);
            samples = samples[count..];
        }
    }
}
