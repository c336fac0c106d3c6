using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>The upper half of a product.</summary>
internal readonly struct HighProduct<T> : IMap2<T, T>, IMap3<T, T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Apply(T a, T b)
    {
        Int128 bits = 0;
        if (typeof(T) == typeof(ulong))
        {
            return T.CreateTruncating(Math.BigMul(ulong.CreateTruncating(a), ulong.CreateTruncating(b), out _));
        }

        bits = Int128.CreateTruncating(a) * Int128.CreateTruncating(b);
        return T.CreateTruncating(bits >> (8 * Unsafe.SizeOf<T>()));
    }

    public static T Apply(T a, T b, T c) => unchecked(Apply(a, b) + c);
}

/// <summary>mad.hi.sat.s32.</summary>
internal readonly struct HighProductSaturating : IMap3<int, int>
{
    public static int Apply(int a, int b, int c) => int.CreateSaturating(((long)a * b >> 32) + c);
}

/// <summary>The whole product of two 16-bit values.</summary>
internal readonly struct WideProduct16 : IBinary<uint>, ITernary<uint>
{
    public static Vector512<uint> Apply(Vector512<uint> a, Vector512<uint> b) => ZeroExtend16.Apply(a) * ZeroExtend16.Apply(b);

    public static Vector512<uint> Apply(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c) => Apply(a, b) + c;
}

/// <inheritdoc cref="WideProduct16"/>
internal readonly struct SignedWideProduct16 : IBinary<int>, ITernary<int>
{
    public static Vector512<int> Apply(Vector512<int> a, Vector512<int> b) => SignExtend16.Apply(a) * SignExtend16.Apply(b);

    public static Vector512<int> Apply(Vector512<int> a, Vector512<int> b, Vector512<int> c) => Apply(a, b) + c;
}

/// <summary>mul24: the low 32 bits of a product of 24-bit values, or bits 16 to 47 of it.</summary>
internal readonly struct Product24<TSigned, THigh> : IMap2<int, int>, IMap3<int, int>
{
    public static int Apply(int a, int b)
    {
        long product = typeof(TSigned) == typeof(int) ? (long)(a << 8 >> 8) * (b << 8 >> 8) : (long)(a & 0xffffff) * (b & 0xffffff);
        return (int)(typeof(THigh) == typeof(bool) ? product >> 16 : product);
    }

    public static int Apply(int a, int b, int c) => Apply(a, b) + c;
}
