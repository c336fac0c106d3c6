using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>A 16-bit floating-point format, in the low halves of 32-bit lanes.</summary>
internal interface IHalfFormat
{
    /// <summary>To float, which is exact.</summary>
    static abstract Vector512<float> Decode(Vector512<uint> bits);

    /// <summary>From float, to nearest, ties to even; NaN becomes 0x7fff.</summary>
    static abstract Vector512<uint> Encode(Vector512<float> value);

    /// <summary>
    /// a * b + c, inexact results rounded to odd: the float next to the exact value whose last bit is 1. It lies on no
    /// tie of the 16-bit format, so that encoding it rounds as the exact value would have been rounded.
    /// </summary>
    static abstract Vector512<float> FusedOdd(Vector512<float> a, Vector512<float> b, Vector512<float> c);
}

/// <summary>IEEE half: 1 sign, 5 exponent, 10 fraction bits.</summary>
internal readonly struct Float16 : IHalfFormat
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<uint> bits)
    {
        // Exponent and fraction shifted to their places make a float that is 2^112 too small, denormals included.
        Vector512<uint> sign = (bits & Vector512.Create(0x8000u)) << 16;
        Vector512<uint> magnitude = (bits & Vector512.Create(0x7fffu)) << 13;
        Vector512<uint> scaled = (magnitude.AsSingle() * Vector512.Create((127u + 112) << 23).AsSingle()).AsUInt32();
        Vector512<uint> special = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(0x7c00u << 13));
        return (sign | Vector512.ConditionalSelect(special, magnitude | Vector512.Create(0x7f800000u), scaled)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Encode(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> magnitude = bits & Vector512.Create(0x7fffffffu);
        Vector512<uint> sign = (bits ^ magnitude) >>> 16;

        // Adding 0.5 to a value below 2^-14 lets the float adder round at the denormals' last bit.
        Vector512<uint> denormal = (magnitude.AsSingle() + Vector512.Create(0.5f)).AsUInt32() - Vector512.Create(0x3f000000u);
        Vector512<uint> odd = (magnitude >>> 13) & Vector512<uint>.One;
        Vector512<uint> normal = (magnitude - Vector512.Create((112u << 23) - 0xfff) + odd) >>> 13;
        Vector512<uint> result = Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create(113u << 23)), denormal, normal);
        Vector512<uint> overflow = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(143u << 23));
        result = Vector512.ConditionalSelect(overflow, Vector512.Create(0x7c00u), result) | sign;
        Vector512<uint> nan = Vector512.GreaterThan(magnitude, Vector512.Create(0x7f800000u));
        return Vector512.ConditionalSelect(nan, Vector512.Create(0x7fffu), result);
    }

    // The product of two halves is exact in float; the error of the sum is too (Knuth's two-sum).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FusedOdd(Vector512<float> a, Vector512<float> b, Vector512<float> c)
    {
        Vector512<float> product = a * b;
        Vector512<float> sum = product + c;
        Vector512<float> part = sum - product;
        Vector512<float> error = (product - (sum - part)) + (c - part);
        return HalfFormats.ToOdd(sum, error);
    }
}

/// <summary>The upper half of a float: 1 sign, 8 exponent, 7 fraction bits.</summary>
internal readonly struct BFloat16 : IHalfFormat
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<uint> bits) => (bits << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Encode(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> odd = (bits >>> 16) & Vector512<uint>.One;
        Vector512<uint> rounded = (bits + Vector512.Create(0x7fffu) + odd) >>> 16;
        return Vector512.ConditionalSelect(Vector512.Equals(value, value).AsUInt32(), rounded, Vector512.Create(0x7fffu));
    }

    // In double, for a product of two bfloats may leave float's range.
    public static Vector512<float> FusedOdd(Vector512<float> a, Vector512<float> b, Vector512<float> c)
    {
        (Vector512<double> a0, Vector512<double> a1) = Vector512.Widen(a);
        (Vector512<double> b0, Vector512<double> b1) = Vector512.Widen(b);
        (Vector512<double> c0, Vector512<double> c1) = Vector512.Widen(c);
        Vector512<double> low = SumOdd(a0 * b0, c0);
        Vector512<double> high = SumOdd(a1 * b1, c1);
        Vector512<float> nearest = Vector512.Narrow(low, high);
        (Vector512<double> back0, Vector512<double> back1) = Vector512.Widen(nearest);
        return HalfFormats.ToOdd(nearest, Vector512.Narrow(Sign(low - back0), Sign(high - back1)));
    }

    private static Vector512<double> SumOdd(Vector512<double> product, Vector512<double> c)
    {
        Vector512<double> sum = product + c;
        Vector512<double> part = sum - product;
        Vector512<double> error = (product - (sum - part)) + (c - part);
        Vector512<long> bits = sum.AsInt64();
        Vector512<long> away = Vector512<long>.One | ((bits ^ error.AsInt64()) >> 63);
        Vector512<long> inexact = Vector512.GreaterThan(Vector512.Abs(error), Vector512<double>.Zero).AsInt64()
            & Vector512.Equals(bits & Vector512<long>.One, Vector512<long>.Zero)
            & Vector512.LessThan(Vector512.Abs(sum), Vector512.Create(double.PositiveInfinity)).AsInt64();
        return (bits + (away & inexact)).AsDouble();
    }

    // Only the sign matters, and must survive becoming a float.
    private static Vector512<double> Sign(Vector512<double> value) => Vector512.ConditionalSelect(
        Vector512.Equals(value, Vector512<double>.Zero), value, Vector512.CopySign(Vector512<double>.One, value));
}

