using System.Buffers.Binary;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// Reads a WAV file front to back, from a file or a pipe, in bounded memory. A WAV file is a chain of chunks in one
/// big chunk, every chunk an id of four letters, its size in bytes, and its content, padded to an even length:
/// <code>
///     "RIFF" size "WAVE"
///         "LIST" size ...           artist, software, ...: skipped, like everything else unknown
///         "fmt " size ...           how to cut bytes into samples (see <see cref="WavFormat"/>)
///         "data" size samples       interleaved: left right left right ...
/// </code>
/// Sizes of 32 bits end at 4 GiB. RF64 (and its twin BW64) lifts that: the size in "data" is 0xFFFFFFFF, and the real
/// one, of 64 bits, stands in a first chunk "ds64". A program that writes into a pipe cannot know the size when it
/// writes the header and cannot go back either; it leaves a placeholder, and the samples end where the file ends.
/// <para>
/// The reader believes no size before it has seen the bytes: nothing is allocated by what a header claims.
/// </para>
/// </summary>
public sealed class WavReader
{
    private const int BufferSize = 1 << 16;

    /// <summary>Samples beyond this are no sound; they would overflow in what is computed from them.</summary>
    private const float LargestMagnitude = 1e9f;

    private readonly Stream _stream;
    private readonly string _name;
    private readonly byte[] _buffer = new byte[BufferSize];

    private long _position;
    private long? _declared;
    private long _delivered;

    private WavReader(Stream stream, string name)
    {
        (_stream, _name) = (stream, name);
        Format = ReadHeader();
    }

    /// <summary>
    /// How the samples are stored. Where the encoding is <see cref="SampleEncoding.Other"/>, <see cref="Read"/>
    /// refuses.
    /// </summary>
    public WavFormat Format { get; }

    /// <summary>Reads everything in front of the first sample.</summary>
    /// <param name="stream">The file from its first byte on; it need not be seekable and is not closed.</param>
    /// <param name="name">What to call the recording in messages, such as <c>'talk.wav'</c>.</param>
    /// <exception cref="AudioException">It is no WAV file, or a damaged one.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static WavReader Open(Stream stream, string name) => new(stream, name);

    /// <summary>Whether a file that begins like this is a WAV file.</summary>
    /// <param name="head">The first 12 bytes, or all if there are fewer.</param>
    internal static bool Recognizes(ReadOnlySpan<byte> head) =>
        head.Length >= 12 && IsRiff(head) && head[8..12].SequenceEqual("WAVE"u8);

    /// <summary>Reads the next whole frames.</summary>
    /// <param name="samples">Where to put them, interleaved: [frames, channels]; room for a frame at least.</param>
    /// <returns>How many samples were read, a multiple of the channels: 0 at the end only.</returns>
    /// <exception cref="AudioException">
    /// The file ends before its header says, holds a sample that is no number, or has an encoding that is not decoded
    /// here.
    /// </exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public int Read(Span<float> samples)
    {
        if (Format.Encoding == SampleEncoding.Other)
        {
            throw new AudioException($"{_name} is a WAV file of {Format.Codec} samples, which only the ffmpeg program reads: install it or convert the recording to 16-bit PCM.");
        }

        int frameSize = Format.FrameSize;
        ArgumentOutOfRangeException.ThrowIfLessThan(samples.Length, Format.Channels, nameof(samples));

        // The frame size is a 16-bit number in the header, so that one frame at least fits into the buffer.
        long frames = Math.Min(samples.Length / Format.Channels, BufferSize / frameSize);
        long wanted = Math.Min(frames * frameSize, (_declared ?? long.MaxValue) - _delivered);
        int count = _stream.ReadAtLeast(_buffer.AsSpan(0, (int)wanted), (int)wanted, throwOnEndOfStream: false);
        if (count < wanted && _declared is long declared)
        {
            throw new AudioException($"{_name} is cut off: its header announces {declared:N0} bytes of samples, but only {_delivered + count:N0} are there; record or copy it again.");
        }

        // What is less than a frame at the end (half a sample, the left one without the right) is no sound: dropped.
        int whole = count / frameSize * Format.Channels;
        Format.Encoding.Decode(_buffer, samples[..whole]);
        RequireSound(samples[..whole]);
        _delivered += count;
        return whole;
    }

    private static bool IsRiff(ReadOnlySpan<byte> id) => id.StartsWith("RIFF"u8) || IsRf64(id);

