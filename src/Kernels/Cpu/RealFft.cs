using System.Numerics;
using System.Runtime.InteropServices;

namespace Handwritten.Kernels.Cpu;

// The fast Fourier transform of a real signal, X[k] = Σ_n x[n] exp(−2πi k n / N) for k = 0..N/2, in three ideas.
//
// 1. Half the size. A real signal read two by two, z[m] = x[2m] + i x[2m+1], is a complex signal of half the length.
//    Its transform Z mixes the even samples' spectrum E and the odd samples' spectrum O, and symmetry separates them:
//
//        E[k] = (Z[k] + conj Z[M−k]) / 2      O[k] = (Z[k] − conj Z[M−k]) / 2i      M = N/2
//        X[k] = E[k] + w^k O[k]               X[M−k] = conj(E[k] − w^k O[k])        w = exp(−2πi / N)
//
// 2. Divide and conquer (Cooley and Tukey, 1965). If M = r·m, then M-point transforms are r-point "butterflies" and
//    m-point transforms of what they deliver. Whisper's N = 400 gives M = 200 = 4·2·5·5:
//
//        200 points ──> 4-point ──> 2-point ──> 5-point ──> 5-point ──> spectrum
//                       × 50        × 100       × 40        × 40        (each followed by a turn, the twiddle)
//
//    so that some 11,000 additions and multiplications do the work of 320,000. The Stockham form goes back and forth
//    between two buffers and leaves the result in natural order, where others need a pass of swaps.
//
// 3. One frame a lane. Every number here is a Vector<double>: as many signals as the machine has lanes are transformed
//    side by side, with the same instructions a single one would take and not one shuffle. A lane never sees its
//    neighbours, so that a signal's spectrum does not depend on its company.

/// <summary>
/// Power spectra of real signals, |Σ_n x[n] exp(−2πi k n / N)|², one signal in each lane of a
/// <see cref="Vector{T}"/>. An instance is an immutable table that threads can share.
/// </summary>
internal sealed class RealFft
{
    private static readonly double Cos1 = Math.Cos(2 * Math.PI / 5);
    private static readonly double Sin1 = Math.Sin(2 * Math.PI / 5);
    private static readonly double Cos2 = Math.Cos(4 * Math.PI / 5);
    private static readonly double Sin2 = Math.Sin(4 * Math.PI / 5);

    private readonly int[] _radices;
    private readonly Complex[][] _twiddles;
    private readonly Complex[] _split;

    /// <summary>Prepares the tables for one size.</summary>
    /// <param name="size">Samples in a signal: even, and half of it a product of twos and fives.</param>
    /// <exception cref="ArgumentException">The size is of another kind.</exception>
    public RealFft(int size)
    {
        Size = size;
        _radices = Factor(size);
        _twiddles = new Complex[_radices.Length][];
        int length = size / 2;
        for (int stage = 0; stage < _radices.Length; stage++)
        {
            // The turns exp(−2πi p k / length) behind butterfly p, for its outputs k = 1..radix−1.
            int radix = _radices[stage];
            int count = length / radix;
            _twiddles[stage] = [.. from p in Enumerable.Range(0, count) from k in Enumerable.Range(1, radix - 1) select Turn(p * k, length)];
            length = count;
        }

        _split = [.. Enumerable.Range(0, (size / 4) + 1).Select(k => Turn(k, size))];
    }

    /// <summary>Samples in a signal, N.</summary>
    public int Size { get; }

    /// <summary>Frequencies in a spectrum, N / 2 + 1.</summary>
    public int Bins => (Size / 2) + 1;

    /// <summary>Transforms one signal a lane.</summary>
    /// <param name="signal">[N]: sample n of every lane's signal. Overwritten.</param>
    /// <param name="scratch">[N].</param>
    /// <param name="power">[N / 2 + 1]: receives |X[k]|².</param>
    public void PowerSpectrum(Span<Vector<double>> signal, Span<Vector<double>> scratch, Span<Vector<double>> power)
    {
        Span<Lanes> source = AsComplex(signal[..Size]);
        Span<Lanes> destination = AsComplex(scratch[..Size]);
        int stride = 1;
        for (int stage = 0; stage < _radices.Length; stage++)
        {
            switch (_radices[stage])
            {
                case 2:
                    Radix2(source, destination, _twiddles[stage], stride);
                    break;
                case 4:
                    Radix4(source, destination, _twiddles[stage], stride);
                    break;
                default:
                    Radix5(source, destination, _twiddles[stage], stride);
                    break;
            }

            stride *= _radices[stage];
            Span<Lanes> result = destination;
            destination = source;
            source = result;
        }

        Split(source, power);
    }

    // One stage of radix r over M complex numbers that are `stride` interleaved transforms of n = M / stride points:
    // butterfly p takes r points that lie n/r apart and puts its r outputs side by side,
    //     y[q + stride (r p + k)] = turn(p k / n) · Σ_j x[q + stride (p + j n/r)] exp(−2πi j k / r).
    private static void Radix2(Span<Lanes> x, Span<Lanes> y, Complex[] twiddles, int stride)
    {
        int half = x.Length / 2;
        for (int p = 0; p < twiddles.Length; p++)
        {
            for (int q = 0; q < stride; q++)
            {
                int from = q + (stride * p);
                int to = q + (stride * 2 * p);
                Lanes a0 = x[from];
                Lanes a1 = x[from + half];
                y[to] = a0 + a1;
                y[to + stride] = (a0 - a1) * twiddles[p];
            }
        }
    }

