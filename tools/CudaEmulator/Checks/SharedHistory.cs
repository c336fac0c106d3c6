using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>
/// The latest accesses to every unit of a block's shared memory. A unit is as large as the smallest access in the kernel, so
/// that each access covers whole units. Of a unit is known
///
///     the latest write     its time and its accessor; later writes come after it, so the ones before do not matter
///     the reads since      the warps they were by, the earliest time that matters, and the latest accessor
///
/// and a new access has to come after the write, and a write also after the reads (<see cref="Ordering"/>). Bytes that a
/// cp.async has been told to write have a write that lies in the future until the copy is waited for: so whoever touches
/// them sooner is in a race with the copy. Bytes that a wgmma has been told to read are counted until it is waited for: so
/// whoever writes them sooner is in a race with the product.
/// </summary>
internal sealed unsafe class SharedHistory
{
    private const uint Never = uint.MaxValue;

    private readonly Ordering order;
    private readonly int shift;
    private readonly uint[] memory;
    private readonly uint* writeTimes;
    private readonly uint* writers;
    private readonly uint* readTimes;
    private readonly uint* readWarps;
    private readonly uint* readers;
    private readonly ushort[] pendingReads;
    private readonly uint[] pendingReaders;
    private int underWay;
    private int readsUnderWay;

