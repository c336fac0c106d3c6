using System.Buffers.Binary;

namespace Handwritten.Runtime.Audio;

/// <summary>How one sample is stored in a WAV file, little-endian.</summary>
public enum SampleEncoding
{
    /// <summary>A codec that only ffmpeg decodes: A-law, ADPCM, MP3 in WAV, ...</summary>
    Other,

    /// <summary>Unsigned bytes around 128, as in the first sound cards.</summary>
    Pcm8,

    /// <summary>Signed 16-bit integers.</summary>
    Pcm16,

    /// <summary>Signed 24-bit integers, three bytes each.</summary>
    Pcm24,

    /// <summary>Signed 32-bit integers.</summary>
    Pcm32,

    /// <summary>IEEE single precision, full scale at 1.</summary>
    Ieee32,

    /// <summary>IEEE double precision, full scale at 1.</summary>
    Ieee64,
}

/// <summary>
/// From stored bytes to float samples. Integers of b bits are divided by 2^(b-1), the same number on both sides of
/// zero, so that -2^(b-1) becomes exactly -1 and no 16-bit or 24-bit value is rounded.
/// </summary>
internal static class SampleEncodings
{
    /// <summary>Bytes of one stored sample.</summary>
    public static int ByteCount(this SampleEncoding encoding) => encoding switch
    {
        SampleEncoding.Pcm8 => 1,
        SampleEncoding.Pcm16 => 2,
        SampleEncoding.Pcm24 => 3,
        SampleEncoding.Pcm32 or SampleEncoding.Ieee32 => 4,
        SampleEncoding.Ieee64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(encoding), encoding, "This encoding has no samples of a fixed size."),
    };

    /// <summary>Decodes <paramref name="samples"/>.Length samples from exactly as many stored ones.</summary>
    public static void Decode(this SampleEncoding encoding, ReadOnlySpan<byte> bytes, Span<float> samples)
    {
        switch (encoding)
        {
            case SampleEncoding.Pcm8:
                for (int i = 0; i < samples.Length; i++)
                {
                    samples[i] = (bytes[i] - 128) / 128f;
                }

                break;
            case SampleEncoding.Pcm16:
                for (int i = 0; i < samples.Length; i++)
                {
                    samples[i] = BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * i)..]) / 32768f;
                }

                break;
            case SampleEncoding.Pcm24:
                for (int i = 0; i < samples.Length; i++)
                {
                    // Three bytes at the top of an int: the sign comes along by itself.
                    int top = (bytes[3 * i] << 8) | (bytes[(3 * i) + 1] << 16) | (bytes[(3 * i) + 2] << 24);
                    samples[i] = top / 2147483648f;
                }

                break;
            case SampleEncoding.Pcm32:
                for (int i = 0; i < samples.Length; i++)
                {
                    samples[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]) / 2147483648f;
                }

                break;
            case SampleEncoding.Ieee32:
                for (int i = 0; i < samples.Length; i++)
                {
                    samples[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
                }

                break;
            case SampleEncoding.Ieee64:
                for (int i = 0; i < samples.Length; i++)
                {
                    samples[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes[(8 * i)..]);
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(encoding), encoding, "This encoding is not decoded here.");
        }
    }
}
