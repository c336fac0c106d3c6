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
internal sealed unsafe partial class SharedHistory
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
            copiesUnderWay = 0;
        }

        ForgetUnderWay();
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

    /// <summary>Whether a write of a lane would come after everything that it has to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool CanWrite(int offset, int count, Accessor by)
    {
        var unit = offset >> shift;
        if (!HasNoProduct(unit, count >> shift))
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
