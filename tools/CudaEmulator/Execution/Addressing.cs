using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>How the lanes' addresses of one access lie to each other.</summary>
internal enum AccessShape
{
    /// <summary>Anyhow: <see cref="Warp.Addresses"/> has them.</summary>
    Scattered,

    /// <summary>All 32 lanes, each right behind the one before.</summary>
    Consecutive,

    /// <summary>All 32 lanes at one place.</summary>
    Uniform,
}

/// <summary>A state space, as a type: how its addresses become host addresses.</summary>
internal interface ISpace
{
    static abstract AddressWindow Window { get; }
}

/// <summary>Spaces by where they lie in generic addresses.</summary>
internal enum AddressWindow
{
    Global,
    Shared,
    Local,
    Param,
    Generic,
}

internal readonly struct GlobalSpace : ISpace { public static AddressWindow Window => AddressWindow.Global; }
internal readonly struct SharedSpace : ISpace { public static AddressWindow Window => AddressWindow.Shared; }
internal readonly struct LocalSpace : ISpace { public static AddressWindow Window => AddressWindow.Local; }
internal readonly struct ParamSpace : ISpace { public static AddressWindow Window => AddressWindow.Param; }
internal readonly struct GenericSpace : ISpace { public static AddressWindow Window => AddressWindow.Generic; }

/// <summary>
/// From a lane's address to a host address. Every access is checked: the lowest and the highest address of all lanes have to
/// lie in one allocation (that of the last time is tried first), in the block's shared memory, or in the thread's local
/// memory. Only if they do not, lanes are looked at one by one.
///
/// Generic addresses: global ones are what they are; the other spaces are windows far above all of them.
/// </summary>
internal static unsafe class Addressing
{
    /// <summary>Where a space begins in generic addresses.</summary>
    public static ulong BaseOf(AddressWindow window) => window == AddressWindow.Global ? 0 : (ulong)window << 56;

    /// <summary>The space that a generic address points into.</summary>
    public static AddressWindow WindowOf(ulong address) => (AddressWindow)(address >> 56);

    /// <summary>
    /// Resolves the addresses of an access of <paramref name="bytes"/> (a power of two) a lane: register A, plus the
    /// constant; C tells that the register has 32 bits.
    /// </summary>
    /// <param name="op">The instruction.</param>
    /// <param name="f">The frame.</param>
    /// <param name="w">The warp.</param>
    /// <param name="mask">The lanes, at least one.</param>
    /// <param name="bytes">Bytes that each lane accesses.</param>
    /// <param name="first">Host address of the first lane.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AccessShape Resolve<TSpace>(Op* op, byte* f, Warp w, uint mask, int bytes, out byte* first)
        where TSpace : struct, ISpace
    {
        Lower(op, f, out Vector512<ulong> v0, out Vector512<ulong> v1, out Vector512<ulong> v2, out Vector512<ulong> v3);
        ulong start = v0.ToScalar();
        if (mask == Lanes.All && TSpace.Window != AddressWindow.Local)
        {
            Vector512<ulong> step = Vector512.Create((ulong)bytes);
            Vector512<ulong> expected = Vector512.Create(start) + Vector512.Create(0ul, 1, 2, 3, 4, 5, 6, 7) * step;
            step <<= 3;
            Vector512<ulong> off = (v0 ^ expected) | (v1 ^ (expected + step)) | (v2 ^ (expected + step + step)) | (v3 ^ (expected + step + step + step));
            if (off == Vector512<ulong>.Zero)
            {
                if (TryRegion<TSpace>(op, w, start, start + 31 * (ulong)bytes, bytes, out ulong bias))
                {
                    first = (byte*)(start + bias);
                    return AccessShape.Consecutive;
                }
            }
            else
            {
                Vector512<ulong> same = Vector512.Create(start);
                if (((v0 ^ same) | (v1 ^ same) | (v2 ^ same) | (v3 ^ same)) == Vector512<ulong>.Zero
                    && TryRegion<TSpace>(op, w, start, start, bytes, out ulong bias))
                {
                    first = (byte*)(start + bias);
                    return AccessShape.Uniform;
                }
            }
        }

        first = Scatter<TSpace>(op, w, mask, bytes, v0, v1, v2, v3);
        return AccessShape.Scattered;
    }

