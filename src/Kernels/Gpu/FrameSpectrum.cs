using Handwritten.Kernels.Cpu;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

// The Fourier transform of log-mel frames. With n = 25 a + b and k = c + 16 d, the 400 points of a frame are two sums of 16
// and of 25 terms:
//
//     X[c + 16 d] = Σ_b exp(−2πi b d / 25) · Y[c, b]          Y[c, b] = Σ_a T[c, 25 a + b] · x[25 a + b]
//
//                                                             T[c, n] = hann[n] · exp(−2πi c n / 400)
//
// T holds the window, the 16-point transform and the turns between the stages in one table of exactly rounded numbers.
// The signal is real, so X[400 − k] is the conjugate of X[k]: c = 0..8 is enough, and a bin whose k mod 16 is larger is
// found at 400 − k. 55 thousand additions and multiplications a frame are five times what Cpu/RealFft needs and a sixth
// of the plain sum, and each stage is one loop in which a thread does the same for eight frames:
//
//     global   samples ── coalesced ──> shared x [1520]
//     thread (c, b), 225 of them:       Y[c, b] of 8 frames in registers, 16 steps ──> shared Y, 16 bytes at a time
//     thread k, 201 of them:            X[k] of 8 frames in registers, 25 steps    ──> shared |X|²
//
// What lies in shared memory is read by neighbouring lanes in neighbouring words.

/// <summary>The power spectrum of eight neighbouring frames, as a block of <see cref="Threads"/> computes it.</summary>
internal static class FrameSpectrum
{
    /// <summary>Threads of the block.</summary>
    public const int Threads = 256;

    /// <summary>Frames at once, one in each field of an <see cref="Eight"/>.</summary>
    public const int Frames = 8;

    /// <summary>Samples of these frames, which overlap.</summary>
    public const int SampleCount = ((Frames - 1) * Hop) + FrameSize;

    /// <summary>Complex numbers of <see cref="Turns"/>.</summary>
    public const int TurnCount = (Rows * FrameSize) + Columns;

    /// <summary>Vectors that Y takes.</summary>
    public const int ColumnVectors = 4 * Points;

    /// <summary>Vectors that |X|² takes.</summary>
    public const int PowerVectors = 2 * PaddedBins;

    private const int FrameSize = LogMelSpectrogram.FrameSize, Hop = LogMelSpectrogram.Hop, Bins = LogMelSpectrogram.Bins;
    private const int Radix = 16, Columns = FrameSize / Radix, Rows = (Radix / 2) + 1;
    private const int Points = Rows * Columns;

    // From one half of the powers to the other: four bins of four frames, which are half the banks, are the other half there.
    private const int PaddedBins = Bins + 3;

    /// <summary>T, [9, 400], and behind it exp(−2πi j / 25); computed in double precision, rounded once.</summary>
    public static float[] Turns()
    {
        float[] turns = new float[2 * TurnCount];
        for (int i = 0; i < turns.Length / 2; i++)
        {
            (int row, int n) = Math.DivRem(i, FrameSize);
            bool second = row == Rows;
            double angle = second ? -2 * Math.PI * n / Columns : -2 * Math.PI * (row * n % FrameSize) / FrameSize;

            // The original's window is float32; its form is periodic, which divides by 400 and not by 399.
            double weight = second ? 1 : (float)(0.5 - (0.5 * Math.Cos(2 * Math.PI * n / FrameSize)));
            (turns[2 * i], turns[(2 * i) + 1]) = ((float)(weight * Math.Cos(angle)), (float)(weight * Math.Sin(angle)));
        }

        return turns;
    }

    /// <summary>Where a frame's powers lie, in floats: that of a bin is 4 · bin behind.</summary>
    /// <param name="frame">From 0 to 7; higher bits do not count.</param>
    public static int PlaceOfFrame(int frame) => ((frame & 4) * PaddedBins) + (frame & 3);

    /// <summary>Computes the powers; the block has to wait before it reads them.</summary>
    /// <param name="thread">The thread in the block.</param>
    /// <param name="samples">The recording.</param>
    /// <param name="sampleCount">Samples of it.</param>
    /// <param name="length">Samples of it and of the silence behind.</param>
    /// <param name="start">The first sample of the first frame; may lie before the recording.</param>
    /// <param name="turns">The table of <see cref="Turns"/>, on the device.</param>
    /// <param name="x">Shared memory for <see cref="SampleCount"/> samples.</param>
    /// <param name="y">Shared memory for <see cref="ColumnVectors"/>.</param>
    /// <param name="power">Shared memory for <see cref="PowerVectors"/>.</param>
    public static void Compute(
        int thread, ArrayView<float> samples, long sampleCount, long length, long start, ArrayView<Turn> turns, ArrayView<float> x, ArrayView<Bits128> y, ArrayView<Bits128> power)
    {
        LoadSamples(samples, sampleCount, length, start, x);
        Group.Barrier();
        if (thread < Points)
        {
            TransformColumn(x, turns, thread / Columns, thread % Columns, y);
        }

        Group.Barrier();
        if (thread < Bins)
        {
            Split.Store(power, PaddedBins, thread, PowerOfBin(y, turns, thread));
        }
    }

