namespace Handwritten.Runtime.Audio;

/// <summary>
/// The low-pass filter of the <see cref="Resampler"/>, as a table of its values: a sinc, which alone would be the
/// perfect low-pass but never ends, times a Kaiser window, which ends it with the least damage.
/// <code>
///     h(t) = 2c sinc(2c t) I0(beta sqrt(1 - (t/w)^2)) / I0(beta)       |t| &lt; w, else 0
///
///       dB  0 ────────────────╮          narrower = min(input rate, output rate)
///                              ╲         pass band   0 .. 0.45 narrower
///                               ╲        cut-off c   0.475 narrower (half amplitude)
///      -96                       ╰────   stop band   from 0.5 narrower on, so that nothing is mirrored back (aliasing)
/// </code>
/// Kaiser's formulas give the window's shape for the attenuation A = 96 dB, which is that of 16-bit sound: beta =
/// 0.1102 (A - 8.7), and its width for the transition D = 0.05 narrower: 2w = (A - 7.95) / (14.36 D). The ripple of
/// the pass band is as small as that of the stop band, 10^(-96/20) = 0.00014 dB.
/// <para>
/// An output sample at the input's time i + f, f in 0..1, needs the values h(f - k) for the whole numbers k around 0:
/// one row of the table, a phase of the filter. For output/input = L/M in lowest terms f is a multiple of 1/L, so
/// that L rows are all there is (160 for 44.1 kHz, one for 48 kHz). For awkward rates (44,101 Hz: 16,000 rows) the
/// table has fewer, and values between two rows are interpolated.
/// </para>
/// </summary>
internal sealed class ResamplingFilter
{
    private const double AttenuationDecibels = 96;
    private const double CutOff = 0.475, TransitionWidth = 0.05;

    /// <summary>A table of up to so many floats (1 MiB) is exact; above that it is interpolated.</summary>
    private const long LargestExactTable = 1 << 18;

    /// <summary>
    /// Rows per sample of the narrower rate in an interpolated table. A straight line between points of a wave of
    /// that rate's Nyquist frequency misses it by (pi / 512)^2 / 8 at most, which is -106 dB.
    /// </summary>
    private const int InterpolatedRows = 512;

    /// <summary>Row lengths are multiples of this, so that the inner product needs no special treatment of an end.</summary>
    private const int TapMultiple = 16;

    private readonly float[] _table;

    /// <summary>Computes the table.</summary>
    /// <param name="up">Output rate over the greatest common divisor: L.</param>
    /// <param name="down">Input rate over the greatest common divisor: M.</param>
    public ResamplingFilter(int up, int down)
    {
        // Times in input samples, frequencies in cycles per input sample.
        double narrower = Math.Min(1, (double)up / down);
        double width = (AttenuationDecibels - 7.95) / (14.36 * TransitionWidth * narrower) / 2;

        // Between equal rates there is nothing to cut off: a cut-off at 0.5 makes h(k) = 0 but for h(0) = 1.
        double cutOff = up == down ? 0.5 : CutOff * narrower;

        Reach = RoundUp((int)Math.Ceiling(width), TapMultiple / 2);
        Rows = up * (2L * Reach) <= LargestExactTable ? up : (int)Math.Ceiling(InterpolatedRows * narrower);
        _table = new float[(Rows + 1) * Taps];
        double[] row = new double[Taps];
        for (int r = 0; r <= Rows; r++)
        {
            double sum = 0;
            for (int k = 0; k < Taps; k++)
            {
                row[k] = WindowedSinc(((double)r / Rows) + Reach - 1 - k, cutOff, width);
                sum += row[k];
            }

            // Every row passes a constant signal unchanged, to the last bits: no hum at multiples of the input rate.
            for (int k = 0; k < Taps; k++)
            {
                _table[(r * Taps) + k] = (float)(row[k] / sum);
            }
        }
    }

    /// <summary>How many input samples on either side of its time an output sample depends on.</summary>
    public int Reach { get; }

    /// <summary>Values in a row.</summary>
    public int Taps => 2 * Reach;

    /// <summary>Rows per input sample. Row 0 belongs to f = 0 and row <see cref="Rows"/>, the last, to f = 1.</summary>
    public int Rows { get; }

    /// <summary>The filter's values h(f + Reach - 1), ..., h(f), ..., h(f - Reach) for f = row / <see cref="Rows"/>.</summary>
    public ReadOnlySpan<float> Row(int row) => _table.AsSpan(row * Taps, Taps);

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    private static double WindowedSinc(double t, double cutOff, double width)
    {
        double inside = 1 - (t / width * (t / width));
        if (inside <= 0)
        {
            return 0;
        }

        const double beta = 0.1102 * (AttenuationDecibels - 8.7);
        double x = 2 * cutOff * t;
        double sinc = x == 0 ? 1 : double.SinPi(x) / (Math.PI * x);
        return sinc * BesselI0(beta * Math.Sqrt(inside));
    }

    /// <summary>The modified Bessel function of order 0: the sum of ((x/2)^n / n!)^2.</summary>
    private static double BesselI0(double x)
    {
        double sum = 1, term = 1;
        for (int n = 1; term > sum * 1e-17; n++)
        {
            term *= x / (2 * n) * (x / (2 * n));
            sum += term;
        }

        return sum;
    }
}
