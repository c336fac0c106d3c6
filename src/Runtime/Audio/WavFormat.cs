using System.Buffers.Binary;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// The <c>fmt </c> chunk of a WAV file: how to cut its bytes into samples.
/// <code>
///     offset  0  codec tag          1 PCM, 3 float, 0xFFFE see the sub-format, else a codec such as 2 (ADPCM)
///             2  channels
///             4  samples a second
///             8  bytes a second     (redundant and often wrong: not looked at)
///            12  block align        bytes of one frame, that is one sample of every channel
///            14  bits a sample      of the container; 12 bits sit in the upper part of 2 bytes
///            16  size of the rest   absent in the oldest files
///            18  valid bits         (extensible only) how many of the bits mean something: the upper ones
///            20  speaker mask       (extensible only) not looked at
///            24  sub-format         (extensible only) a GUID: the codec tag and 14 fixed bytes
/// </code>
/// Whatever number of bits is valid, they are the upper ones, so that dividing by the container's full scale is right
/// for all of them.
/// </summary>
/// <param name="Encoding">How one sample is stored; <see cref="SampleEncoding.Other"/> if it is not decoded here.</param>
/// <param name="Codec">The encoding for people: <c>16-bit PCM</c>, <c>A-law</c>.</param>
/// <param name="SampleRate">Samples a second and channel, in Hz.</param>
/// <param name="Channels">Number of channels.</param>
public sealed record WavFormat(SampleEncoding Encoding, string Codec, int SampleRate, int Channels)
{
    /// <summary>As much of the chunk as means anything, in bytes.</summary>
    internal const int FullSize = 40;

    private const int MinimumSize = 16;
    private const int PcmTag = 1;
    private const int FloatTag = 3;
    private const int ExtensibleTag = 0xFFFE;

    /// <summary>
    /// No sound recorder works outside of these rates; a header that claims so is damaged. (One that claims 1 Hz
    /// would also blow every second of sound up to hours.)
    /// </summary>
    private const uint LowestRate = 1_000, HighestRate = 10_000_000;

    /// <summary>Bytes of one frame, that is one sample of every channel.</summary>
    internal int FrameSize => Channels * Encoding.ByteCount();

    /// <summary>The last 14 bytes of the GUID of every sub-format that is just a codec tag.</summary>
    private static ReadOnlySpan<byte> TagGuidTail => [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

    /// <summary>Reads the chunk.</summary>
    /// <param name="chunk">The content of the chunk, or the first <see cref="FullSize"/> bytes of it.</param>
    /// <param name="name">What to call the recording in messages.</param>
    /// <exception cref="AudioException">The chunk contradicts itself or describes no sound.</exception>
    internal static WavFormat Parse(ReadOnlySpan<byte> chunk, string name)
    {
        if (chunk.Length < MinimumSize)
        {
            throw new AudioException($"{name} has a damaged header: its fmt chunk has {chunk.Length} bytes where at least {MinimumSize} are needed.");
        }

        int tag = BinaryPrimitives.ReadUInt16LittleEndian(chunk);
        int channels = BinaryPrimitives.ReadUInt16LittleEndian(chunk[2..]);
        uint rate = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
        int blockAlign = BinaryPrimitives.ReadUInt16LittleEndian(chunk[12..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(chunk[14..]);
        if (channels == 0)
        {
            throw new AudioException($"{name} has a damaged header: it claims to have 0 channels.");
        }

        if (rate is < LowestRate or > HighestRate)
        {
            throw new AudioException($"{name} has a damaged header: it claims a sample rate of {rate:N0} Hz, where {LowestRate:N0} to {HighestRate:N0} Hz are possible.");
        }

        if (tag == ExtensibleTag)
        {
            tag = SubFormat(chunk, bits, name);
        }

        SampleEncoding encoding = EncodingOf(tag, bits);
        if (encoding == SampleEncoding.Other)
        {
            return new WavFormat(encoding, CodecName(tag, bits), (int)rate, channels);
        }

        WavFormat format = new(encoding, CodecName(tag, bits), (int)rate, channels);
        return format.FrameSize == blockAlign
            ? format
            : throw new AudioException($"{name} has a damaged header: {channels} channels of {bits} bits take {format.FrameSize} bytes a frame, but it claims {blockAlign}.");
    }

    /// <summary>The codec tag of an extensible format, 0 if its GUID is none of those that contain a tag.</summary>
    private static int SubFormat(ReadOnlySpan<byte> chunk, int bits, string name)
    {
        if (chunk.Length < FullSize)
        {
            throw new AudioException($"{name} has a damaged header: its extensible fmt chunk has {chunk.Length} bytes where {FullSize} are needed.");
        }

        int validBits = BinaryPrimitives.ReadUInt16LittleEndian(chunk[18..]);
        if (validBits > bits)
        {
            throw new AudioException($"{name} has a damaged header: it claims {validBits} valid bits in samples of {bits} bits.");
        }

        return chunk[26..FullSize].SequenceEqual(TagGuidTail) ? BinaryPrimitives.ReadUInt16LittleEndian(chunk[24..]) : 0;
    }

    private static SampleEncoding EncodingOf(int tag, int bits) => (tag, bits) switch
    {
        (PcmTag, >= 1 and <= 8) => SampleEncoding.Pcm8,
        (PcmTag, > 8 and <= 16) => SampleEncoding.Pcm16,
        (PcmTag, > 16 and <= 24) => SampleEncoding.Pcm24,
        (PcmTag, > 24 and <= 32) => SampleEncoding.Pcm32,
        (FloatTag, 32) => SampleEncoding.Ieee32,
        (FloatTag, 64) => SampleEncoding.Ieee64,
        _ => SampleEncoding.Other,
    };

    /// <summary>The codecs that are met in WAV files; of the hundreds of others the number has to do.</summary>
    private static string CodecName(int tag, int bits) => tag switch
    {
        PcmTag => $"{bits}-bit PCM",
        FloatTag => $"{bits}-bit float",
        0x0002 => "Microsoft ADPCM",
        0x0006 => "A-law",
        0x0007 => "mu-law",
        0x0011 => "IMA ADPCM",
        0x0022 => "TrueSpeech",
        0x0031 => "GSM 6.10",
        0x0045 => "G.726 ADPCM",
        0x0050 => "MPEG layer 2",
        0x0055 => "MP3",
        0x00FF => "AAC",
        0x0161 => "Windows Media Audio",
        0x2000 => "AC-3",
        0xF1AC => "FLAC",
        _ => $"codec 0x{tag:X4}",
    };
}
