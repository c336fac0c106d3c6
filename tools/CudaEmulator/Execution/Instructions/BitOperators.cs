using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Handwritten.CudaEmulator.Execution;

// Operators on the bits of integers that go lane by lane.
internal readonly struct PopulationCount<T> : IMap<T, uint>
    where T : unmanaged, IBinaryInteger<T>
{
    public static uint Apply(T a) => uint.CreateTruncating(T.PopCount(a));
}

internal readonly struct LeadingZeros<T> : IMap<T, uint>
    where T : unmanaged, IBinaryInteger<T>
{
    public static uint Apply(T a) => uint.CreateTruncating(T.LeadingZeroCount(a));
}

/// <summary>bfind: position of the highest bit that is not the sign; all ones if there is none.</summary>
internal readonly struct HighestBit<T, TUnsigned> : IMap<T, uint>
    where T : unmanaged, IBinaryInteger<T>
    where TUnsigned : unmanaged, IBinaryInteger<TUnsigned>
{
    public static uint Apply(T a)
    {
        TUnsigned bits = TUnsigned.CreateTruncating(T.IsNegative(a) ? ~a : a);
        return (uint)(8 * Unsafe.SizeOf<T>() - 1) - uint.CreateTruncating(TUnsigned.LeadingZeroCount(bits));
    }
}

/// <summary>bfind.shiftamt: how far left that bit can be shifted to reach the top.</summary>
internal readonly struct HighestBitShift<T, TUnsigned> : IMap<T, uint>
    where T : unmanaged, IBinaryInteger<T>
    where TUnsigned : unmanaged, IBinaryInteger<TUnsigned>
{
    public static uint Apply(T a)
    {
        uint position = HighestBit<T, TUnsigned>.Apply(a);
        return position == uint.MaxValue ? position : (uint)(8 * Unsafe.SizeOf<T>() - 1) - position;
    }
}

internal readonly struct Reverse32 : IMap<uint, uint>
{
    public static uint Apply(uint a)
    {
        a = ((a >> 1) & 0x55555555) | ((a & 0x55555555) << 1);
        a = ((a >> 2) & 0x33333333) | ((a & 0x33333333) << 2);
        a = ((a >> 4) & 0x0f0f0f0f) | ((a & 0x0f0f0f0f) << 4);
        return BinaryPrimitives.ReverseEndianness(a);
    }
}

internal readonly struct Reverse64 : IMap<ulong, ulong>
{
    public static ulong Apply(ulong a) => (ulong)Reverse32.Apply((uint)a) << 32 | Reverse32.Apply((uint)(a >> 32));
}

/// <summary>prmt: four bytes chosen out of the eight of {b, a}; a selector's top bit asks for the byte's sign instead.</summary>
internal readonly struct Permute : IMap3<uint, uint>
{
    public static uint Apply(uint a, uint b, uint c)
    {
        ulong bytes = (ulong)b << 32 | a;
        uint result = 0;
        for (int i = 0; i < 4; i++)
        {
            int selector = (int)(c >> (4 * i));
            byte value = (byte)(bytes >> (8 * (selector & 7)));
            result |= (uint)((selector & 8) != 0 ? (byte)((sbyte)value >> 7) : value) << (8 * i);
        }

        return result;
    }
}

/// <summary>shf.l: the upper word of {b, a} shifted left; counts wrap at 32.</summary>
internal readonly struct FunnelLeftWrap : IMap3<uint, uint> { public static uint Apply(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) << (int)(c & 31) >> 32); }

/// <summary>Counts above 32 are 32.</summary>
internal readonly struct FunnelLeftClamp : IMap3<uint, uint> { public static uint Apply(uint a, uint b, uint c) => (uint)((((ulong)b << 32 | a) << (int)Math.Min(c, 32)) >> 32); }

/// <summary>shf.r: the lower word shifted right.</summary>
internal readonly struct FunnelRightWrap : IMap3<uint, uint> { public static uint Apply(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) >> (int)(c & 31)); }

/// <inheritdoc cref="FunnelLeftClamp"/>
internal readonly struct FunnelRightClamp : IMap3<uint, uint> { public static uint Apply(uint a, uint b, uint c) => (uint)(((ulong)b << 32 | a) >> (int)Math.Min(c, 32)); }

/// <summary>fns: the c-th set bit of a from position b upwards (downwards if c is negative); all ones if there is none.</summary>
internal readonly struct FindNthSet : IMap3<uint, uint>
{
    public static uint Apply(uint a, uint b, uint c)
    {
        (int at, int step, int left) = ((int)b & 31, (int)c < 0 ? -1 : 1, Math.Abs((int)c));
        if (left == 0)
        {
            return (a >> at & 1) != 0 ? (uint)at : uint.MaxValue;
        }

        for (; at is >= 0 and < 32; at += step)
        {
            if ((a >> at & 1) != 0 && --left == 0)
            {
                return (uint)at;
            }
        }

        return uint.MaxValue;
    }
}
