using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// ld and st of two or four values a lane. A lane's values are together in memory and in different registers, so a whole warp
/// that accesses four words a lane transposes 4 x 4 words at a time:
///
///     memory   lane 0: x0 y0 z0 w0         registers   x: x0 x1 x2 x3 …
///              lane 1: x1 y1 z1 w1                     y: y0 y1 y2 y3 …
///              lane 2: x2 y2 z2 w2                     z: z0 z1 z2 z3 …
///              lane 3: x3 y3 z3 w3                     w: w0 w1 w2 w3 …
/// </summary>
internal static unsafe class VectorAccess
{
    /// <summary>The registers of <see cref="Op.Slots"/> = [a + constant].</summary>
    public static Op* Load<TSpace, TMemory, TRegister>(Op* op, byte* f, Warp w, uint mask)
        where TSpace : struct, ISpace
        where TMemory : unmanaged, IBinaryInteger<TMemory>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        if (mask == 0)
        {
            return op + 1;
        }

        int count = op->Count;
        AccessShape shape = Addressing.Resolve<TSpace>(op, f, w, mask, sizeof(TMemory) * count, out byte* first);
        w.Checks?.Read<TSpace>(op, w, mask, shape, first, sizeof(TMemory) * count);
        Spread(w, shape, first, sizeof(TMemory) * count);
        ulong* addresses = w.Addresses;
        int* slots = op->Slots;
        if (Sse2.IsSupported && mask == Lanes.All && count == 4 && sizeof(TMemory) == 4 && sizeof(TRegister) == 4)
        {
            for (int lane = 0; lane < Lanes.Count; lane += 4)
            {
                Transpose(
                    Vector128.Load((uint*)addresses[lane]), Vector128.Load((uint*)addresses[lane + 1]),
                    Vector128.Load((uint*)addresses[lane + 2]), Vector128.Load((uint*)addresses[lane + 3]),
                    (uint*)(f + slots[0]) + lane, (uint*)(f + slots[1]) + lane, (uint*)(f + slots[2]) + lane, (uint*)(f + slots[3]) + lane);
            }

            return op + 1;
        }

        for (int i = 0; i < count; i++)
        {
            TRegister* d = (TRegister*)(f + slots[i]);
            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                int lane = BitOperations.TrailingZeroCount(rest);
                d[lane] = TRegister.CreateTruncating(((TMemory*)addresses[lane])[i]);
            }
        }

        return op + 1;
    }

    /// <summary>[a + constant] = the registers of <see cref="Op.Slots"/>.</summary>
    public static Op* Store<TSpace, TMemory, TRegister>(Op* op, byte* f, Warp w, uint mask)
        where TSpace : struct, ISpace
        where TMemory : unmanaged, IBinaryInteger<TMemory>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        if (mask == 0)
        {
            return op + 1;
        }

        int count = op->Count;
        AccessShape shape = Addressing.Resolve<TSpace>(op, f, w, mask, sizeof(TMemory) * count, out byte* first);
        w.Checks?.Write<TSpace>(op, w, mask, shape, first, sizeof(TMemory) * count);
        Spread(w, shape, first, sizeof(TMemory) * count);
        ulong* addresses = w.Addresses;
        int* slots = op->Slots;
        if (Sse2.IsSupported && mask == Lanes.All && count == 4 && sizeof(TMemory) == 4 && sizeof(TRegister) == 4)
        {
            for (int lane = 0; lane < Lanes.Count; lane += 4)
            {
                Transpose(
                    Vector128.Load((uint*)(f + slots[0]) + lane), Vector128.Load((uint*)(f + slots[1]) + lane),
                    Vector128.Load((uint*)(f + slots[2]) + lane), Vector128.Load((uint*)(f + slots[3]) + lane),
                    (uint*)addresses[lane], (uint*)addresses[lane + 1], (uint*)addresses[lane + 2], (uint*)addresses[lane + 3]);
            }
        }
        else
        {
            // Lane after lane: where several write to one place, the last one's vector stays whole.
            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                int lane = BitOperations.TrailingZeroCount(rest);
                for (int i = 0; i < count; i++)
                {
                    ((TMemory*)addresses[lane])[i] = TMemory.CreateTruncating(((TRegister*)(f + slots[i]))[lane]);
                }
            }
        }

        if (shape != AccessShape.Consecutive && w.Checks is { } checks && checks.WatchesCollisionsAt((ulong)first))
        {
            FindCollision<TMemory, TRegister>(op, f, w, mask, checks);
        }

        return op + 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Spread(Warp w, AccessShape shape, byte* first, int bytes)
    {
        if (shape == AccessShape.Scattered)
        {
            return;
        }

        Vector512<ulong> step = Vector512.Create(shape == AccessShape.Consecutive ? (ulong)bytes : 0);
        Vector512<ulong> address = Vector512.Create((ulong)first) + Vector512.Create(0ul, 1, 2, 3, 4, 5, 6, 7) * step;
        for (int part = 0; part < 4; part++, address += step << 3)
        {
            address.Store(w.Addresses + 8 * part);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(
        Vector128<uint> row0, Vector128<uint> row1, Vector128<uint> row2, Vector128<uint> row3, uint* column0, uint* column1, uint* column2, uint* column3)
    {
        Vector128<ulong> low01 = Sse2.UnpackLow(row0, row1).AsUInt64();
        Vector128<ulong> low23 = Sse2.UnpackLow(row2, row3).AsUInt64();
        Vector128<ulong> high01 = Sse2.UnpackHigh(row0, row1).AsUInt64();
        Vector128<ulong> high23 = Sse2.UnpackHigh(row2, row3).AsUInt64();
        Sse2.UnpackLow(low01, low23).AsUInt32().Store(column0);
        Sse2.UnpackHigh(low01, low23).AsUInt32().Store(column1);
        Sse2.UnpackLow(high01, high23).AsUInt32().Store(column2);
        Sse2.UnpackHigh(high01, high23).AsUInt32().Store(column3);
    }

    private static void FindCollision<TMemory, TRegister>(Op* op, byte* f, Warp w, uint mask, Checks.AccessChecks checks)
        where TMemory : unmanaged, IBinaryInteger<TMemory>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            for (int i = 0; i < op->Count; i++)
            {
                if (((TMemory*)w.Addresses[lane])[i] != TMemory.CreateTruncating(((TRegister*)(f + op->Slots[i]))[lane]))
                {
                    throw checks.Collision(op, w, lane, w.Addresses[lane]);
                }
            }
        }
    }
}
