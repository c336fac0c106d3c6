using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// The two transcendental functions of a transformer, as polynomials.
/// <code>
///     2ˣ      = 2ⁿ · 2ᶠ,  n = round(x),  f = x − n in [−½, ½]:  2ᶠ is a polynomial, 2ⁿ an addition to the exponent
///     softmax   uses powers of two as well: e^s = 2^(s log2 e), and log2 e goes into the queries' scale
///     gelu(x) = x Φ(x) = max(x, 0) − |x| Φ(−|x|): only the tail Φ(−u) is needed, and log2 Φ(−u) is nearly a parabola
/// </code>
/// Coefficients: minimax fits (weighted least squares, iterated) made in high precision, then rounded to float32.
/// Relative error of <see cref="Exp2"/>: 2e-7. Absolute error of <see cref="Gelu"/>: 1e-7 and half a unit in the last
/// place of the result. NaN stays NaN: <see cref="ISimd{TSelf}.Max"/> hands on its second operand.
/// </summary>
internal static class VectorMath
{
    /// <summary>log2 e: what a logarithm to base two is to a natural one.</summary>
    public const float Log2E = 1.44269504f;

    /// <summary>1.5 · 2²³: adding it rounds a float below 2²² to the nearest integer.</summary>
    private const float Rounder = 12582912f;

    /// <summary>2ˣ for x up to 127; below −120 it stays at 2⁻¹²⁰ = 7.5e-37.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSimd Exp2<TSimd>(TSimd x)
        where TSimd : unmanaged, ISimd<TSimd> => Exp2InRange(TSimd.Max(TSimd.Broadcast(-120f), x));

    /// <summary>The exact Gaussian error linear unit x Φ(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSimd Gelu<TSimd>(TSimd x)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        // Beyond 6 the tail is below 1e-9; it is held there, so that u Φ(−u) stays below 6e-9 for any x.
        TSimd u = TSimd.Min(TSimd.Abs(x), TSimd.Broadcast(6f));
        TSimd log2Tail = TSimd.Broadcast(2.8089167e-7f);
        log2Tail = TSimd.MultiplyAdd(log2Tail, u, TSimd.Broadcast(-6.1181358e-6f));
        log2Tail = TSimd.MultiplyAdd(log2Tail, u, TSimd.Broadcast(5.3967067e-5f));
        log2Tail = TSimd.MultiplyAdd(log2Tail, u, TSimd.Broadcast(-2.1590362e-4f));
        log2Tail = TSimd.MultiplyAdd(log2Tail, u, TSimd.Broadcast(-1.1431068e-4f));
        log2Tail = TSimd.MultiplyAdd(log2Tail, u, TSimd.Broadcast(7.0750597e-3f));
        log2Tail = TSimd.MultiplyAdd(log2Tail, u, TSimd.Broadcast(-5.2526410e-2f));
        log2Tail = TSimd.MultiplyAdd(log2Tail, u, TSimd.Broadcast(-4.5919082e-1f));
        log2Tail = TSimd.MultiplyAdd(log2Tail, u, TSimd.Broadcast(-1.1511087f));
        log2Tail = TSimd.MultiplyAdd(log2Tail, u, TSimd.Broadcast(-0.99999982f));

        return TSimd.Max(TSimd.Broadcast(0f), x) - (u * Exp2InRange(log2Tail));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TSimd Exp2InRange<TSimd>(TSimd x)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        TSimd rounded = x + TSimd.Broadcast(Rounder);
        TSimd fraction = x - (rounded - TSimd.Broadcast(Rounder));
        TSimd power = TSimd.Broadcast(1.5345811e-4f);
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(1.3399931e-3f));
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(9.6184891e-3f));
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(5.5503286e-2f));
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(0.24022646f));
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(0.69314718f));
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(1f));
        return TSimd.ScaleByPowerOfTwo(power, rounded);
    }
}