    private static void Radix4(Span<Lanes> x, Span<Lanes> y, Complex[] twiddles, int stride)
    {
        int quarter = x.Length / 4;
        for (int p = 0; p < twiddles.Length / 3; p++)
        {
            ReadOnlySpan<Complex> turn = twiddles.AsSpan(3 * p, 3);
            for (int q = 0; q < stride; q++)
            {
                int from = q + (stride * p);
                int to = q + (stride * 4 * p);
                Lanes a0 = x[from];
                Lanes a1 = x[from + quarter];
                Lanes a2 = x[from + (2 * quarter)];
                Lanes a3 = x[from + (3 * quarter)];
                Lanes even = a0 + a2;
                Lanes odd = a1 + a3;
                Lanes evenDifference = a0 - a2;
                Lanes oddDifference = (a1 - a3).TimesMinusI();
                y[to] = even + odd;
                y[to + stride] = (evenDifference + oddDifference) * turn[0];
                y[to + (2 * stride)] = (even - odd) * turn[1];
                y[to + (3 * stride)] = (evenDifference - oddDifference) * turn[2];
            }
        }
    }

    // Points 1 and 4 lie mirrored on the unit circle, and so do 2 and 3: their sums need cosines only, their
    // differences sines only.
    private static void Radix5(Span<Lanes> x, Span<Lanes> y, Complex[] twiddles, int stride)
    {
        int fifth = x.Length / 5;
        for (int p = 0; p < twiddles.Length / 4; p++)
        {
            ReadOnlySpan<Complex> turn = twiddles.AsSpan(4 * p, 4);
            for (int q = 0; q < stride; q++)
            {
                int from = q + (stride * p);
                int to = q + (stride * 5 * p);
                Lanes a0 = x[from];
                Lanes a1 = x[from + fifth];
                Lanes a2 = x[from + (2 * fifth)];
                Lanes a3 = x[from + (3 * fifth)];
                Lanes a4 = x[from + (4 * fifth)];
                Lanes sum1 = a1 + a4;
                Lanes sum2 = a2 + a3;
                Lanes difference1 = a1 - a4;
                Lanes difference2 = a2 - a3;
                Lanes cosines1 = a0 + (sum1 * Cos1) + (sum2 * Cos2);
                Lanes cosines2 = a0 + (sum1 * Cos2) + (sum2 * Cos1);
                Lanes sines1 = ((difference1 * Sin1) + (difference2 * Sin2)).TimesMinusI();
                Lanes sines2 = ((difference1 * Sin2) - (difference2 * Sin1)).TimesMinusI();
                y[to] = a0 + sum1 + sum2;
                y[to + stride] = (cosines1 + sines1) * turn[0];
                y[to + (2 * stride)] = (cosines2 + sines2) * turn[1];
                y[to + (3 * stride)] = (cosines2 - sines2) * turn[2];
                y[to + (4 * stride)] = (cosines1 - sines1) * turn[3];
            }
        }
    }

    // Idea 1 backwards: from Z to |X|², two bins at a time. 2E and 2O are formed, hence the quarter.
    private void Split(Span<Lanes> z, Span<Vector<double>> power)
    {
        int half = z.Length;
        Vector<double> quarter = Vector.Create(0.25);
        for (int k = 0; k <= half / 2; k++)
        {
            Lanes here = z[k];
            Lanes mirror = z[k == 0 ? 0 : half - k].Conjugate();
            Lanes even = here + mirror;
            Lanes odd = (here - mirror).TimesMinusI() * _split[k];
            power[k] = (even + odd).SquaredMagnitude() * quarter;
            power[half - k] = (even - odd).SquaredMagnitude() * quarter;
        }
    }

    private static int[] Factor(int size)
    {
        List<int> radices = [];
        int rest = size > 0 && size % 2 == 0 ? size / 2 : 0;
        foreach (int radix in (ReadOnlySpan<int>)[4, 2, 5])
        {
            while (rest > 0 && rest % radix == 0)
            {
                radices.Add(radix);
                rest /= radix;
            }
        }

        return rest == 1
            ? [.. radices]
            : throw new ArgumentException($"A real FFT of {size} samples is not available: half the size must be a product of twos and fives.", nameof(size));
    }

    private static Complex Turn(int part, int whole) => Complex.FromPolarCoordinates(1, -2 * Math.PI * part / whole);

    private static Span<Lanes> AsComplex(Span<Vector<double>> pairs) =>
        MemoryMarshal.Cast<Vector<double>, Lanes>(pairs);

    /// <summary>One complex number a lane.</summary>
    private readonly struct Lanes(Vector<double> real, Vector<double> imaginary)
    {
        private readonly Vector<double> _real = real;
        private readonly Vector<double> _imaginary = imaginary;

        public static Lanes operator +(Lanes a, Lanes b) => new(a._real + b._real, a._imaginary + b._imaginary);

        public static Lanes operator -(Lanes a, Lanes b) => new(a._real - b._real, a._imaginary - b._imaginary);

        public static Lanes operator *(Lanes a, double scale) => new(a._real * scale, a._imaginary * scale);

        public static Lanes operator *(Lanes a, Complex turn) => new(
            (a._real * turn.Real) - (a._imaginary * turn.Imaginary),
            (a._real * turn.Imaginary) + (a._imaginary * turn.Real));

        public Lanes TimesMinusI() => new(_imaginary, -_real);

        public Lanes Conjugate() => new(_real, -_imaginary);

        public Vector<double> SquaredMagnitude() => (_real * _real) + (_imaginary * _imaginary);
    }
}
