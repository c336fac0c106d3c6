using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// The two transcendental functions of a transformer, as polynomials.
/// <code>
///     2ˣ      = 2ⁿ · 2ᶠ,  n = round(x),  f = x − n in [−½, ½]:  2ᶠ is a polynomial, 2ⁿ an addition to the exponent
///     eˣ      = 2ⁿ · e^(x − n ln 2): ln 2 is split in two so that the subtraction stays exact for large |x|
///     gelu(x) = x Φ(x) = max(x, 0) − |x| Φ(−|x|): only the tail Φ(−u) is needed, and log2 Φ(−u) is nearly a parabola
/// </code>
/// Coefficients: minimax fits (weighted least squares, iterated) made in high precision, then rounded to float32.
/// Relative error of <see cref="Exp"/>: 2e-7. Absolute error of <see cref="Gelu"/>: 1e-7 + half a unit in the last
/// place of the result.
/// </summary>
internal static class VectorMath
{
    /// <summary>1.5 · 2²³: adding it rounds a float below 2²² to the nearest integer.</summary>
    private const float Rounder = 12582912f;

    /// <summary>eˣ for x up to 88; below −86 it stays at e⁻⁸⁶ = 4.5e-38.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSimd Exp<TSimd>(TSimd x)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        x = TSimd.Max(x, TSimd.Broadcast(-86f));
        TSimd log2E = TSimd.Broadcast(1.44269504f);
        TSimd rounded = TSimd.MultiplyAdd(x, log2E, TSimd.Broadcast(Rounder));
        TSimd n = rounded - TSimd.Broadcast(Rounder);
        TSimd remainder = TSimd.MultiplyAdd(n, TSimd.Broadcast(-0.693145751953125f), x); // 15 bits of ln 2, so n · ln 2 is exact
        remainder = TSimd.MultiplyAdd(n, TSimd.Broadcast(-1.4286068e-6f), remainder);
        return TSimd.ScaleByPowerOfTwo(Exp2OfFraction(remainder * log2E), rounded);
    }

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

        TSimd rounded = log2Tail + TSimd.Broadcast(Rounder);
        TSimd fraction = log2Tail - (rounded - TSimd.Broadcast(Rounder));
        TSimd tail = TSimd.ScaleByPowerOfTwo(Exp2OfFraction(fraction), rounded);
        return TSimd.Max(x, TSimd.Broadcast(0f)) - (u * tail);
    }

    /// <summary>2ᶠ for f in [−½, ½], relative error 2e-9 before rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TSimd Exp2OfFraction<TSimd>(TSimd fraction)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        TSimd power = TSimd.Broadcast(1.5345811e-4f);
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(1.3399931e-3f));
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(9.6184891e-3f));
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(5.5503286e-2f));
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(0.24022646f));
        power = TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(0.69314718f));
        return TSimd.MultiplyAdd(power, fraction, TSimd.Broadcast(1f));
    }
}