    /// <summary>As <see cref="Resolve"/>, with the host addresses always in <see cref="Warp.Addresses"/>.</summary>
    public static ulong* ResolveEach<TSpace>(Op* op, byte* f, Warp w, uint mask, int bytes)
        where TSpace : struct, ISpace
    {
        Lower(op, f, out Vector512<ulong> v0, out Vector512<ulong> v1, out Vector512<ulong> v2, out Vector512<ulong> v3);
        Scatter<TSpace>(op, w, mask, bytes, v0, v1, v2, v3);
        return w.Addresses;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lower(Op* op, byte* f, out Vector512<ulong> v0, out Vector512<ulong> v1, out Vector512<ulong> v2, out Vector512<ulong> v3)
    {
        Vector512<ulong> offset = Vector512.Create((ulong)op->Constant);
        if (op->C == 0)
        {
            v0 = Lanes.Load<ulong>(f + op->A, 0) + offset;
            v1 = Lanes.Load<ulong>(f + op->A, 1) + offset;
            v2 = Lanes.Load<ulong>(f + op->A, 2) + offset;
            v3 = Lanes.Load<ulong>(f + op->A, 3) + offset;
        }
        else
        {
            Vector512<uint> low = Lanes.Load<uint>(f + op->A, 0) + offset.AsUInt32().WithEvenSpread();
            Vector512<uint> high = Lanes.Load<uint>(f + op->A, 1) + offset.AsUInt32().WithEvenSpread();
            (v0, v1) = Vector512.Widen(low);
            (v2, v3) = Vector512.Widen(high);
        }
    }

    private static Vector512<uint> WithEvenSpread(this Vector512<uint> offset) => Vector512.Create(offset.ToScalar());

    // Whether [low, high + bytes) is in one place that the space allows; then bias leads from addresses to the host's.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryRegion<TSpace>(Op* op, Warp w, ulong low, ulong high, int bytes, out ulong bias)
        where TSpace : struct, ISpace
    {
        if ((low & (ulong)(bytes - 1)) != 0)
        {
            bias = 0;
            return false; // the slow way tells which lane it is
        }

        AddressWindow window = TSpace.Window;
        if (window == AddressWindow.Generic)
        {
            window = WindowOf(low);
            ulong start = BaseOf(window);
            if (window != AddressWindow.Global)
            {
                bool inside = window == WindowOf(high) && window is AddressWindow.Shared or AddressWindow.Param
                    && TryWindow(w, window, low - start, high - start, bytes, out bias);
                bias = inside ? Bias(w, window) - start : 0;
                return inside;
            }
        }

        if (window != AddressWindow.Global)
        {
            return TryWindow(w, window, low, high, bytes, out bias);
        }

        bias = 0;
        MemoryMap map = w.Block.Map;
        int last = op->Allocation;
        ulong end = high + (ulong)bytes;
        if (last < map.Start.Length && map.Start[last] <= low && end <= map.End[last] && low < end)
        {
            return true;
        }

        int index = map.IndexOf(low);
        if (index < 0 || end > map.End[index] || low >= end)
        {
            return false;
        }

        op->Allocation = index;
        return true;
    }

    private static ulong Bias(Warp w, AddressWindow window) => (ulong)(window == AddressWindow.Shared ? w.Block.Shared : w.Block.Parameters);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryWindow(Warp w, AddressWindow window, ulong low, ulong high, int bytes, out ulong bias)
    {
        bias = Bias(w, window);
        int size = window == AddressWindow.Shared ? w.Block.SharedBytes : w.Block.Launch.Parameters.Length;
        return low <= high && high + (ulong)bytes <= (ulong)size && high + (ulong)bytes > high;
    }

    private static byte* Scatter<TSpace>(
        Op* op, Warp w, uint mask, int bytes, Vector512<ulong> v0, Vector512<ulong> v1, Vector512<ulong> v2, Vector512<ulong> v3)
        where TSpace : struct, ISpace
    {
        ulong* addresses = w.Addresses;
        v0.Store(addresses);
        v1.Store(addresses + 8);
        v2.Store(addresses + 16);
        v3.Store(addresses + 24);
        int firstLane = BitOperations.TrailingZeroCount(mask);
        if (TSpace.Window is AddressWindow.Local)
        {
            OneByOne(op, w, mask, bytes, AddressWindow.Local);
            return (byte*)addresses[firstLane];
        }

        // Lanes that do not take part count as the first that does.
        Vector512<ulong> filler = Vector512.Create(addresses[firstLane]);
        v0 = Vector512.ConditionalSelect(Lanes.Expand64(mask, 0), v0, filler);
        v1 = Vector512.ConditionalSelect(Lanes.Expand64(mask, 1), v1, filler);
        v2 = Vector512.ConditionalSelect(Lanes.Expand64(mask, 2), v2, filler);
        v3 = Vector512.ConditionalSelect(Lanes.Expand64(mask, 3), v3, filler);
        Vector512<ulong> least = Vector512.Min(Vector512.Min(v0, v1), Vector512.Min(v2, v3));
        Vector512<ulong> most = Vector512.Max(Vector512.Max(v0, v1), Vector512.Max(v2, v3));
        ulong low = ulong.MaxValue, high = 0;
        for (int i = 0; i < 8; i++)
        {
            low = Math.Min(low, least[i]);
            high = Math.Max(high, most[i]);
        }

        Vector512<ulong> misaligned = (v0 | v1 | v2 | v3) & Vector512.Create((ulong)(bytes - 1));
        if (misaligned == Vector512<ulong>.Zero && TryRegion<TSpace>(op, w, low, high, bytes, out ulong bias))
        {
            Vector512<ulong> shift = Vector512.Create(bias);
            (v0 + shift).Store(addresses);
            (v1 + shift).Store(addresses + 8);
            (v2 + shift).Store(addresses + 16);
            (v3 + shift).Store(addresses + 24);
        }
        else
        {
            OneByOne(op, w, mask, bytes, TSpace.Window);
        }

        return (byte*)addresses[firstLane];
    }

    private static void OneByOne(Op* op, Warp w, uint mask, int bytes, AddressWindow space)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            w.Addresses[lane] = HostAddress(op, w, lane, w.Addresses[lane], bytes, space);
        }
    }

    /// <summary>The host address of one lane's access; faults if it is not allowed.</summary>
    public static ulong HostAddress(Op* op, Warp w, int lane, ulong address, int bytes, AddressWindow space)
    {
        AddressWindow window = space;
        ulong inWindow = address;
        if (space == AddressWindow.Generic)
        {
            window = WindowOf(address);
            inWindow = address - BaseOf(window);
        }

        if ((inWindow & (ulong)(bytes - 1)) != 0)
        {
            throw w.Fault(op, lane, CudaResult.MisalignedAddress,
                $"{Name(window)} address 0x{inWindow:x} is not a multiple of {bytes}, the bytes that the instruction accesses at once");
        }

        KernelCode kernel = w.Block.Launch.Kernel;
        (ulong start, int size) = window switch
        {
            AddressWindow.Shared => ((ulong)w.Block.Shared, w.Block.SharedBytes),
            AddressWindow.Param => ((ulong)w.Block.Parameters, kernel.ParameterBytes),
            AddressWindow.Local => ((ulong)(w.Local + lane * w.LocalStride), kernel.LocalBytes),
            _ => (0ul, 0),
        };
        if (window == AddressWindow.Global || size == 0 && window is not (AddressWindow.Shared or AddressWindow.Local or AddressWindow.Param))
        {
            MemoryMap map = w.Block.Map;
            int index = map.IndexOf(address);
            return index >= 0 && (ulong)bytes <= map.End[index] - address
                ? address
                : throw w.Fault(op, lane, CudaResult.IllegalAddress, $"{bytes} bytes at 0x{address:x} are not in any allocation: {Why(w, address, bytes)}");
        }

        return inWindow <= (ulong)size && (ulong)bytes <= (ulong)size - inWindow
            ? start + inWindow
            : throw w.Fault(op, lane, CudaResult.IllegalAddress,
                $"{bytes} bytes at {Name(window)} address 0x{inWindow:x} are beyond the {size} bytes of {Name(window)} memory that {(window == AddressWindow.Local ? "a thread" : "the block")} has");
    }

    private static string Name(AddressWindow window) => window switch
    {
        AddressWindow.Shared => "shared",
        AddressWindow.Local => "local",
        AddressWindow.Param => "parameter",
        _ => "global",
    };

    private static string Why(Warp w, ulong address, int bytes) => w.Block.Map.Describe(address, bytes);
}