/// <summary>IEEE half with .ftz: denormals are zeros, as operands and as results.</summary>
internal readonly struct Float16Flushed : IHalfFormat
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<uint> bits) => Float16.Decode(Flush(bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Encode(Vector512<float> value) => Flush(Float16.Encode(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FusedOdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Float16.FusedOdd(a, b, c);

    private static Vector512<uint> Flush(Vector512<uint> bits)
    {
        Vector512<uint> isSmall = Vector512.Equals(bits & Vector512.Create(0x7c00u), Vector512<uint>.Zero);
        return Vector512.ConditionalSelect(isSmall, bits & Vector512.Create(0x8000u), bits);
    }
}

/// <summary>Conversions between halves and floats, and arithmetic on pairs of halves.</summary>
internal static unsafe class HalfFormats
{
    /// <summary>Moves sums that were rounded to even to their odd neighbour in the direction of the error.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToOdd(Vector512<float> sum, Vector512<float> error)
    {
        Vector512<int> bits = sum.AsInt32();
        Vector512<int> away = Vector512<int>.One | ((bits ^ error.AsInt32()) >> 31);
        Vector512<int> inexact = Vector512.GreaterThan(Vector512.Abs(error), Vector512<float>.Zero).AsInt32()
            & Vector512.Equals(bits & Vector512<int>.One, Vector512<int>.Zero)
            & Vector512.LessThan(Vector512.Abs(sum), Vector512.Create(float.PositiveInfinity)).AsInt32();
        return (bits + (away & inexact)).AsSingle();
    }

    /// <summary>d = the float that the low half of a is.</summary>
    public static Op* DecodeLow<TFormat>(Op* op, byte* f, Warp w, uint mask)
        where TFormat : struct, IHalfFormat => Lanes.Unary<uint, LowHalf<TFormat>>(op, f, w, mask);

    /// <summary>d = the float that the high half of a is.</summary>
    public static Op* DecodeHigh<TFormat>(Op* op, byte* f, Warp w, uint mask)
        where TFormat : struct, IHalfFormat => Lanes.Unary<uint, HighHalf<TFormat>>(op, f, w, mask);

    private readonly struct LowHalf<TFormat> : IUnary<uint>
        where TFormat : struct, IHalfFormat
    {
        public static Vector512<uint> Apply(Vector512<uint> a) => TFormat.Decode(a & Vector512.Create(0xffffu)).AsUInt32();
    }

    private readonly struct HighHalf<TFormat> : IUnary<uint>
        where TFormat : struct, IHalfFormat
    {
        public static Vector512<uint> Apply(Vector512<uint> a) => TFormat.Decode(a >>> 16).AsUInt32();
    }
}

// Operators on pairs of halves: both halves through float. One rounding to float and one to the half format are as good as
// one for + - * / and square roots, because float has more than twice the half's bits and two to spare. A single half is
// computed as a pair whose upper part nobody looks at.
internal readonly struct Half1<TOp, TFormat, TOut> : IUnary<uint>
    where TOp : struct, IUnary<float>
    where TFormat : struct, IHalfFormat
    where TOut : struct, IUnary<float>
{
    public static Vector512<uint> Apply(Vector512<uint> a)
    {
        Vector512<uint> mask = Vector512.Create(0xffffu);
        Vector512<uint> low = TFormat.Encode(TOut.Apply(TOp.Apply(TFormat.Decode(a & mask))));
        Vector512<uint> high = TFormat.Encode(TOut.Apply(TOp.Apply(TFormat.Decode(a >>> 16))));
        return low | (high << 16);
    }
}

internal readonly struct Half2<TOp, TFormat, TOut> : IBinary<uint>
    where TOp : struct, IBinary<float>
    where TFormat : struct, IHalfFormat
    where TOut : struct, IUnary<float>
{
    public static Vector512<uint> Apply(Vector512<uint> a, Vector512<uint> b)
    {
        Vector512<uint> mask = Vector512.Create(0xffffu);
        Vector512<uint> low = TFormat.Encode(TOut.Apply(TOp.Apply(TFormat.Decode(a & mask), TFormat.Decode(b & mask))));
        Vector512<uint> high = TFormat.Encode(TOut.Apply(TOp.Apply(TFormat.Decode(a >>> 16), TFormat.Decode(b >>> 16))));
        return low | (high << 16);
    }
}

/// <summary>fma of halves: one rounding.</summary>
internal readonly struct HalfFused<TFormat, TOut> : ITernary<uint>
    where TFormat : struct, IHalfFormat
    where TOut : struct, IUnary<float>
{
    public static Vector512<uint> Apply(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c)
    {
        Vector512<uint> mask = Vector512.Create(0xffffu);
        Vector512<uint> low = TFormat.Encode(TOut.Apply(TFormat.FusedOdd(TFormat.Decode(a & mask), TFormat.Decode(b & mask), TFormat.Decode(c & mask))));
        Vector512<uint> high = TFormat.Encode(TOut.Apply(TFormat.FusedOdd(TFormat.Decode(a >>> 16), TFormat.Decode(b >>> 16), TFormat.Decode(c >>> 16))));
        return low | (high << 16);
    }
}

/// <summary>Chooses the handler of an operator on halves by format, .sat and .relu.</summary>
internal static unsafe class HalfHandlers
{
    public static Handler Unary<TOp>(bool isBFloat)
        where TOp : struct, IUnary<float> => isBFloat
        ? &Lanes.Unary<uint, Half1<TOp, BFloat16, Same<float>>>
        : &Lanes.Unary<uint, Half1<TOp, Float16, Same<float>>>;

    /// <summary>The handler for two operands; bfloats have neither .sat nor .ftz.</summary>
    public static Handler Binary<TOp>(bool isBFloat, bool sat, bool ftz = false)
        where TOp : struct, IBinary<float> => (isBFloat, sat, ftz) switch
        {
            (true, _, _) => &Lanes.Binary<uint, Half2<TOp, BFloat16, Same<float>>>,
            (false, false, false) => &Lanes.Binary<uint, Half2<TOp, Float16, Same<float>>>,
            (false, true, false) => &Lanes.Binary<uint, Half2<TOp, Float16, Saturate>>,
            (false, false, true) => &Lanes.Binary<uint, Half2<TOp, Float16Flushed, Same<float>>>,
            (false, true, true) => &Lanes.Binary<uint, Half2<TOp, Float16Flushed, Saturate>>,
        };

    /// <summary>The handler of fma.</summary>
    public static Handler Fused(bool isBFloat, bool sat, bool relu, bool ftz) => (isBFloat, sat, relu, ftz) switch
    {
        (true, _, false, _) => &Lanes.Ternary<uint, HalfFused<BFloat16, Same<float>>>,
        (true, _, true, _) => &Lanes.Ternary<uint, HalfFused<BFloat16, Relu>>,
        (false, false, false, false) => &Lanes.Ternary<uint, HalfFused<Float16, Same<float>>>,
        (false, true, _, false) => &Lanes.Ternary<uint, HalfFused<Float16, Saturate>>,
        (false, false, true, false) => &Lanes.Ternary<uint, HalfFused<Float16, Relu>>,
        (false, false, false, true) => &Lanes.Ternary<uint, HalfFused<Float16Flushed, Same<float>>>,
        (false, true, _, true) => &Lanes.Ternary<uint, HalfFused<Float16Flushed, Saturate>>,
        (false, false, true, true) => &Lanes.Ternary<uint, HalfFused<Float16Flushed, Relu>>,
    };
}
