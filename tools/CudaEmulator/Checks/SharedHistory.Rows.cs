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
        var floor = Vector128.Create(order.FloorOf(by.Warp));
        var warp = Vector128.Create(1u << by.Warp);
        var now = Vector128.Create(order.Now);
        var isFour = count >> shift == 4 && by.Meeting == Meeting.No;
        order.Touch();
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var lane = BitOperations.TrailingZeroCount(rest);
            var offset = (int)(addresses[lane] - start);
            var unit = offset >> shift;
            if (!isFour || Vector128.GreaterThanOrEqualAny(Vector128.Load(writeTimes + unit), floor))
            {
                if (!TryRead(offset, count, by.InLane(lane)))
                {
                    return lane;
                }

                continue;
            }

            var times = Vector128.Load(readTimes + unit);
            var warps = Vector128.AndNot(Vector128.Load(readWarps + unit), Vector128.LessThan(times, floor));
            Vector128.ConditionalSelect(Vector128.Equals(Vector128.AndNot(warps, warp), Vector128<uint>.Zero), now, times).Store(readTimes + unit);
            (warps | warp).Store(readWarps + unit);
            Vector128.Create(by.InLane(lane).Bits).Store(readers + unit);
        }

        return -1;
    }

    /// <summary>
    /// All 32 lanes of a warp read, each <paramref name="count"/> bytes behind those of the lane before; false if one is in a
    /// race.
    /// </summary>
    public bool TryReadRow(int offset, int count, Accessor by)
    {
        var floor = Vector512.Create(order.FloorOf(by.Warp));
        var unitsPerLane = BitOperations.Log2((uint)count) - shift;
        var first = offset >> shift;
        var warp = Vector512.Create(1u << by.Warp);
        var now = Vector512.Create(order.Now);
        for (var i = 0; i < 32 << unitsPerLane; i += 16)
        {
            var unit = first + i;
            var accessors = Vector512.Create(by.Bits) + (((FirstSixteen + Vector512.Create((uint)i)) >>> unitsPerLane) << Accessor.LaneShift);
            var open = OpenWrites(Vector512.Load(writeTimes + unit), Vector512.Load(writers + unit), accessors, floor);
            if (open != Vector512<uint>.Zero)
            {
                for (var one = 0; one < 16; one++)
                {
                    if (!IsAfterWrite(unit + one, by.InLane((i + one) >> unitsPerLane), isRead: true))
                    {
                        return false;
                    }
                }
            }

            var times = Vector512.Load(readTimes + unit);
            var isOld = Vector512.LessThan(times, floor);
            var warps = Vector512.AndNot(Vector512.Load(readWarps + unit), isOld);
            Vector512.ConditionalSelect(isOld | Vector512.Equals(warps, warp), now, times).Store(readTimes + unit);
            (warps | warp).Store(readWarps + unit);
            accessors.Store(readers + unit);
        }

        order.Touch();
        return true;
    }

    /// <summary>
    /// All 32 lanes of a warp write, each <paramref name="count"/> bytes behind those of the lane before; false if one is in a
    /// race.
    /// </summary>
    public bool TryWriteRow(int offset, int count, Accessor by)
    {
        var floor = Vector512.Create(order.FloorOf(by.Warp));
        var unitsPerLane = BitOperations.Log2((uint)count) - shift;
        var first = offset >> shift;
        if (!HasNoProduct(first, 32 << unitsPerLane))
        {
            return false;
        }

        var warp = Vector512.Create(1u << by.Warp);
        var now = Vector512.Create(order.Now);
        for (var i = 0; i < 32 << unitsPerLane; i += 16)
        {
            var unit = first + i;
            var accessors = Vector512.Create(by.Bits) + (((FirstSixteen + Vector512.Create((uint)i)) >>> unitsPerLane) << Accessor.LaneShift);
            var isOnlyReader = IsSameThread(Vector512.Load(readers + unit), accessors) & Vector512.Equals(Vector512.Load(readWarps + unit), warp);
            var open = OpenWrites(Vector512.Load(writeTimes + unit), Vector512.Load(writers + unit), accessors, floor)
                | Vector512.AndNot(Vector512.GreaterThanOrEqual(Vector512.Load(readTimes + unit), floor), isOnlyReader);
            if (open != Vector512<uint>.Zero)
            {
                for (var one = 0; one < 16; one++)
                {
                    if (!CanWriteUnit(unit + one, by.InLane((i + one) >> unitsPerLane)))
                    {
                        return false;
                    }
                }
            }

            now.Store(writeTimes + unit);
            accessors.Store(writers + unit);
            Vector512<uint>.Zero.Store(readTimes + unit);
        }

        order.Touch();
        return true;
    }

    private static Vector512<uint> FirstSixteen => Vector512.Create(0u, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    // Units whose write is neither ordered before the accessors, for it is too recent, nor the accessors' own.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> OpenWrites(Vector512<uint> times, Vector512<uint> writers, Vector512<uint> accessors, Vector512<uint> floor)
    {
        var isUnderWay = Vector512.Equals(times, Vector512.Create(Never));
        return Vector512.GreaterThanOrEqual(times, floor) & (isUnderWay | ~IsSameThread(writers, accessors));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> IsSameThread(Vector512<uint> left, Vector512<uint> right) =>
        Vector512.Equals((left ^ right) & Vector512.Create(Accessor.ThreadMask), Vector512<uint>.Zero);
}
