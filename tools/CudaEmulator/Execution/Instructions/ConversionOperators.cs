using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

// Operators that round, and that change floating-point formats.
internal readonly struct RoundToEven<T> : IUnary<T>
{
    public static Vector512<T> Apply(Vector512<T> a) => typeof(T) == typeof(double)
        ? Vector512.Round(a.AsDouble()).As<double, T>() : Vector512.Round(a.AsSingle()).As<float, T>();
}

internal readonly struct RoundToZero<T> : IUnary<T>
{
    public static Vector512<T> Apply(Vector512<T> a) => typeof(T) == typeof(double)
        ? Vector512.Truncate(a.AsDouble()).As<double, T>() : Vector512.Truncate(a.AsSingle()).As<float, T>();
}

internal readonly struct RoundDown<T> : IUnary<T>
{
    public static Vector512<T> Apply(Vector512<T> a) => typeof(T) == typeof(double)
        ? Vector512.Floor(a.AsDouble()).As<double, T>() : Vector512.Floor(a.AsSingle()).As<float, T>();
}

internal readonly struct RoundUp<T> : IUnary<T>
{
    public static Vector512<T> Apply(Vector512<T> a) => typeof(T) == typeof(double)
        ? Vector512.Ceiling(a.AsDouble()).As<double, T>() : Vector512.Ceiling(a.AsSingle()).As<float, T>();
}

internal readonly struct EncodeLow<TFormat> : IUnary<float>
    where TFormat : struct, IHalfFormat
{
    public static Vector512<float> Apply(Vector512<float> a) => TFormat.Encode(a).AsSingle();
}

internal readonly struct EncodeTwo<TFormat, TClamp> : IBinary<float>
    where TFormat : struct, IHalfFormat
    where TClamp : struct, IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a, Vector512<float> b) =>
        (TFormat.Encode(TClamp.Apply(a)) << 16 | TFormat.Encode(TClamp.Apply(b))).AsSingle();
}

internal readonly struct TruncateToBFloat : IUnary<float>
{
    public static Vector512<float> Apply(Vector512<float> a) => (Canonical.Apply(a).AsUInt32() >>> 16).AsSingle();
}

internal readonly struct TruncateTwoToBFloat : IBinary<float>
{
    public static Vector512<float> Apply(Vector512<float> a, Vector512<float> b) =>
        (TruncateToBFloat.Apply(a).AsUInt32() << 16 | TruncateToBFloat.Apply(b).AsUInt32()).AsSingle();
}

/// <summary>tf32: 10 fraction bits; .rna rounds ties away from zero.</summary>
internal readonly struct ToTensorFloat : IUnary<uint>
{
    public static Vector512<uint> Apply(Vector512<uint> a) => Vector512.ConditionalSelect(
        Vector512.LessThan(a & Vector512.Create(0x7fffffffu), Vector512.Create(0x7f800000u)),
        (a + Vector512.Create(0x1000u)) & Vector512.Create(~0x1fffu),
        Canonical.Apply(a.AsSingle()).AsUInt32());
}

internal readonly struct ToTensorFloatEven : IUnary<uint>
{
    public static Vector512<uint> Apply(Vector512<uint> a) => Vector512.ConditionalSelect(
        Vector512.LessThan(a & Vector512.Create(0x7fffffffu), Vector512.Create(0x7f800000u)),
        (a + Vector512.Create(0xfffu) + ((a >>> 13) & Vector512<uint>.One)) & Vector512.Create(~0x1fffu),
        Canonical.Apply(a.AsSingle()).AsUInt32());
}

internal readonly struct ToTensorFloatTruncated : IUnary<uint>
{
    public static Vector512<uint> Apply(Vector512<uint> a) => Canonical.Apply(a.AsSingle()).AsUInt32() & Vector512.Create(~0x1fffu);
}

internal readonly struct ToSingle<TDirection> : IMap<double, float>
    where TDirection : struct, IDirection
{
    public static float Apply(double a)
    {
        float nearest = (float)a;
        return float.IsNaN(nearest) ? BitConverter.UInt32BitsToSingle(0x7fffffff) : TDirection.Round(nearest, a - nearest);
    }
}

internal readonly struct DoubleToHalf : IMap<double, uint>
{
    public static uint Apply(double a) => double.IsNaN(a) ? 0x7fffu : BitConverter.HalfToUInt16Bits((Half)a);
}

internal readonly struct ToHalfDirected<TDirection> : IMap<float, uint>, IMap2<float, uint>
    where TDirection : struct, IDirection
{
    public static uint Apply(float a)
    {
        Half nearest = (Half)a;
        return Half.IsNaN(nearest) ? 0x7fffu : BitConverter.HalfToUInt16Bits(TDirection.Round(nearest, (double)a - (double)nearest));
    }

    public static uint Apply(float a, float b) => Apply(a) << 16 | Apply(b);
}