    private static bool IsRf64(ReadOnlySpan<byte> id) => id.StartsWith("RF64"u8) || id.StartsWith("BW64"u8);

    /// <summary>
    /// The sizes that programs write when they cannot know: 0, 0xFFFFFFFF (ffmpeg), 0xFFFFFFFF less the header,
    /// 0x7FFFF000 (SoX), 0x7FFFFF00 or 0x80000000 (arecord). No recording comes this near to the limits by chance.
    /// </summary>
    private static bool IsPlaceholder(uint size) => size is 0 or > uint.MaxValue - 4096 or (>= 0x7FFFF000 and <= 0x80000000 + 64);

    private WavFormat ReadHeader()
    {
        Span<byte> head = stackalloc byte[12];
        int count = Fill(head);
        if (!Recognizes(head[..count]))
        {
            throw new AudioException($"{_name} is not a WAV file: it does not begin with RIFF and WAVE.");
        }

        bool isRf64 = IsRf64(head);
        uint riffSize = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
        long? longDataSize = null;
        WavFormat? format = null;
        while (true)
        {
            if (Fill(head[..8]) < 8)
            {
                throw new AudioException($"{_name} has no samples: it ends before any data chunk.");
            }

            uint size = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
            if (head.StartsWith("data"u8))
            {
                _declared = isRf64 && size == uint.MaxValue ? LongSize(longDataSize) : ShortSize(size, riffSize);
                return format ?? throw new AudioException($"{_name} has a damaged header: no fmt chunk says what its samples are.");
            }

            if (head.StartsWith("fmt "u8))
            {
                format = WavFormat.Parse(ReadChunk(size, WavFormat.FullSize), _name);
            }
            else if (isRf64 && head.StartsWith("ds64"u8))
            {
                ReadOnlySpan<byte> sizes = ReadChunk(size, 16);
                longDataSize = sizes.Length == 16
                    ? BinaryPrimitives.ReadInt64LittleEndian(sizes[8..])
                    : throw new AudioException($"{_name} has a damaged header: its ds64 chunk has {size} bytes where at least 28 are needed.");
            }
            else
            {
                ReadChunk(size, 0);
            }
        }
    }

    /// <summary>The size of the samples that a 32-bit header declares, in bytes; null for "to the end".</summary>
    private long? ShortSize(uint size, uint riffSize)
    {
        // A data chunk of size 0 with other chunks behind it, inside of RIFF, is not a placeholder: it is empty.
        bool isEmpty = size == 0 && !IsPlaceholder(riffSize) && riffSize + 8L > _position;
        return IsPlaceholder(size) && !isEmpty ? null : size;
    }

    /// <summary>The same of a 64-bit header.</summary>
    private long? LongSize(long? size) => size switch
    {
        null => throw new AudioException($"{_name} has a damaged header: it is an RF64 file without the ds64 chunk that says its size."),
        0 or -1 => null,
        < 0 => throw new AudioException($"{_name} has a damaged header: its ds64 chunk announces {(ulong)size:N0} bytes of samples."),
        _ => size,
    };

    /// <summary>Passes over a chunk's content and its padding, and returns the first bytes, at most so many.</summary>
    private ReadOnlySpan<byte> ReadChunk(uint size, int wanted)
    {
        Span<byte> content = _buffer.AsSpan(0, (int)Math.Min(size, (uint)wanted));
        long left = size + (size & 1L) - Fill(content);
        while (left > 0)
        {
            int count = Fill(_buffer.AsSpan(wanted, (int)Math.Min(left, _buffer.Length - wanted)));
            if (count == 0)
            {
                throw new AudioException($"{_name} has no samples: it ends in the middle of its header, after {_position:N0} bytes.");
            }

            left -= count;
        }

        return content;
    }

    private int Fill(Span<byte> bytes)
    {
        int count = _stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        _position += count;
        return count;
    }

    private void RequireSound(ReadOnlySpan<float> samples)
    {
        for (int i = 0; i < samples.Length; i++)
        {
            // Written so that NaN, which compares false with everything, is caught as well.
            if (!(MathF.Abs(samples[i]) <= LargestMagnitude))
            {
                long frame = (_delivered / Format.FrameSize) + (i / Format.Channels);
                throw new AudioException($"{_name} is damaged: sample {frame:N0} (at {(double)frame / Format.SampleRate:F3} s) of channel {(i % Format.Channels) + 1} is {samples[i]}, where a number of about -1 to 1 belongs.");
            }
        }
    }
}
