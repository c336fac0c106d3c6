using System.Runtime.CompilerServices;
using Handwritten.CudaEmulator.Execution;
using Bits = System.Numerics.BitOperations;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>
/// initcheck and racecheck of one worker's blocks. Instructions that touch memory tell of each access once its addresses are
/// known to be right, and those that synchronise tell of that; what goes against the rules faults, as a wrong address does.
///
///     initcheck   <see cref="WrittenMemory"/>
///     racecheck   shared memory: <see cref="SharedHistory"/> and <see cref="MeetingClocks"/>; launches that overlap: <see cref="Overlap"/>
/// </summary>
internal sealed unsafe partial class AccessChecks
{
    private readonly Block _block;
    private readonly KernelCode _kernel;
    private readonly Meeting[] _meetingOf;
    private readonly WrittenMemory? _written;
    private readonly SharedHistory? _history;

    private AccessChecks(Block block, CheckSet checks)
    {
        _block = block;
        _kernel = block.Launch.Kernel;
        _meetingOf = [.. _kernel.Sources.Select(SharedFacts.MeetingOf)];
        _waited = new uint[block.WarpCount];
        if (checks.HasFlag(CheckSet.Initialisation))
        {
            _written = new(block);
        }

        if (checks.HasFlag(CheckSet.Races))
        {
            Ordering order = new(block.WarpCount);
            _history = new(order, block.SharedBytes, SharedFacts.UnitOf(_kernel));
            Meetings = new(block, order);
            _overlap = block.Launch.Overlap;
        }
    }

    /// <summary>What threads tell of when they synchronise; null unless races are looked for.</summary>
    public MeetingClocks? Meetings { get; }

    /// <summary>The checks of a block; null if none of these is asked for.</summary>
    public static AccessChecks? For(Block block, CheckSet checks) =>
        (checks & (CheckSet.Initialisation | CheckSet.Races)) != 0 ? new(block, checks) : null;

    /// <summary>The block begins anew, with another number.</summary>
    public void Begin()
    {
        _written?.Begin();
        _history?.Begin();
        Meetings?.Begin();
        Array.Clear(_waited);
    }

    /// <summary>
    /// A warp reads. Of lanes that are <see cref="AccessShape.Scattered"/>, <see cref="Warp.Addresses"/> has the host
    /// addresses.
    /// </summary>
    public void Read<TSpace>(Op* op, Warp w, uint mask, AccessShape shape, byte* first, int bytes)
        where TSpace : struct, ISpace
    {
        Accessor by = Begin(op, w, mask, ref shape, first, bytes);
        if (shape == AccessShape.Scattered && TSpace.Window == AddressWindow.Shared)
        {
            ReadSharedAnywhere(op, w, mask, bytes, by);
            return;
        }

        if (shape == AccessShape.Scattered)
        {
            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                int lane = Bits.TrailingZeroCount(rest);
                ReadOne<TSpace>(op, w, by.InLane(lane), w.Addresses[lane], bytes);
            }

            return;
        }

