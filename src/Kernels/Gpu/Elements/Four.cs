using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Four neighbouring elements of a row in a thread's registers: sixteen bytes of float32. Where a warp reads float32 rows
/// in these, its 32 threads ask for 512 bytes in a piece, and every sector that is fetched is used at once.
/// </summary>
internal struct Four(float x, float y, float z, float w)
{
    public float X = x;
    public float Y = y;
    public float Z = z;
    public float W = w;

    /// <summary>Σ of the elements, in pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float Sum() => (X + Y) + (Z + W);

    /// <summary>a + b, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four operator +(Four a, Four b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    /// <summary>a · b, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four operator *(Four a, Four b) => new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    /// <summary>The vector scaled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four operator *(Four a, float b) => new(a.X * b, a.Y * b, a.Z * b, a.W * b);

    /// <summary>The vector with a number taken off each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four operator -(Four a, float b) => new(a.X - b, a.Y - b, a.Z - b, a.W - b);

    /// <summary>sum + Σ aᵢ bᵢ, one after the other: a chain of fused multiply-adds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot(Four a, Four b, float sum) => (a.W * b.W) + ((a.Z * b.Z) + ((a.Y * b.Y) + ((a.X * b.X) + sum)));

    /// <summary>Reads four float32.</summary>
    /// <param name="source">Elements, 16 bytes at a time.</param>
    /// <param name="index">Which four: elements 4 · index to 4 · index + 3.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four Load(ArrayView<Bits128> source, long index)
    {
        Bits128 bits = source[index];
        return new Four(Interop.IntAsFloat(bits.X), Interop.IntAsFloat(bits.Y), Interop.IntAsFloat(bits.Z), Interop.IntAsFloat(bits.W));
    }

    /// <summary>Reads four float32 where 32 bits are enough for an index: in shared memory.</summary>
    /// <inheritdoc cref="Load"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four LoadShared(ArrayView<Bits128> source, int index)
    {
        Bits128 bits = source[index];
        return new Four(Interop.IntAsFloat(bits.X), Interop.IntAsFloat(bits.Y), Interop.IntAsFloat(bits.Z), Interop.IntAsFloat(bits.W));
    }

    /// <summary>Writes four float32.</summary>
    /// <param name="target">Elements, 16 bytes at a time.</param>
    /// <param name="index">Which four.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(ArrayView<Bits128> target, int index) =>
        target[index] = new Bits128(Interop.FloatAsInt(X), Interop.FloatAsInt(Y), Interop.FloatAsInt(Z), Interop.FloatAsInt(W));
}
