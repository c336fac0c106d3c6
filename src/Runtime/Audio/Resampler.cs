using System.Buffers;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// Changes the sample rate of a mono signal, as a stream: push samples in as they come, take out those that are ready.
/// <code>
///     input     ·     ·     ·     ·     ·     ·     ·        x[k] at times 0, 1, 2, ...
///     output    |        |        |        |        |        y[m] at times m M / L
///
///     y[m] = sum over k of x[k] h(m M/L - k)
/// </code>
/// Each output sample is the inner product of the input around its time with the row of the <see
/// cref="ResamplingFilter"/> for where between two input samples it falls. The filter is symmetric, so that the sound
/// is not delayed: y[0] is at the time of x[0]. Before the first and after the last sample there is silence. From n
/// samples come ceil(n L / M).
/// <para>
/// In how many pieces the input is pushed changes no bit of the output, nor does the machine: the products are summed
/// in one fixed order. Equal rates pass the signal through unchanged.
/// </para>
/// </summary>
public sealed class Resampler
{
    private const int BlockSize = 4096;

    private readonly ResamplingFilter _filter;
    private readonly int _up;
    private readonly int _down;

    /// <summary>The input that is still needed: <see cref="_held"/> samples.</summary>
    private readonly float[] _window;
    private int _held;

    /// <summary>Where in the window the inner product of the next output begins, and f in units of 1 / L.</summary>
    private int _next;
    private long _fraction;

    /// <summary>Computes the filter for a pair of rates.</summary>
    /// <param name="inputRate">Samples a second that are pushed, in Hz.</param>
    /// <param name="outputRate">Samples a second that come out, in Hz.</param>
    /// <exception cref="ArgumentOutOfRangeException">A rate is not positive.</exception>
    public Resampler(int inputRate, int outputRate = AudioClip.SampleRate)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputRate, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputRate, 1);
        int divisor = (int)BigInteger.GreatestCommonDivisor(inputRate, outputRate);
        (_up, _down) = (outputRate / divisor, inputRate / divisor);
        _filter = new ResamplingFilter(_up, _down);
        _window = new float[_filter.Taps + BlockSize];
        Restart();
    }

    /// <summary>Resamples a whole signal.</summary>
    /// <param name="samples">The signal, [samples].</param>
    /// <param name="inputRate">Its rate in Hz.</param>
    /// <param name="outputRate">The rate wanted in Hz.</param>
    /// <returns>The signal at the other rate, [ceil(samples * outputRate / inputRate)].</returns>
    public static float[] Resample(ReadOnlySpan<float> samples, int inputRate, int outputRate = AudioClip.SampleRate)
    {
        Resampler resampler = new(inputRate, outputRate);
        ArrayBufferWriter<float> output = new();
        resampler.Push(samples, output);
        resampler.Finish(output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Takes the next piece of the input, and appends the output samples that need none after it.</summary>
    /// <param name="samples">The piece, of any length.</param>
    /// <param name="output">Where the output goes.</param>
    public void Push(ReadOnlySpan<float> samples, IBufferWriter<float> output)
    {
        while (!samples.IsEmpty)
        {
            int count = Math.Min(samples.Length, _window.Length - _held);
            samples[..count].CopyTo(_window.AsSpan(_held));
            samples = samples[count..];
            _held += count;
            Emit(output);
        }
    }

    /// <summary>
    /// Ends the signal: appends the last output samples, and makes ready for another signal of the same rate.
    /// </summary>
    /// <param name="output">Where the output goes.</param>
    public void Finish(IBufferWriter<float> output)
    {
        // So much silence completes exactly the outputs whose times lie before the end of the input.
        Push(new float[_filter.Reach], output);
        Restart();
    }

    private void Restart()
    {
        (_next, _fraction) = (0, 0);
        _held = _filter.Reach - 1;
        _window.AsSpan(0, _held).Clear();
    }

    private void Emit(IBufferWriter<float> output)
    {
        int taps = _filter.Taps;
        while (_next + taps <= _held)
        {
            Span<float> block = output.GetSpan();
            int count = 0;
            while (count < block.Length && _next + taps <= _held)
            {
                block[count++] = Filter(_window.AsSpan(_next, taps));
                _fraction += _down;
                _next += (int)(_fraction / _up);
                _fraction %= _up;
            }

            output.Advance(count);
        }

        _window.AsSpan(_next.._held).CopyTo(_window);
        (_next, _held) = (0, _held - _next);
    }

    private float Filter(ReadOnlySpan<float> samples)
    {
        (long row, long rest) = Math.DivRem(_fraction * _filter.Rows, _up);
        float value = Dot(samples, _filter.Row((int)row));
        return rest == 0 ? value : value + ((float)rest / _up * (Dot(samples, _filter.Row((int)row + 1)) - value));
    }

    /// <summary>
    /// The sum of products. Sixteen partial sums make it fast, and also accurate: each sees few additions. Multiply
    /// and add are two roundings everywhere, so that machines with and without a fused instruction agree.
    /// </summary>
    private static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> h)
    {
        Vector256<float> even = Vector256<float>.Zero, odd = Vector256<float>.Zero;
        for (int i = 0; i < h.Length; i += 2 * Vector256<float>.Count)
        {
            even += Vector256.Create(x[i..]) * Vector256.Create(h[i..]);
            odd += Vector256.Create(x[(i + 8)..]) * Vector256.Create(h[(i + 8)..]);
        }

        Vector256<float> eight = even + odd;
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        return four[0] + four[1] + (four[2] + four[3]);
    }
}