        int length = shape == AccessShape.Consecutive ? bytes * Lanes.Count : bytes;
        if (WindowOf<TSpace>(w, (ulong)first) == AddressWindow.Global)
        {
            ReadGlobal(op, w, mask, 0, (ulong)first, length, bytes);
        }
        else if (WindowOf<TSpace>(w, (ulong)first) == AddressWindow.Shared)
        {
            int offset = Offset((ulong)first);
            if (_history is not null)
            {
                Require(shape == AccessShape.Consecutive ? _history.TryReadRow(offset, bytes, by) : _history.TryRead(offset, bytes, by), op, w, by, offset, bytes);
            }

            _written?.RequireShared(op, w, 0, offset, length, bytes);
        }
    }

    /// <summary>A warp is about to write.</summary>
    public void Write<TSpace>(Op* op, Warp w, uint mask, AccessShape shape, byte* first, int bytes)
        where TSpace : struct, ISpace
    {
        Accessor by = Begin(op, w, mask, ref shape, first, bytes);
        if (shape == AccessShape.Scattered)
        {
            // Two lanes at one place are not in order either, but whether that matters depends on what they write: all are
            // looked at before any is noted.
            for (uint rest = _history is null ? 0 : mask; rest != 0; rest &= rest - 1)
            {
                int lane = Bits.TrailingZeroCount(rest);
                if (WindowOf<TSpace>(w, w.Addresses[lane]) == AddressWindow.Shared)
                {
                    Require(_history!.CanWrite(Offset(w.Addresses[lane]), bytes, by.InLane(lane)), op, w, by.InLane(lane));
                }
            }

            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                int lane = Bits.TrailingZeroCount(rest);
                WriteOne<TSpace>(op, w, by.InLane(lane), w.Addresses[lane], bytes);
            }

            return;
        }

        int length = shape == AccessShape.Consecutive ? bytes * Lanes.Count : bytes;
        if (WindowOf<TSpace>(w, (ulong)first) == AddressWindow.Global)
        {
            WriteGlobal(op, w, mask, 0, (ulong)first, length, bytes);
        }
        else if (WindowOf<TSpace>(w, (ulong)first) == AddressWindow.Shared)
        {
            int offset = Offset((ulong)first);
            _written?.AddShared(offset, length);
            if (_history is not null && shape == AccessShape.Consecutive)
            {
                Require(_history.TryWriteRow(offset, bytes, by), op, w, by, offset, bytes);
            }
            else if (_history is not null)
            {
                // All lanes write here; the last one's write is the one that is left.
                Require(_history.CanWrite(offset, bytes, by), op, w, by);
                _history.Write(offset, bytes, by.InLane(Lanes.Count - 1));
            }
        }
    }

    /// <summary>A warp is about to change memory atomically.</summary>
    public void Update<TSpace>(Op* op, Warp w, uint mask, int bytes)
        where TSpace : struct, ISpace
    {
        AccessShape shape = AccessShape.Scattered;
        Accessor by = Begin(op, w, mask, ref shape, null, bytes);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            UpdateOne<TSpace>(op, w, by.InLane(lane), w.Addresses[lane], bytes);
        }
    }

    /// <summary>
    /// A warp is about to arrive at mbarriers or to test them; the host addresses are in <see cref="Warp.Addresses"/>.
    /// </summary>
    public void MeetAtBarriers(Op* op, Warp w, uint mask)
    {
        for (uint rest = _history is null ? 0 : mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            UpdateShared(op, w, new((int)(op - _kernel.Code), w.Index, lane, Meeting.Strong), w.Addresses[lane], sizeof(ulong));
        }
    }

    /// <summary>A lane reads bytes of global memory, which need not be as many as an access has.</summary>
    public void ReadBytes(Op* op, Warp w, int lane, ulong address, int count) => ReadGlobal(op, w, 1u << lane, lane, address, count, count);

    /// <summary>Whether stores that meet at one place have to be looked at: racecheck, and the place is in shared memory.</summary>
    public bool WatchesCollisionsAt(ulong address) => _history is not null && _block.IsShared(address);

    /// <summary>The fault of a lane whose value another lane of the same store has overwritten with a different one.</summary>
    public DeviceFaultException Collision(Op* op, Warp w, int lane, ulong address) => RaceReport.OfCollision(op, w, lane, Offset(address));

    // Where a host address is in shared memory.
    private int Offset(ulong address) => (int)(address - (ulong)_block.Shared);

    // The accessor, as lane 0. Where threads meet each other on purpose, they order what they do before and after, place by
    // place; then the access is looked at lane by lane.
    private Accessor Begin(Op* op, Warp w, uint mask, ref AccessShape shape, byte* first, int bytes)
    {
        int instruction = (int)(op - _kernel.Code);
        if (Meetings is null || _meetingOf[instruction] == Meeting.No)
        {
            return new(instruction, w.Index, 0, Meeting.No);
        }

        for (int lane = 0; shape != AccessShape.Scattered && lane < Lanes.Count; lane++)
        {
            w.Addresses[lane] = (ulong)first + (shape == AccessShape.Consecutive ? (ulong)(lane * bytes) : 0);
        }

        shape = AccessShape.Scattered;
        Meetings.Meet(w, mask);
        return new(instruction, w.Index, 0, _meetingOf[instruction]);
    }

    // The window that a host address is in.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private AddressWindow WindowOf<TSpace>(Warp w, ulong address)
        where TSpace : struct, ISpace =>
        TSpace.Window != AddressWindow.Generic ? TSpace.Window
        : _block.IsShared(address) ? AddressWindow.Shared
        : address - (ulong)w.Local < (ulong)(w.LocalStride * Lanes.Count) ? AddressWindow.Local
        : address - (ulong)_block.Parameters < (ulong)_kernel.ParameterBytes ? AddressWindow.Param
        : AddressWindow.Global;

    private void ReadOne<TSpace>(Op* op, Warp w, Accessor by, ulong address, int bytes)
        where TSpace : struct, ISpace
    {
        switch (WindowOf<TSpace>(w, address))
        {
            case AddressWindow.Global:
                ReadGlobal(op, w, 1u << by.Lane, by.Lane, address, bytes, bytes);
                break;
            case AddressWindow.Shared:
                int offset = Offset(address);
                if (_history is not null)
                {
                    Require(_history.TryRead(offset, bytes, by), op, w, by);
                }

                _written?.RequireShared(op, w, by.Lane, offset, bytes, bytes);
                break;
            case AddressWindow.Local:
                _written?.RequireLocal(op, w, by.Lane, address, bytes);
                break;
        }
    }

    private void ReadSharedAnywhere(Op* op, Warp w, uint mask, int bytes, Accessor by)
    {
        if (_history is not null && _history.FirstRace(w.Addresses, (ulong)_block.Shared, mask, bytes, by) is >= 0 and var lane)
        {
            throw RaceReport.Of(_history.Found, op, w, by.InLane(lane));
        }

        for (uint rest = _written is null ? 0 : mask; rest != 0; rest &= rest - 1)
        {
            lane = Bits.TrailingZeroCount(rest);
            _written!.RequireShared(op, w, lane, Offset(w.Addresses[lane]), bytes, bytes);
        }
    }

    private void WriteOne<TSpace>(Op* op, Warp w, Accessor by, ulong address, int bytes)
        where TSpace : struct, ISpace
    {
        switch (WindowOf<TSpace>(w, address))
        {
            case AddressWindow.Global:
                WriteGlobal(op, w, 1u << by.Lane, by.Lane, address, bytes, bytes);
                break;
            case AddressWindow.Shared:
                int offset = Offset(address);
                _written?.AddShared(offset, bytes);
                _history?.Write(offset, bytes, by);
                break;
            case AddressWindow.Local:
                _written?.AddLocal(w, address, bytes);
                break;
        }
    }

    private void UpdateOne<TSpace>(Op* op, Warp w, Accessor by, ulong address, int bytes)
        where TSpace : struct, ISpace
    {
        switch (WindowOf<TSpace>(w, address))
        {
            case AddressWindow.Global:
                _written?.RequireGlobal(op, w, by.Lane, address, bytes, bytes);
                WriteGlobal(op, w, 1u << by.Lane, by.Lane, address, bytes, bytes);
                break;
            case AddressWindow.Shared:
                UpdateShared(op, w, by, address, bytes);
                _written?.RequireShared(op, w, by.Lane, Offset(address), bytes, bytes);
                break;
        }
    }

    private void UpdateShared(Op* op, Warp w, Accessor by, ulong address, int bytes)
    {
        if (_history is not null)
        {
            int offset = Offset(address);
            Require(_history.CanWrite(offset, bytes, by), op, w, by);
            _history.Write(offset, bytes, by);
        }
    }

    // Of a row of lanes, the race is that of the lane at the place where it was found.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Require(bool isInOrder, Op* op, Warp w, Accessor by, int start = 0, int bytes = 0)
    {
        if (!isInOrder)
        {
            throw RaceReport.Of(_history!.Found, op, w, by, start, bytes);
        }
    }
}
