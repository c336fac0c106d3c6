using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

// A float operator is put together of three: what .ftz does to the operands, the operation, and what .ftz and .sat do to
// the result. So every operation is written once:
//
//     add.ftz.sat.f32     Float2<Add<float>, Flush, FlushSaturate>

/// <summary>.ftz: denormals become zeros of their sign.</summary>
internal readonly struct Flush : IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a)
    {
        Vector512<uint> bits = a.AsUInt32();
        Vector512<uint> normal = Vector512.GreaterThan(bits & Vector512.Create(0x7f800000u), Vector512<uint>.Zero);
        return (bits & (normal | Vector512.Create(0x80000000u))).AsSingle();
    }
}

/// <summary>.sat: to [0, 1]; NaN becomes 0.</summary>
internal readonly struct Saturate : IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a)
    {
        Vector512<float> positive = Vector512.ConditionalSelect(Vector512.GreaterThan(a, Vector512<float>.Zero), a, Vector512<float>.Zero);
        return Vector512.ConditionalSelect(Vector512.LessThan(positive, Vector512<float>.One), positive, Vector512<float>.One);
    }
}

/// <summary>Both.</summary>
internal readonly struct FlushSaturate : IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a) => Flush.Apply(Saturate.Apply(a));
}

/// <summary>The device has one NaN for all results: 0x7fffffff.</summary>
internal readonly struct Canonical : IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a) =>
        Vector512.ConditionalSelect(Vector512.Equals(a, a), a, Vector512.Create(0x7fffffffu).AsSingle());
}

internal readonly struct Float1<TOp, TIn, TOut> : IUnary<float>
    where TOp : struct, IUnary<float>
    where TIn : struct, IUnary<float>
    where TOut : struct, IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a) => TOut.Apply(Canonical.Apply(TOp.Apply(TIn.Apply(a))));
}

internal readonly struct Float2<TOp, TIn, TOut> : IBinary<float>
    where TOp : struct, IBinary<float>
    where TIn : struct, IUnary<float>
    where TOut : struct, IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a, Vector512<float> b) =>
        TOut.Apply(Canonical.Apply(TOp.Apply(TIn.Apply(a), TIn.Apply(b))));
}

internal readonly struct Float3<TOp, TIn, TOut> : ITernary<float>
    where TOp : struct, ITernary<float>
    where TIn : struct, IUnary<float>
    where TOut : struct, IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        TOut.Apply(Canonical.Apply(TOp.Apply(TIn.Apply(a), TIn.Apply(b), TIn.Apply(c))));
}

internal readonly struct FusedMultiplyAdd<T> : ITernary<T>
{
    public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b, Vector512<T> c) => typeof(T) == typeof(double)
        ? Vector512.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>()
        : Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>();
}

internal readonly struct FloatDivide<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => a / b; }
internal readonly struct SquareRoot<T> : IUnary<T> { public static Vector512<T> Apply(Vector512<T> a) => Vector512.Sqrt(a); }
internal readonly struct Reciprocal<T> : IUnary<T> { public static Vector512<T> Apply(Vector512<T> a) => Vector512<T>.One / a; }

/// <summary>The smaller one; the number, if one of both is NaN; -0 is less than +0.</summary>
internal readonly struct FloatMinimum<T> : IBinary<T>
{
    public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.MinNumber(a, b);
}

/// <inheritdoc cref="FloatMinimum{T}"/>
internal readonly struct FloatMaximum<T> : IBinary<T>
{
    public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.MaxNumber(a, b);
}

/// <summary>min.NaN: NaN if one of both is.</summary>
internal readonly struct FloatMinimumOrNaN<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.Min(a, b); }
internal readonly struct FloatMaximumOrNaN<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.Max(a, b); }

/// <summary>.relu of fma and of half arithmetic: negative results become +0.</summary>
internal readonly struct Relu : IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(a, Vector512<float>.Zero) | ~Vector512.Equals(a, a), a, Vector512<float>.Zero);
}

internal readonly struct FloatNegate<T> : IUnary<T>
{
    public static Vector512<T> Apply(Vector512<T> a) => typeof(T) == typeof(double)
        ? (a.AsUInt64() ^ Vector512.Create(1ul << 63)).As<ulong, T>()
        : (a.AsUInt32() ^ Vector512.Create(1u << 31)).As<uint, T>();
}

internal readonly struct FloatAbsolute<T> : IUnary<T>
{
    public static Vector512<T> Apply(Vector512<T> a) => Vector512.Abs(a);
}

/// <summary>abs and neg of halves: their sign bits.</summary>
internal readonly struct HalfAbsolute : IUnary<uint> { public static Vector512<uint> Apply(Vector512<uint> a) => a & Vector512.Create(0x7fff7fffu); }

/// <inheritdoc cref="HalfAbsolute"/>
internal readonly struct HalfNegate : IUnary<uint> { public static Vector512<uint> Apply(Vector512<uint> a) => a ^ Vector512.Create(0x80008000u); }

/// <summary>Chooses the handler of a float operator by .ftz and .sat.</summary>
internal static unsafe class FloatHandlers
{
    public static Handler Unary<TOp>(bool ftz, bool sat)
        where TOp : struct, IUnary<float> => (ftz, sat) switch
        {
            (false, false) => &Lanes.Unary<float, Float1<TOp, Same<float>, Same<float>>>,
            (true, false) => &Lanes.Unary<float, Float1<TOp, Flush, Flush>>,
            (false, true) => &Lanes.Unary<float, Float1<TOp, Same<float>, Saturate>>,
            (true, true) => &Lanes.Unary<float, Float1<TOp, Flush, FlushSaturate>>,
        };

    public static Handler Binary<TOp>(bool ftz, bool sat)
        where TOp : struct, IBinary<float> => (ftz, sat) switch
        {
            (false, false) => &Lanes.Binary<float, Float2<TOp, Same<float>, Same<float>>>,
            (true, false) => &Lanes.Binary<float, Float2<TOp, Flush, Flush>>,
            (false, true) => &Lanes.Binary<float, Float2<TOp, Same<float>, Saturate>>,
            (true, true) => &Lanes.Binary<float, Float2<TOp, Flush, FlushSaturate>>,
        };

    public static Handler Ternary<TOp>(bool ftz, bool sat)
        where TOp : struct, ITernary<float> => (ftz, sat) switch
        {
            (false, false) => &Lanes.Ternary<float, Float3<TOp, Same<float>, Same<float>>>,
            (true, false) => &Lanes.Ternary<float, Float3<TOp, Flush, Flush>>,
            (false, true) => &Lanes.Ternary<float, Float3<TOp, Same<float>, Saturate>>,
            (true, true) => &Lanes.Ternary<float, Float3<TOp, Flush, FlushSaturate>>,
        };
}
