using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Checks;

/// <content>
/// Accesses of all lanes of a warp, many units at once. They come to the same as unit by unit, which is how they go on where a
/// race is possible.
/// </content>
internal sealed unsafe partial class SharedHistory
{
    /// <summary>Lanes of a warp read anywhere; the first lane that is in a race, or -1.</summary>
    /// <param name="addresses">By lane.</param>
    /// <param name="start">Address of the memory's first byte.</param>
    /// <param name="mask">The lanes.</param>
    /// <param name="count">Bytes that each reads.</param>
    /// <param name="by">The access by lane 0.</param>
    public int FirstRace(ulong* addresses, ulong start, uint mask, int count, Accessor by)
    {
        Vector128<uint> floor = Vector128.Create(_order.FloorOf(by.Warp));
        Vector128<uint> warp = Vector128.Create(1u << by.Warp);
        Vector128<uint> now = Vector128.Create(_order.Now);
        bool isFour = count >> _shift == 4 && by.Meeting == Meeting.No;
        _order.Touch();
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            int offset = (int)(addresses[lane] - start);
            int unit = offset >> _shift;
            if (!isFour || Vector128.GreaterThanOrEqualAny(Vector128.Load(_writeTimes + unit), floor))
            {
                if (!TryRead(offset, count, by.InLane(lane)))
                {
                    return lane;
                }

                continue;
            }

            Vector128<uint> times = Vector128.Load(_readTimes + unit);
            Vector128<uint> warps = Vector128.AndNot(Vector128.Load(_readWarps + unit), Vector128.LessThan(times, floor));
            Vector128.ConditionalSelect(Vector128.Equals(Vector128.AndNot(warps, warp), Vector128<uint>.Zero), now, times).Store(_readTimes + unit);
            (warps | warp).Store(_readWarps + unit);
            Vector128.Create(by.InLane(lane).Bits).Store(_readers + unit);
        }

        return -1;
    }

    /// <summary>
    /// All 32 lanes of a warp read, each <paramref name="count"/> bytes behind those of the lane before; false if one is in a
    /// race.
    /// </summary>
    public bool TryReadRow(int offset, int count, Accessor by)
    {
        Vector512<uint> floor = Vector512.Create(_order.FloorOf(by.Warp));
        int unitsPerLane = BitOperations.Log2((uint)count) - _shift;
        int first = offset >> _shift;
        Vector512<uint> warp = Vector512.Create(1u << by.Warp);
        Vector512<uint> now = Vector512.Create(_order.Now);
        for (int i = 0; i < 32 << unitsPerLane; i += 16)
        {
            int unit = first + i;
            Vector512<uint> accessors = Vector512.Create(by.Bits) + (((FirstSixteen + Vector512.Create((uint)i)) >>> unitsPerLane) << Accessor.LaneShift);
            Vector512<uint> open = OpenWrites(Vector512.Load(_writeTimes + unit), Vector512.Load(_writers + unit), accessors, floor);
            if (open != Vector512<uint>.Zero)
            {
                for (int one = 0; one < 16; one++)
                {
                    if (!IsAfterWrite(unit + one, by.InLane((i + one) >> unitsPerLane), isRead: true))
                    {
                        return false;
                    }
                }
            }

            Vector512<uint> times = Vector512.Load(_readTimes + unit);
            Vector512<uint> isOld = Vector512.LessThan(times, floor);
            Vector512<uint> warps = Vector512.AndNot(Vector512.Load(_readWarps + unit), isOld);
            Vector512.ConditionalSelect(isOld | Vector512.Equals(warps, warp), now, times).Store(_readTimes + unit);
            (warps | warp).Store(_readWarps + unit);
            accessors.Store(_readers + unit);
        }

        _order.Touch();
        return true;
    }

    /// <summary>
    /// All 32 lanes of a warp write, each <paramref name="count"/> bytes behind those of the lane before; false if one is in a
    /// race.
    /// </summary>
    public bool TryWriteRow(int offset, int count, Accessor by)
    {
        Vector512<uint> floor = Vector512.Create(_order.FloorOf(by.Warp));
        int unitsPerLane = BitOperations.Log2((uint)count) - _shift;
        int first = offset >> _shift;
        if (!HasNoProduct(first, 32 << unitsPerLane))
        {
            return false;
        }

        Vector512<uint> warp = Vector512.Create(1u << by.Warp);
        Vector512<uint> now = Vector512.Create(_order.Now);
        for (int i = 0; i < 32 << unitsPerLane; i += 16)
        {
            int unit = first + i;
            Vector512<uint> accessors = Vector512.Create(by.Bits) + (((FirstSixteen + Vector512.Create((uint)i)) >>> unitsPerLane) << Accessor.LaneShift);
            Vector512<uint> isOnlyReader = IsSameThread(Vector512.Load(_readers + unit), accessors) & Vector512.Equals(Vector512.Load(_readWarps + unit), warp);
            Vector512<uint> open = OpenWrites(Vector512.Load(_writeTimes + unit), Vector512.Load(_writers + unit), accessors, floor)
                | Vector512.AndNot(Vector512.GreaterThanOrEqual(Vector512.Load(_readTimes + unit), floor), isOnlyReader);
            if (open != Vector512<uint>.Zero)
            {
                for (int one = 0; one < 16; one++)
                {
                    if (!CanWriteUnit(unit + one, by.InLane((i + one) >> unitsPerLane)))
                    {
                        return false;
                    }
                }
            }

            now.Store(_writeTimes + unit);
            accessors.Store(_writers + unit);
            Vector512<uint>.Zero.Store(_readTimes + unit);
        }

        _order.Touch();
        return true;
    }

    private static Vector512<uint> FirstSixteen => Vector512.Create(0u, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    // Units whose write is neither ordered before the accessors, for it is too recent, nor the accessors' own.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> OpenWrites(Vector512<uint> times, Vector512<uint> writers, Vector512<uint> accessors, Vector512<uint> floor)
    {
        Vector512<uint> isUnderWay = Vector512.Equals(times, Vector512.Create(Never));
        return Vector512.GreaterThanOrEqual(times, floor) & (isUnderWay | ~IsSameThread(writers, accessors));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> IsSameThread(Vector512<uint> left, Vector512<uint> right) =>
        Vector512.Equals((left ^ right) & Vector512.Create(Accessor.ThreadMask), Vector512<uint>.Zero);
}
