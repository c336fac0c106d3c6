using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>Whether an access is meant to meet other threads' without a barrier between them.</summary>
internal enum Meeting
{
    /// <summary>A plain access.</summary>
    No,

    /// <summary>An atomic, or what the memory model calls strong: volatile, relaxed, acquire, release.</summary>
    Strong,

    /// <summary>An atomic compare-and-swap.</summary>
    CompareAndSwap,
}

/// <summary>
/// Who accessed a unit of memory: the instruction's index in the code, the warp and the lane, and whether the access is meant
/// to meet those of other threads (<see cref="Meeting"/>).
///
///     bit  30 … 31    25 … 29    20 … 24    0 … 19
///          meeting    warp       lane       instruction
/// </summary>
internal readonly record struct Accessor(uint Bits)
{
    /// <summary>What one lane more adds.</summary>
    private const uint NextLane = 1u << 20;

    public Accessor(int instruction, int warp, int lane, Meeting meeting)
        : this((uint)instruction | (uint)lane << 20 | (uint)warp << 25 | (uint)meeting << 30)
    {
    }

    public int Instruction => (int)(Bits & 0xfffff);

    public int Lane => (int)(Bits >> 20) & 31;

    public int Warp => (int)(Bits >> 25) & 31;

    public Meeting Meeting => (Meeting)(Bits >> 30);

    /// <summary>The same access by another lane.</summary>
    public Accessor InLane(int lane) => new(Bits + (uint)lane * NextLane);

    /// <summary>
    /// Whether two accesses, one of them a write, may meet: both are meant to; or one is a compare-and-swap and the other a
    /// plain read, with which the loop around a compare-and-swap begins.
    /// </summary>
    public bool MayMeet(Accessor other, bool isRead = false) =>
        (Meeting != Meeting.No && other.Meeting != Meeting.No) || (isRead && Meeting == Meeting.CompareAndSwap);
}

/// <summary>Two accesses that nothing puts in order.</summary>
/// <param name="Offset">The first byte in shared memory that they have in common.</param>
/// <param name="Earlier">The one that the emulator happened to run first.</param>
/// <param name="HasWritten">Whether that one wrote.</param>
/// <param name="IsUnderWay">Whether it is a cp.async that has not been waited for.</param>
internal readonly record struct Race(int Offset, Accessor Earlier, bool HasWritten, bool IsUnderWay);

/// <summary>
/// The latest accesses to every unit of a block's shared memory. A unit is as large as the smallest access in the kernel, so
/// that each access covers whole units. Of a unit is known
///
///     the latest write     its time and its accessor; later writes come after it, so the ones before do not matter
///     the reads since      the warps they were by, the earliest time that matters, and the latest accessor
///
/// and a new access has to come after the write, and a write also after the reads (<see cref="Ordering"/>). Bytes that a
/// cp.async has been told to write have a write that lies in the future until the copy is waited for: so whoever touches
/// them sooner is in a race with the copy.
/// </summary>
internal sealed class SharedHistory(Ordering order, int bytes, int unitBytes)
{
    private const uint Never = uint.MaxValue;

    private readonly int shift = BitOperations.Log2((uint)unitBytes);
    private readonly uint[] writeTimes = NewUnits(bytes, unitBytes);
    private readonly uint[] writers = NewUnits(bytes, unitBytes);
    private readonly uint[] readTimes = NewUnits(bytes, unitBytes);
    private readonly uint[] readWarps = NewUnits(bytes, unitBytes);
    private readonly uint[] readers = NewUnits(bytes, unitBytes);
    private int underWay;

    /// <summary>A block begins. What is left of the one before is older than all that matters.</summary>
    public void Begin()
    {
        if (order.Now > Never / 2)
        {
            order.Restart();
            Array.Clear(writeTimes);
            Array.Clear(readTimes);
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

        order.Begin();
    }

    /// <summary>A lane reads; the race that it is in, if any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Race? Read(int offset, int count, Accessor by)
    {
        var floor = order.FloorOf(by.Warp);
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            if (writeTimes[unit] >= floor && AfterWrite(unit, by, isRead: true) is { } race)
            {
                return race;
            }

            NoteRead(unit, by, floor);
        }

        return null;
    }