    /// <summary>Samples from <paramref name="start"/> on, mirrored at both ends of the recording and zero in its padding.</summary>
    private static void LoadSamples(ArrayView<float> samples, long sampleCount, long length, long start, ArrayView<float> x)
    {
        for (int i = Group.IdxX; i < SampleCount; i += Threads)
        {
            long at = start + i;
            at = at < 0 ? -at : at;
            at = at < length ? at : (2 * (length - 1)) - at;
            x[i] = at >= 0 && at < sampleCount ? samples[at] : 0; // negative far behind the last frame
        }
    }

    /// <summary>Y[c, b] of all frames: Σ_a T[c, 25 a + b] · x[25 a + b].</summary>
    private static void TransformColumn(ArrayView<float> x, ArrayView<Turn> turns, int c, int b, ArrayView<Bits128> y)
    {
        Eight real = default, imaginary = default;
        for (int n = b; n < FrameSize; n += Columns)
        {
            Turn turn = turns[(c * FrameSize) + n];
            Eight values = new(x[n], x[n + Hop], x[n + (2 * Hop)], x[n + (3 * Hop)], x[n + (4 * Hop)], x[n + (5 * Hop)], x[n + (6 * Hop)], x[n + (7 * Hop)]);
            real += values * turn.Cosine;
            imaginary += values * turn.Sine;
        }

        Split.Store(y, Points, (c * Columns) + b, real);
        Split.Store(y.SubView(2 * Points, 2 * Points), Points, (c * Columns) + b, imaginary);
    }

    /// <summary>|X[k]|² of all frames.</summary>
    private static Eight PowerOfBin(ArrayView<Bits128> y, ArrayView<Turn> turns, int k)
    {
        int mirrored = k % Radix < Rows ? k : FrameSize - k;
        int c = mirrored % Radix, d = mirrored / Radix, angle = 0;
        ArrayView<Bits128> imaginaryPart = y.SubView(2 * Points, 2 * Points);
        Eight real = default, imaginary = default;
        for (int b = 0; b < Columns; b++)
        {
            Turn turn = turns[(Rows * FrameSize) + angle];
            Eight a = Split.Load(y, Points, (c * Columns) + b), i = Split.Load(imaginaryPart, Points, (c * Columns) + b);
            real += (a * turn.Cosine) + (i * -turn.Sine);
            imaginary += (a * turn.Sine) + (i * turn.Cosine);
            angle += d;
            angle = angle < Columns ? angle : angle - Columns;
        }

        return (real * real) + (imaginary * imaginary);
    }

    /// <summary>A complex number that turns another one, and weighs it.</summary>
    internal struct Turn
    {
        public float Cosine;
        public float Sine;
    }

    /// <summary>
    /// Eights in shared memory with their halves apart: half i of one array lies beside half i + 1, so that neighbouring
    /// threads use neighbouring banks.
    /// </summary>
    private static class Split
    {
        public static Eight Load(ArrayView<Bits128> source, int count, int index)
        {
            Bits128 low = source[index], high = source[count + index];
            return new Eight(
                Interop.IntAsFloat(low.X), Interop.IntAsFloat(low.Y), Interop.IntAsFloat(low.Z), Interop.IntAsFloat(low.W),
                Interop.IntAsFloat(high.X), Interop.IntAsFloat(high.Y), Interop.IntAsFloat(high.Z), Interop.IntAsFloat(high.W));
        }

        public static void Store(ArrayView<Bits128> target, int count, int index, Eight values)
        {
            target[index] = new Bits128(Interop.FloatAsInt(values.X0), Interop.FloatAsInt(values.X1), Interop.FloatAsInt(values.X2), Interop.FloatAsInt(values.X3));
            target[count + index] = new Bits128(Interop.FloatAsInt(values.X4), Interop.FloatAsInt(values.X5), Interop.FloatAsInt(values.X6), Interop.FloatAsInt(values.X7));
        }
    }
}
