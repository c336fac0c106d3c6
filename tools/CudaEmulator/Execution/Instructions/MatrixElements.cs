using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// What the elements of a matrix are, several in a 32-bit word of a fragment, the first in the lowest bits. All formats
/// become float32, which holds each of their values exactly.
/// </summary>
internal interface IMatrixElement
{
    /// <summary>Elements of a word.</summary>
    static abstract int PerWord { get; }

    /// <summary>Element number <paramref name="index"/> of each word.</summary>
    static abstract Vector512<float> Decode(Vector512<uint> words, int index);
}

/// <summary>.f16 and .bf16.</summary>
internal readonly struct HalfElement<TFormat> : IMatrixElement
    where TFormat : struct, IHalfFormat
{
    public static int PerWord => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<uint> words, int index) =>
        TFormat.Decode(index == 0 ? words & Vector512.Create(0xffffu) : words >>> 16);
}

/// <summary>.tf32: a float32 of which the unit looks at the upper 19 bits.</summary>
internal readonly struct TensorFloatElement : IMatrixElement
{
    public static int PerWord => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<uint> words, int index) => (words & Vector512.Create(0xffffe000u)).AsSingle();
}

/// <summary>.s8</summary>
internal readonly struct SignedByteElement : IMatrixElement
{
    public static int PerWord => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<uint> words, int index) =>
        Vector512.ConvertToSingle((words << (24 - 8 * index)).AsInt32() >> 24);
}

/// <summary>.u8</summary>
internal readonly struct UnsignedByteElement : IMatrixElement
{
    public static int PerWord => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<uint> words, int index) =>
        Vector512.ConvertToSingle(((words >>> (8 * index)) & Vector512.Create(0xffu)).AsInt32());
}

/// <summary>.e4m3: 1 sign, 4 exponent, 3 fraction bits; no infinity, and NaN only where all are ones.</summary>
internal readonly struct E4M3Element : IMatrixElement
{
    public static int PerWord => 4;

    // As halves are decoded: bits at their places make a float that is 2^120 too small, denormals included.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<uint> words, int index)
    {
        Vector512<uint> bits = words >>> (8 * index);
        Vector512<uint> magnitude = bits & Vector512.Create(0x7fu);
        Vector512<uint> sign = (bits & Vector512.Create(0x80u)) << 24;
        Vector512<uint> scaled = ((magnitude << 20).AsSingle() * Vector512.Create((127u + 120) << 23).AsSingle()).AsUInt32();
        Vector512<uint> nan = Vector512.Equals(magnitude, Vector512.Create(0x7fu));
        return (sign | Vector512.ConditionalSelect(nan, Vector512.Create(0x7fffffffu), scaled)).AsSingle();
    }
}

/// <summary>.e5m2: the upper half of an IEEE half.</summary>
internal readonly struct E5M2Element : IMatrixElement
{
    public static int PerWord => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<uint> words, int index) =>
        Float16.Decode(((words >>> (8 * index)) & Vector512.Create(0xffu)) << 8);
}
