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

    private readonly Ordering _order;
    private readonly int _shift;
    private readonly uint[] _memory;
    private readonly uint* _writeTimes;
    private readonly uint* _writers;
    private readonly uint* _readTimes;
    private readonly uint* _readWarps;
    private readonly uint* _readers;

    /// <summary>A history of memory that nobody has accessed.</summary>
    /// <param name="order">The order of accesses.</param>
    /// <param name="bytes">Bytes of the memory.</param>
    /// <param name="unitBytes">Bytes of a unit, a power of two.</param>
    public SharedHistory(Ordering order, int bytes, int unitBytes)
    {
        _order = order;
        _shift = BitOperations.Log2((uint)unitBytes);
        int units = (bytes + unitBytes - 1) / unitBytes;
        _memory = GC.AllocateArray<uint>(5 * units, pinned: true);
        _writeTimes = (uint*)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0);
        _writers = _writeTimes + units;
        _readTimes = _writers + units;
        _readWarps = _readTimes + units;
        _readers = _readWarps + units;
        _pendingReads = new ushort[units];
        _pendingReaders = new uint[units];
    }

    /// <summary>A block begins. What is left of the one before is older than all that matters.</summary>
    public void Begin()
    {
        if (_order.Now > Never / 2)
        {
            _order.Restart();
            Array.Clear(_memory);
            _copiesUnderWay = 0;
        }

        ForgetUnderWay();
        _order.Begin();
    }

    /// <summary>The race that the latest access was in, if it was in one.</summary>
    public Race Found { get; private set; }

    /// <summary>A lane reads; false if it is in a race.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRead(int offset, int count, Accessor by)
    {
        int unit = offset >> _shift;
        for (int end = unit + (count >> _shift); unit < end; unit++)
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
        int unit = offset >> _shift;
        if (!HasNoProduct(unit, count >> _shift))
        {
            return false;
        }

        if (count >> _shift == 4)
        {
            return CanWriteFour(unit, by);
        }

        for (int end = unit + (count >> _shift); unit < end; unit++)
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
        int unit = offset >> _shift;
        _order.Touch();
        if (count >> _shift == 4 && by.Meeting == Meeting.No)
        {
            Vector128.Create(_order.Now).Store(_writeTimes + unit);
            Vector128.Create(by.Bits).Store(_writers + unit);
            Vector128<uint>.Zero.Store(_readTimes + unit);
            return;
        }

        uint floor = _order.FloorOf(by.Warp);
        for (int end = unit + (count >> _shift); unit < end; unit++)
        {
            // A plain write that others may still have to come after matters more than an atomic that they may meet.
            if (by.Meeting != Meeting.No && _writeTimes[unit] >= floor && new Accessor(_writers[unit]).Meeting == Meeting.No)
            {
                continue;
            }

            _writeTimes[unit] = _order.Now;
            _writers[unit] = by.Bits;
            _readTimes[unit] = 0;
        }
    }

    private bool CanWriteFour(int unit, Accessor by)
    {
        Vector128<uint> latest = Vector128.Max(Vector128.Load(_writeTimes + unit), Vector128.Load(_readTimes + unit));
        return Vector128.LessThanAll(latest, Vector128.Create(_order.FloorOf(by.Warp)))
            || (CanWriteUnit(unit, by) && CanWriteUnit(unit + 1, by) && CanWriteUnit(unit + 2, by) && CanWriteUnit(unit + 3, by));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReadUnit(int unit, Accessor by)
    {
        uint floor = _order.FloorOf(by.Warp);
        if (_writeTimes[unit] >= floor && !IsAfterWrite(unit, by, isRead: true))
        {
            return false;
        }

        uint warp = 1u << by.Warp;
        uint warps = _readTimes[unit] < floor ? 0 : _readWarps[unit];
        if ((warps & ~warp) == 0)
        {
            _readTimes[unit] = _order.Now;
        }

        // A plain read among strong ones counts: it is the one that a strong write must not meet.
        if (warps == 0 || by.Meeting == Meeting.No || new Accessor(_readers[unit]).Meeting != Meeting.No)
        {
            _readers[unit] = by.Bits;
        }

        _readWarps[unit] = warps | warp;
        _order.Touch();
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool CanWriteUnit(int unit, Accessor by)
    {
        uint floor = _order.FloorOf(by.Warp);
        return (_writeTimes[unit] < floor || IsAfterWrite(unit, by, isRead: false)) && (_readTimes[unit] < floor || IsAfterReads(unit, by));
    }

    private bool IsAfterWrite(int unit, Accessor by, bool isRead)
    {
        uint time = _writeTimes[unit];
        Accessor writer = new(_writers[unit]);
        if (time != Never && (_order.IsBefore(writer.Warp, time, by.Warp) || writer.IsSameThread(by) || writer.MayMeet(by, isRead)))
        {
            return true;
        }

        Found = new(unit << _shift, writer, HasWritten: true, IsUnderWay: time == Never);
        return false;
    }

    // Of several readers only the last one's lane is known: where it could be the writer itself, it is taken to be.
    private bool IsAfterReads(int unit, Accessor by)
    {
        uint time = _readTimes[unit];
        Accessor reader = new(_readers[unit]);
        if (by.MayMeet(reader, isRead: true))
        {
            return true;
        }

        for (uint rest = _readWarps[unit]; rest != 0; rest &= rest - 1)
        {
            int warp = BitOperations.TrailingZeroCount(rest);
            bool isOwn = warp == by.Warp && (reader.Warp != warp || reader.Lane == by.Lane);
            if (!isOwn && !_order.IsBefore(warp, time, by.Warp))
            {
                // The latest reader need not be of this warp; the instruction is most likely the same.
                Accessor known = reader.Warp == warp ? reader : new(reader.Instruction, warp, 0, reader.Meeting);
                Found = new(unit << _shift, known, HasWritten: false, IsUnderWay: false);
                return false;
            }
        }

        return true;
    }
}