    /// <summary>All 32 lanes of a warp read, each <paramref name="count"/> bytes behind those of the lane before.</summary>
    public Race? ReadRow(int offset, int count, Accessor by)
    {
        var floor = Vector512.Create(order.FloorOf(by.Warp));
        var lanesPerUnit = BitOperations.Log2((uint)count) - shift;
        var units = 32 << lanesPerUnit;
        var first = offset >> shift;
        var bit = Vector512.Create(1u << by.Warp);
        var now = Vector512.Create(order.Now);
        var lane = Vector512.Create(0u, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        for (var i = 0; i < units; i += 16, lane += Vector512.Create(16u))
        {
            var unit = first + i;
            if (Vector512.GreaterThanOrEqualAny(Vector512.Create(writeTimes, unit), floor))
            {
                for (var one = 0; one < 16; one++)
                {
                    if (AfterWrite(unit + one, by.InLane((i + one) >> lanesPerUnit), isRead: true) is { } race)
                    {
                        return race;
                    }
                }
            }

            var times = Vector512.Create(readTimes, unit);
            var isOld = Vector512.LessThan(times, floor);
            var warps = Vector512.AndNot(Vector512.Create(readWarps, unit), isOld);
            var isOwn = isOld | Vector512.Equals(warps, bit);
            Vector512.ConditionalSelect(isOwn, now, times).CopyTo(readTimes, unit);
            (warps | bit).CopyTo(readWarps, unit);
            (Vector512.Create(by.Bits) + ((lane >>> lanesPerUnit) << 20)).CopyTo(readers, unit);
        }

        order.Touch();
        return null;
    }

    /// <summary>Whether a write of a lane would come after everything that it has to; the race, if not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Race? BeforeWrite(int offset, int count, Accessor by)
    {
        var floor = order.FloorOf(by.Warp);
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            if (writeTimes[unit] >= floor && AfterWrite(unit, by, isRead: false) is { } race)
            {
                return race;
            }

            if (readTimes[unit] >= floor && AfterReads(unit, by) is { } other)
            {
                return other;
            }
        }

        return null;
    }

    /// <summary>As <see cref="BeforeWrite"/>, for all 32 lanes of a warp, each behind the one before; notes the write if it is in no race.</summary>
    public Race? WriteRow(int offset, int count, Accessor by)
    {
        var floor = Vector512.Create(order.FloorOf(by.Warp));
        var lanesPerUnit = BitOperations.Log2((uint)count) - shift;
        var units = 32 << lanesPerUnit;
        var first = offset >> shift;
        var now = Vector512.Create(order.Now);
        var lane = Vector512.Create(0u, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        for (var i = 0; i < units; i += 16, lane += Vector512.Create(16u))
        {
            var unit = first + i;
            if (Vector512.GreaterThanOrEqualAny(Vector512.Max(Vector512.Create(writeTimes, unit), Vector512.Create(readTimes, unit)), floor))
            {
                for (var one = 0; one < 16; one++)
                {
                    if (BeforeWrite((unit + one) << shift, 1 << shift, by.InLane((i + one) >> lanesPerUnit)) is { } race)
                    {
                        return race;
                    }
                }
            }

            now.CopyTo(writeTimes, unit);
            (Vector512.Create(by.Bits) + ((lane >>> lanesPerUnit) << 20)).CopyTo(writers, unit);
            Vector512<uint>.Zero.CopyTo(readTimes, unit);
        }

        order.Touch();
        return null;
    }

    /// <summary>Notes a write.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(int offset, int count, Accessor by)
    {
        var floor = order.FloorOf(by.Warp);
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
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

        order.Touch();
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

    // Vectors of 16 units may begin at any unit.
    private static uint[] NewUnits(int bytes, int unitBytes) => new uint[bytes / unitBytes + 16];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteRead(int unit, Accessor by, uint floor)
    {
        var bit = 1u << by.Warp;
        var warps = readTimes[unit] < floor ? 0 : readWarps[unit];
        if ((warps & ~bit) == 0)
        {
            readTimes[unit] = order.Now;
        }

        // A plain read among strong ones counts: it is the one that a strong write must not meet.
        var isPlainKnown = warps != 0 && new Accessor(readers[unit]).Meeting == Meeting.No;
        readWarps[unit] = warps | bit;
        if (by.Meeting == Meeting.No || !isPlainKnown)
        {
            readers[unit] = by.Bits;
        }

        order.Touch();
    }

    private Race? AfterWrite(int unit, Accessor by, bool isRead)
    {
        var time = writeTimes[unit];
        Accessor writer = new(writers[unit]);
        if (time == Never)
        {
            return new(unit << shift, writer, HasWritten: true, IsUnderWay: true);
        }

        var isOrdered = order.IsBefore(writer.Warp, time, by.Warp)
            || (writer.Warp == by.Warp && writer.Lane == by.Lane)
            || writer.MayMeet(by, isRead);
        return isOrdered ? null : new(unit << shift, writer, HasWritten: true, IsUnderWay: false);
    }

    // Of several readers only the last one's lane is known: where it could be the writer itself, it is taken to be.
    private Race? AfterReads(int unit, Accessor by)
    {
        var time = readTimes[unit];
        Accessor reader = new(readers[unit]);
        if (by.MayMeet(reader, isRead: true))
        {
            return null;
        }

        for (var rest = readWarps[unit]; rest != 0; rest &= rest - 1)
        {
            var warp = BitOperations.TrailingZeroCount(rest);
            var isOwn = warp == by.Warp && (reader.Warp != warp || reader.Lane == by.Lane);
            if (!isOwn && !order.IsBefore(warp, time, by.Warp))
            {
                // The latest reader need not be of this warp; the instruction is most likely the same.
                Accessor known = reader.Warp == warp ? reader : new(reader.Instruction, warp, 0, reader.Meeting);
                return new(unit << shift, known, HasWritten: false, IsUnderWay: false);
            }
        }

        return null;
    }
}
