using System.Buffers;
using System.Buffers.Binary;
using Handwritten.Runtime.Audio;

namespace Handwritten.Server.Live;

/// <summary>
/// Bytes as they come to samples as the model hears them. Pieces may end anywhere, also within a sample; in how many of
/// them the sound comes changes no sample.
/// </summary>
internal sealed class PcmStream(int sampleRate, SampleFormat format)
{
    private readonly Resampler _resampler = new(sampleRate);
    private readonly ArrayBufferWriter<float> _output = new();
    private readonly byte[] _rest = new byte[sizeof(float)];
    private int _restLength;

    private int SampleSize => format == SampleFormat.Pcm16 ? sizeof(short) : sizeof(float);

    /// <summary>Takes bytes.</summary>
    /// <returns>The samples at 16 kHz that are complete, [samples]; valid until the next call.</returns>
    /// <exception cref="AudioException">A sample is no number.</exception>
    public ReadOnlyMemory<float> Push(ReadOnlySpan<byte> bytes)
    {
        _output.ResetWrittenCount();
        if (_restLength > 0)
        {
            int missing = Math.Min(SampleSize - _restLength, bytes.Length);
            bytes[..missing].CopyTo(_rest.AsSpan(_restLength));
            _restLength += missing;
            bytes = bytes[missing..];
            if (_restLength < SampleSize)
            {
                return default;
            }

            Decode(_rest.AsSpan(0, SampleSize));
            _restLength = 0;
        }

        int whole = bytes.Length / SampleSize * SampleSize;
        Decode(bytes[..whole]);
        bytes[whole..].CopyTo(_rest);
        _restLength = bytes.Length - whole;
        return _output.WrittenMemory;
    }

    /// <summary>Ends the sound.</summary>
    /// <returns>The last samples.</returns>
    public ReadOnlyMemory<float> Finish()
    {
        _output.ResetWrittenCount();
        _resampler.Finish(_output);
        return _output.WrittenMemory;
    }

    private void Decode(ReadOnlySpan<byte> bytes)
    {
        Span<float> samples = stackalloc float[256];
        while (!bytes.IsEmpty)
        {
            int count = Math.Min(samples.Length, bytes.Length / SampleSize);
            for (int i = 0; i < count; i++)
            {
                samples[i] = format == SampleFormat.Pcm16
                    ? BinaryPrimitives.ReadInt16LittleEndian(bytes[(i * sizeof(short))..]) / 32768f
                    : Number(BinaryPrimitives.ReadSingleLittleEndian(bytes[(i * sizeof(float))..]));
            }

            _resampler.Push(samples[..count], _output);
            bytes = bytes[(count * SampleSize)..];
        }
    }

    // A filter would spread one number that is none over all that follow.
    private static float Number(float sample) => Math.Abs(sample) <= 64
        ? Math.Clamp(sample, -1, 1)
        : throw new AudioException($"a sample is {sample}, where a number of about -1 to 1 belongs: is the encoding float32?");
}