    /// <summary>A history of memory that nobody has accessed.</summary>
    /// <param name="order">The order of accesses.</param>
    /// <param name="bytes">Bytes of the memory.</param>
    /// <param name="unitBytes">Bytes of a unit, a power of two.</param>
    public SharedHistory(Ordering order, int bytes, int unitBytes)
    {
        this.order = order;
        shift = BitOperations.Log2((uint)unitBytes);
        var units = (bytes + unitBytes - 1) / unitBytes;
        memory = GC.AllocateArray<uint>(5 * units, pinned: true);
        writeTimes = (uint*)Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0);
        writers = writeTimes + units;
        readTimes = writers + units;
        readWarps = readTimes + units;
        readers = readWarps + units;
        pendingReads = new ushort[units];
        pendingReaders = new uint[units];
    }

    /// <summary>A block begins. What is left of the one before is older than all that matters.</summary>
    public void Begin()
    {
        if (order.Now > Never / 2)
        {
            order.Restart();
            Array.Clear(memory);
            underWay = 0;
        }

        for (var i = 0; underWay > 0; i++)
        {
            if (writeTimes[i] == Never)
            {
                writeTimes[i] = 0;
                underWay--;
            }
        }

        if (readsUnderWay > 0)
        {
            Array.Clear(pendingReads);
            readsUnderWay = 0;
        }

        order.Begin();
    }

    /// <summary>The race that the latest access was in, if it was in one.</summary>
    public Race Found { get; private set; }

    /// <summary>A lane reads; false if it is in a race.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRead(int offset, int count, Accessor by)
    {
        var unit = offset >> shift;
        for (var end = unit + (count >> shift); unit < end; unit++)
        {
            if (!TryReadUnit(unit, by))
            {
                return false;
            }
        }

        return true;
    }

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

    /// <summary>All 32 lanes of a warp read, each <paramref name="count"/> bytes behind those of the lane before; false if one is in a race.</summary>
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

    /// <summary>Whether a write of a lane would come after everything that it has to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool CanWrite(int offset, int count, Accessor by)
    {
        var unit = offset >> shift;
        if (readsUnderWay > 0 && !HasNoReader(unit, count >> shift))
        {
            return false;
        }

        if (count >> shift == 4)
        {
            return CanWriteFour(unit, by);
        }

        for (var end = unit + (count >> shift); unit < end; unit++)
        {
            if (!CanWriteUnit(unit, by))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>All 32 lanes of a warp write, each <paramref name="count"/> bytes behind those of the lane before; false if one is in a race.</summary>
    public bool TryWriteRow(int offset, int count, Accessor by)
    {
        var floor = Vector512.Create(order.FloorOf(by.Warp));
        var unitsPerLane = BitOperations.Log2((uint)count) - shift;
        var first = offset >> shift;
        if (readsUnderWay > 0 && !HasNoReader(first, 32 << unitsPerLane))
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

    /// <summary>Notes a write.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(int offset, int count, Accessor by)
    {
        var unit = offset >> shift;
        order.Touch();
        if (count >> shift == 4 && by.Meeting == Meeting.No)
        {
            Vector128.Create(order.Now).Store(writeTimes + unit);
            Vector128.Create(by.Bits).Store(writers + unit);
            Vector128<uint>.Zero.Store(readTimes + unit);
            return;
        }

        var floor = order.FloorOf(by.Warp);
        for (var end = unit + (count >> shift); unit < end; unit++)
        {
            // A plain write that others may still have to come after matters more than an atomic that they may meet.
            if (by.Meeting != Meeting.No && writeTimes[unit] >= floor && new Accessor(writers[unit]).Meeting == Meeting.No)
            {
                continue;
            }

            writeTimes[unit] = order.Now;
            writers[unit] = by.Bits;
            readTimes[unit] = 0;
        }
    }

    /// <summary>Notes that a cp.async will write.</summary>
    public void BeginCopy(int offset, int count, Accessor by)
    {
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            writeTimes[unit] = Never;
            writers[unit] = by.Bits;
            readTimes[unit] = 0;
            underWay++;
        }
    }

    /// <summary>A cp.async that was noted has been waited for: it is a write of the thread that waits.</summary>
    public void EndCopy(int offset, int count)
    {
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            underWay -= writeTimes[unit] == Never ? 1 : 0;
            writeTimes[unit] = order.Now;
        }

        order.Touch();
    }

    /// <summary>Notes that a wgmma will read; false if that is in a race, or what is there is not fenced for it.</summary>
    public bool TryBeginRead(int offset, int count, Accessor by)
    {
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            if (!TryReadUnit(unit, by))
            {
                return false;
            }

            Accessor writer = new(writers[unit]);
            if (writeTimes[unit] >= order.Start && !order.IsFenced(writer.Warp, writeTimes[unit], by.Warp))
            {
                Found = new(unit << shift, writer, HasWritten: true, IsUnderWay: false, IsUnfenced: true);
                return false;
            }

            pendingReads[unit]++;
            pendingReaders[unit] = by.Bits;
            readsUnderWay++;
        }

        return true;
    }

    /// <summary>A wgmma that was noted has been waited for: it has read until now.</summary>
    public void EndRead(int offset, int count, Accessor by)
    {
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            pendingReads[unit]--;
            readsUnderWay--;
            TryReadUnit(unit, by);
        }
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

    private bool HasNoReader(int unit, int count)
    {
        for (var end = unit + count; unit < end; unit++)
        {
            if (pendingReads[unit] > 0)
            {
                Found = new(unit << shift, new(pendingReaders[unit]), HasWritten: false, IsUnderWay: true);
                return false;
            }
        }

        return true;
    }

    private bool CanWriteFour(int unit, Accessor by)
    {
        var latest = Vector128.Max(Vector128.Load(writeTimes + unit), Vector128.Load(readTimes + unit));
        return Vector128.LessThanAll(latest, Vector128.Create(order.FloorOf(by.Warp)))
            || (CanWriteUnit(unit, by) && CanWriteUnit(unit + 1, by) && CanWriteUnit(unit + 2, by) && CanWriteUnit(unit + 3, by));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReadUnit(int unit, Accessor by)
    {
        var floor = order.FloorOf(by.Warp);
        if (writeTimes[unit] >= floor && !IsAfterWrite(unit, by, isRead: true))
        {
            return false;
        }

        var warp = 1u << by.Warp;
        var warps = readTimes[unit] < floor ? 0 : readWarps[unit];
        if ((warps & ~warp) == 0)
        {
            readTimes[unit] = order.Now;
        }

        // A plain read among strong ones counts: it is the one that a strong write must not meet.
        if (warps == 0 || by.Meeting == Meeting.No || new Accessor(readers[unit]).Meeting != Meeting.No)
        {
            readers[unit] = by.Bits;
        }

        readWarps[unit] = warps | warp;
        order.Touch();
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool CanWriteUnit(int unit, Accessor by)
    {
        var floor = order.FloorOf(by.Warp);
        return (writeTimes[unit] < floor || IsAfterWrite(unit, by, isRead: false)) && (readTimes[unit] < floor || IsAfterReads(unit, by));
    }

    private bool IsAfterWrite(int unit, Accessor by, bool isRead)
    {
        var time = writeTimes[unit];
        Accessor writer = new(writers[unit]);
        if (time != Never && (order.IsBefore(writer.Warp, time, by.Warp) || writer.IsSameThread(by) || writer.MayMeet(by, isRead)))
        {
            return true;
        }

        Found = new(unit << shift, writer, HasWritten: true, IsUnderWay: time == Never);
        return false;
    }

    // Of several readers only the last one's lane is known: where it could be the writer itself, it is taken to be.
    private bool IsAfterReads(int unit, Accessor by)
    {
        var time = readTimes[unit];
        Accessor reader = new(readers[unit]);
        if (by.MayMeet(reader, isRead: true))
        {
            return true;
        }

        for (var rest = readWarps[unit]; rest != 0; rest &= rest - 1)
        {
            var warp = BitOperations.TrailingZeroCount(rest);
            var isOwn = warp == by.Warp && (reader.Warp != warp || reader.Lane == by.Lane);
            if (!isOwn && !order.IsBefore(warp, time, by.Warp))
            {
                // The latest reader need not be of this warp; the instruction is most likely the same.
                Accessor known = reader.Warp == warp ? reader : new(reader.Instruction, warp, 0, reader.Meeting);
                Found = new(unit << shift, known, HasWritten: false, IsUnderWay: false);
                return false;
            }
        }

        return true;
    }
}
