using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Handwritten.CudaEmulator.Execution;

// Operators on vectors of integers (those of + - * min max serve floating point too, where NaN needs no care).
internal readonly struct Same<T> : IUnary<T> { public static Vector512<T> Apply(Vector512<T> a) => a; }
internal readonly struct Add<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => a + b; }
internal readonly struct Subtract<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => a - b; }
internal readonly struct Multiply<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => a * b; }
internal readonly struct MultiplyAdd<T> : ITernary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b, Vector512<T> c) => a * b + c; }
internal readonly struct Minimum<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.Min(a, b); }
internal readonly struct Maximum<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.Max(a, b); }
internal readonly struct Negate<T> : IUnary<T> { public static Vector512<T> Apply(Vector512<T> a) => -a; }
internal readonly struct Absolute<T> : IUnary<T> { public static Vector512<T> Apply(Vector512<T> a) => Vector512.Max(a, -a); }
internal readonly struct And<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => a & b; }
internal readonly struct Or<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => a | b; }
internal readonly struct Xor<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => a ^ b; }
internal readonly struct Not<T> : IUnary<T> { public static Vector512<T> Apply(Vector512<T> a) => ~a; }

/// <summary>cnot: 1 where a is 0.</summary>
internal readonly struct IsZero<T> : IUnary<T>
{
    public static Vector512<T> Apply(Vector512<T> a) => Vector512.Equals(a, Vector512<T>.Zero) & Vector512<T>.One;
}

/// <summary>The least value minus 1 is the smallest .abs of, so abs wraps; sad: c + |a - b|.</summary>
internal readonly struct SumOfDifference<T> : ITernary<T>
{
    public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b, Vector512<T> c) => c + (Vector512.Max(a, b) - Vector512.Min(a, b));
}

/// <summary>add.sat.s32: the sum overflows where both operands' signs differ from the result's.</summary>
internal readonly struct AddSaturating : IBinary<int>
{
    public static Vector512<int> Apply(Vector512<int> a, Vector512<int> b)
    {
        Vector512<int> sum = a + b;
        Vector512<int> overflows = (a ^ sum) & (b ^ sum);
        return Vector512.ConditionalSelect(overflows >> 31, (a >> 31) ^ Vector512.Create(int.MaxValue), sum);
    }
}

/// <summary>sub.sat.s32.</summary>
internal readonly struct SubtractSaturating : IBinary<int>
{
    public static Vector512<int> Apply(Vector512<int> a, Vector512<int> b)
    {
        Vector512<int> difference = a - b;
        Vector512<int> overflows = (a ^ b) & (a ^ difference);
        return Vector512.ConditionalSelect(overflows >> 31, (a >> 31) ^ Vector512.Create(int.MaxValue), difference);
    }
}

/// <summary>The value of a 16-bit register in 32 bits.</summary>
internal readonly struct ZeroExtend16 : IUnary<uint> { public static Vector512<uint> Apply(Vector512<uint> a) => a & Vector512.Create(0xffffu); }

/// <inheritdoc cref="ZeroExtend16"/>
internal readonly struct SignExtend16 : IUnary<int> { public static Vector512<int> Apply(Vector512<int> a) => (a << 16) >> 16; }

/// <summary>
/// Shifts by a count a lane. PTX clamps counts: what is shifted by the width or more is 0, or all sign bits; so does the
/// vector instruction. The count is 32 bits wide whatever is shifted.
/// </summary>
internal readonly struct ShiftLeft32 : IBinary<uint>
{
    public static Vector512<uint> Apply(Vector512<uint> a, Vector512<uint> b) =>
        Avx512F.IsSupported ? Avx512F.ShiftLeftLogicalVariable(a, b) : LaneWise.Combine(a, b, static (x, n) => n > 31 ? 0 : x << (int)n);
}

/// <inheritdoc cref="ShiftLeft32"/>
internal readonly struct ShiftRight32 : IBinary<uint>
{
    public static Vector512<uint> Apply(Vector512<uint> a, Vector512<uint> b) =>
        Avx512F.IsSupported ? Avx512F.ShiftRightLogicalVariable(a, b) : LaneWise.Combine(a, b, static (x, n) => n > 31 ? 0 : x >> (int)n);
}

/// <inheritdoc cref="ShiftLeft32"/>
internal readonly struct ShiftRightArithmetic32 : IBinary<uint>
{
    public static Vector512<uint> Apply(Vector512<uint> a, Vector512<uint> b) =>
        Avx512F.IsSupported
            ? Avx512F.ShiftRightArithmeticVariable(a.AsInt32(), b).AsUInt32()
            : LaneWise.Combine(a, b, static (x, n) => (uint)((int)x >> (int)Math.Min(n, 31)));
}

/// <inheritdoc cref="ShiftLeft32"/>
internal readonly struct ShiftLeft64 : IBinary<ulong>
{
    public static Vector512<ulong> Apply(Vector512<ulong> a, Vector512<ulong> b) =>
        Avx512F.IsSupported ? Avx512F.ShiftLeftLogicalVariable(a, b) : LaneWise.Combine(a, b, static (x, n) => n > 63 ? 0 : x << (int)n);
}

/// <inheritdoc cref="ShiftLeft32"/>
internal readonly struct ShiftRight64 : IBinary<ulong>
{
    public static Vector512<ulong> Apply(Vector512<ulong> a, Vector512<ulong> b) =>
        Avx512F.IsSupported ? Avx512F.ShiftRightLogicalVariable(a, b) : LaneWise.Combine(a, b, static (x, n) => n > 63 ? 0 : x >> (int)n);
}

/// <inheritdoc cref="ShiftLeft32"/>
internal readonly struct ShiftRightArithmetic64 : IBinary<ulong>
{
    public static Vector512<ulong> Apply(Vector512<ulong> a, Vector512<ulong> b) =>
        Avx512F.IsSupported
            ? Avx512F.ShiftRightArithmeticVariable(a.AsInt64(), b).AsUInt64()
            : LaneWise.Combine(a, b, static (x, n) => (ulong)((long)x >> (int)Math.Min(n, 63)));
}

/// <summary>For processors without the vector instruction.</summary>
internal static class LaneWise
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Vector512<T> Combine<T>(Vector512<T> a, Vector512<T> b, Func<T, T, T> function)
        where T : unmanaged
    {
        Span<T> x = stackalloc T[Vector512<T>.Count];
        Span<T> y = stackalloc T[Vector512<T>.Count];
        a.CopyTo(x);
        b.CopyTo(y);
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = function(x[i], y[i]);
        }

        return Vector512.Create<T>(x);
    }
}

/// <summary>Division as the hardware's routines do it: by zero it gives all ones, and the remainder is the dividend.</summary>
internal readonly struct Divide<T> : IMap2<T, T>
    where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
{
    public static T Apply(T a, T b) => b == T.Zero ? ~T.Zero : b == ~T.Zero && T.IsNegative(T.MinValue) ? unchecked(-a) : a / b;
}

/// <inheritdoc cref="Divide{T}"/>
internal readonly struct Remainder<T> : IMap2<T, T>
    where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
{
    public static T Apply(T a, T b) => b == T.Zero ? a : b == ~T.Zero && T.IsNegative(T.MinValue) ? T.Zero : a % b;
}
