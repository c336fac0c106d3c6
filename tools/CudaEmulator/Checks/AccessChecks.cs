using System.Runtime.CompilerServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Bits = System.Numerics.BitOperations;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>
/// initcheck and racecheck of one worker's blocks. Instructions that touch memory tell of each access once its addresses are
/// known to be right, and those that synchronise tell of that; what goes against the rules faults, as a wrong address does.
///
///     initcheck   global memory: bits in <see cref="WrittenBytes"/>, for good; shared and local memory: bits for a block
///     racecheck   shared memory: <see cref="SharedHistory"/> and <see cref="Ordering"/>; launches that overlap: <see cref="Overlap"/>
/// </summary>
internal sealed unsafe partial class AccessChecks
{
    private readonly Block block;
    private readonly KernelCode kernel;
    private readonly Meeting[] meetingOf;
    private readonly BitSet? sharedWritten;
    private readonly BitSet[] localWritten = [];
    private readonly Ordering? order;
    private readonly SharedHistory? history;
    private readonly uint[][] barriers = [];
    private readonly Dictionary<int, uint[]> meetings = [];
    private readonly uint[] globalMeetings = [];
    private readonly uint[] exits = [];

    private AccessChecks(Block block, CheckSet checks)
    {
        this.block = block;
        kernel = block.Launch.Kernel;
        meetingOf = [.. kernel.Sources.Select(SharedFacts.MeetingOf)];
        var warps = (int)((block.Launch.Block.Count + Lanes.Count - 1) / Lanes.Count);
        waited = new uint[warps];
        if (checks.HasFlag(CheckSet.Initialisation))
        {
            sharedWritten = new(block.SharedBytes);
            localWritten = [.. Enumerable.Range(0, kernel.LocalBytes > 0 ? warps : 0).Select(_ => new BitSet(Warp.LocalStrideOf(kernel) * Lanes.Count))];
        }

        if (checks.HasFlag(CheckSet.Races))
        {
            order = new(warps);
            history = new(order, block.SharedBytes, SharedFacts.UnitOf(kernel));
            barriers = [.. Enumerable.Range(0, 16).Select(_ => order.NewClock())];
            globalMeetings = order.NewClock();
            exits = order.NewClock();
            overlap = block.Launch.Overlap;
        }
    }

    /// <summary>The checks of a block; null if none of these is asked for.</summary>
    public static AccessChecks? For(Block block, CheckSet checks) =>
        (checks & (CheckSet.Initialisation | CheckSet.Races)) != 0 ? new(block, checks) : null;

    /// <summary>The block begins anew, with another number.</summary>
    public void Begin()
    {
        sharedWritten?.Clear();
        foreach (var local in localWritten)
        {
            local.Clear();
        }

        history?.Begin();
        meetings.Clear();
        Array.Clear(globalMeetings);
        Array.Clear(exits);
        Array.Clear(waited);
        foreach (var clock in barriers)
        {
            Array.Clear(clock);
        }
    }

    /// <summary>A warp reads. Of lanes that are <see cref="AccessShape.Scattered"/>, <see cref="Warp.Addresses"/> has the host addresses.</summary>
    public void Read<TSpace>(Op* op, Warp w, uint mask, AccessShape shape, byte* first, int bytes)
        where TSpace : struct, ISpace
    {
        var by = Begin(op, w, mask, ref shape, first, bytes);
        if (shape == AccessShape.Scattered && TSpace.Window == AddressWindow.Shared)
        {
            ReadSharedAnywhere(op, w, mask, bytes, by);
            return;
        }

        if (shape == AccessShape.Scattered)
        {
            for (var rest = mask; rest != 0; rest &= rest - 1)
            {
                var lane = Bits.TrailingZeroCount(rest);
                ReadOne<TSpace>(op, w, by.InLane(lane), w.Addresses[lane], bytes);
            }

            return;
        }

        var length = shape == AccessShape.Consecutive ? bytes * Lanes.Count : bytes;
        if (WindowOf<TSpace>(w, (ulong)first) == AddressWindow.Global)
        {
            CheckOverlap(op, w, mask, 0, (ulong)first, length, bytes, "reads");
            CheckGlobal(op, w, 0, (ulong)first, length, bytes);
        }
        else if (WindowOf<TSpace>(w, (ulong)first) == AddressWindow.Shared)
        {
            var offset = (int)(first - block.Shared);
            if (history is not null)
            {
                Require(shape == AccessShape.Consecutive ? history.TryReadRow(offset, bytes, by) : history.TryRead(offset, bytes, by), op, w, by, offset, bytes);
            }

            CheckShared(op, w, 0, offset, length, bytes);
        }
    }

    /// <summary>A warp is about to write.</summary>
    public void Write<TSpace>(Op* op, Warp w, uint mask, AccessShape shape, byte* first, int bytes)
        where TSpace : struct, ISpace
    {
        var by = Begin(op, w, mask, ref shape, first, bytes);
        if (shape == AccessShape.Scattered)
        {
            // Two lanes at one place are not in order either, but whether that matters depends on what they write.
            for (var pass = history is null ? 1 : 0; pass < 2; pass++)
            {
                for (var rest = mask; rest != 0; rest &= rest - 1)
                {
                    var lane = Bits.TrailingZeroCount(rest);
                    WriteOne<TSpace>(op, w, by.InLane(lane), w.Addresses[lane], bytes, isDone: pass == 1);
                }
            }

            return;
        }

        var length = shape == AccessShape.Consecutive ? bytes * Lanes.Count : bytes;
        if (WindowOf<TSpace>(w, (ulong)first) == AddressWindow.Global)
        {
            WriteGlobal(op, w, mask, 0, (ulong)first, length, bytes);
        }
        else if (WindowOf<TSpace>(w, (ulong)first) == AddressWindow.Shared)
        {
            var offset = (int)(first - block.Shared);
            sharedWritten?.Add(offset, length);
            if (history is not null && shape == AccessShape.Consecutive)
            {
                Require(history.TryWriteRow(offset, bytes, by), op, w, by, offset, bytes);
            }
            else if (history is not null)
            {
                // All lanes write here; the last one's write is the one that is left.
                Require(history.CanWrite(offset, bytes, by), op, w, by);
                history.Write(offset, bytes, by.InLane(Lanes.Count - 1));
            }
        }
    }

    /// <summary>A warp is about to change memory atomically.</summary>
    public void Update<TSpace>(Op* op, Warp w, uint mask, int bytes)
        where TSpace : struct, ISpace
    {
        var shape = AccessShape.Scattered;
        var by = Begin(op, w, mask, ref shape, null, bytes);
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var lane = Bits.TrailingZeroCount(rest);
            UpdateOne<TSpace>(op, w, by.InLane(lane), w.Addresses[lane], bytes);
        }
    }

    /// <summary>A warp is about to arrive at mbarriers or to test them; the host addresses are in <see cref="Warp.Addresses"/>.</summary>
    public void MeetAtBarriers(Op* op, Warp w, uint mask)
    {
        for (var rest = history is null ? 0 : mask; rest != 0; rest &= rest - 1)
        {
            var lane = Bits.TrailingZeroCount(rest);
            UpdateShared(op, w, new((int)(op - kernel.Code), w.Index, lane, Meeting.Strong), w.Addresses[lane], sizeof(ulong));
        }
    }

    /// <summary>A lane reads bytes of global memory, which need not be as many as an access has.</summary>
    public void ReadBytes(Op* op, Warp w, int lane, ulong address, int count)
    {
        CheckOverlap(op, w, 1u << lane, lane, address, count, count, "reads");
        CheckGlobal(op, w, lane, address, count, count);
    }

    /// <summary>A warp's cp.async begins: <paramref name="targets"/> are host addresses in shared memory.</summary>
    public void BeginCopies(Op* op, Warp w, uint mask, ulong* targets, int bytes)
    {
        if (history is null)
        {
            return;
        }

        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var lane = Bits.TrailingZeroCount(rest);
            var offset = (int)(targets[lane] - (ulong)block.Shared);
            Accessor by = new((int)(op - kernel.Code), w.Index, lane, Meeting.No);
            Require(history.CanWrite(offset, bytes, by), op, w, by);
            history.BeginCopy(offset, bytes, by);
        }
    }

    /// <summary>A lane's copy has been waited for.</summary>
    public void EndCopy(ulong target, int bytes)
    {
        var offset = (int)(target - (ulong)block.Shared);
        sharedWritten?.Add(offset, bytes);
        history?.EndCopy(offset, bytes);
    }

    /// <summary>A wgmma of a warp begins to read chunks of 16 bytes: <paramref name="places"/> are their shared addresses.</summary>
    public void BeginProduct(Op* op, Warp w, ReadOnlySpan<int> places)
    {
        Accessor by = new((int)(op - kernel.Code), w.Index, 0, Meeting.No);
        foreach (var place in places)
        {
            if (history is not null)
            {
                Require(history.TryBeginRead(place, MatrixDescriptor.ChunkBytes, by), op, w, by);
            }

            CheckShared(op, w, 0, place, MatrixDescriptor.ChunkBytes, MatrixDescriptor.ChunkBytes);
        }
    }

    /// <summary>A wgmma of a warp has been waited for.</summary>
    public void EndProduct(Op* op, Warp w, ReadOnlySpan<int> places)
    {
        Accessor by = new((int)(op - kernel.Code), w.Index, 0, Meeting.No);
        for (var i = 0; history is not null && i < places.Length; i++)
        {
            history.EndRead(places[i], MatrixDescriptor.ChunkBytes, by);
        }
    }

    /// <summary>Threads of a warp fence what they know of for what reads asynchronously.</summary>
    public void FenceProxy(Warp w) => order?.Fence(w.Index);

    /// <summary>The lanes of a warp have waited for each other.</summary>
    public void Synchronise(Warp w) => order?.Synchronise(w.Index);

    /// <summary>Threads of a warp come to one of the block's barriers.</summary>
    public void Arrive(Warp w, int barrier) => order?.Release(w.Index, barriers[barrier]);

    /// <summary>A barrier lets threads of a warp go on.</summary>
    public void Pass(Warp w, int barrier)
    {
        order?.Acquire(w.Index, barriers[barrier]);
        order?.Acquire(w.Index, exits); // barriers do not wait for threads that have exited, but come after them
    }

    /// <summary>A barrier begins to count anew.</summary>
    public void Close(int barrier)
    {
        if (order is not null)
        {
            Array.Clear(barriers[barrier]);
        }
    }

    /// <summary>Threads of a warp arrive at an mbarrier.</summary>
    public void Signal(Warp w, ulong mbarrier) => order?.Release(w.Index, MeetingAt(mbarrier));

    /// <summary>Threads of a warp have found an mbarrier's phase complete.</summary>
    public void Await(Warp w, ulong mbarrier) => order?.Acquire(w.Index, MeetingAt(mbarrier));

    /// <summary>Threads of a warp exit.</summary>
    public void Exit(Warp w) => order?.Release(w.Index, exits);

    /// <summary>Whether stores that meet at one place have to be looked at: racecheck, and the place is in shared memory.</summary>
    public bool WatchesCollisionsAt(ulong address) => history is not null && IsShared(address);

    /// <summary>The fault of a lane whose value another lane of the same store has overwritten with a different one.</summary>
    public DeviceFaultException Collision(Op* op, Warp w, int lane, ulong address) => w.Fault(op, lane, CudaResult.LaunchFailed,
        $"a race: other threads of the warp write different values to the same place in the same instruction, {Place((int)(address - (ulong)block.Shared))}; which one stays is not defined");

    private bool IsShared(ulong address) => address - (ulong)block.Shared < (ulong)block.SharedBytes;

    // The accessor, as lane 0. Where threads meet each other on purpose, they order what they do before and after, place by
    // place; then the access is looked at lane by lane.
    private Accessor Begin(Op* op, Warp w, uint mask, ref AccessShape shape, byte* first, int bytes)
    {
        var instruction = (int)(op - kernel.Code);
        if (order is null || meetingOf[instruction] == Meeting.No)
        {
            return new(instruction, w.Index, 0, Meeting.No);
        }

        for (var lane = 0; shape != AccessShape.Scattered && lane < Lanes.Count; lane++)
        {
            w.Addresses[lane] = (ulong)first + (shape == AccessShape.Consecutive ? (ulong)(lane * bytes) : 0);
        }

        shape = AccessShape.Scattered;
        ulong last = 0;
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            // All of global memory is one place.
            var address = w.Addresses[Bits.TrailingZeroCount(rest)];
            var place = IsShared(address) ? address : ulong.MaxValue;
            if (place != last)
            {
                var clock = IsShared(address) ? MeetingAt(address) : globalMeetings;
                order.Acquire(w.Index, clock);
                order.Release(w.Index, clock);
                last = place;
            }
        }

        return new(instruction, w.Index, 0, meetingOf[instruction]);
    }

    private uint[] MeetingAt(ulong address)
    {
        var offset = (int)(address - (ulong)block.Shared);
        if (!meetings.TryGetValue(offset, out var clock))
        {
            meetings.Add(offset, clock = order!.NewClock());
        }

        return clock;
    }

    // The window that a host address is in.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private AddressWindow WindowOf<TSpace>(Warp w, ulong address)
        where TSpace : struct, ISpace =>
        TSpace.Window != AddressWindow.Generic ? TSpace.Window
        : IsShared(address) ? AddressWindow.Shared
        : address - (ulong)w.Local < (ulong)(w.LocalStride * Lanes.Count) ? AddressWindow.Local
        : address - (ulong)block.Parameters < (ulong)kernel.ParameterBytes ? AddressWindow.Param
        : AddressWindow.Global;

    private void ReadOne<TSpace>(Op* op, Warp w, Accessor by, ulong address, int bytes)
        where TSpace : struct, ISpace
    {
        switch (WindowOf<TSpace>(w, address))
        {
            case AddressWindow.Global:
                CheckOverlap(op, w, 1u << by.Lane, by.Lane, address, bytes, bytes, "reads");
                CheckGlobal(op, w, by.Lane, address, bytes, bytes);
                break;
            case AddressWindow.Shared:
                var offset = (int)(address - (ulong)block.Shared);
                if (history is not null)
                {
                    Require(history.TryRead(offset, bytes, by), op, w, by);
                }

                CheckShared(op, w, by.Lane, offset, bytes, bytes);

                break;
            case AddressWindow.Local:
                CheckLocal(op, w, by.Lane, address, bytes);
                break;
        }
    }

    private void ReadSharedAnywhere(Op* op, Warp w, uint mask, int bytes, Accessor by)
    {
        if (history is not null && history.FirstRace(w.Addresses, (ulong)block.Shared, mask, bytes, by) is >= 0 and var lane)
        {
            throw RaceFault(op, w, by.InLane(lane), 0, 0);
        }

        for (var rest = sharedWritten is null ? 0 : mask; rest != 0; rest &= rest - 1)
        {
            lane = Bits.TrailingZeroCount(rest);
            CheckShared(op, w, lane, (int)(w.Addresses[lane] - (ulong)block.Shared), bytes, bytes);
        }
    }

    private void WriteOne<TSpace>(Op* op, Warp w, Accessor by, ulong address, int bytes, bool isDone)
        where TSpace : struct, ISpace
    {
        switch (WindowOf<TSpace>(w, address))
        {
            case AddressWindow.Global when isDone:
                WriteGlobal(op, w, 1u << by.Lane, by.Lane, address, bytes, bytes);
                break;
            case AddressWindow.Shared when isDone:
                var offset = (int)(address - (ulong)block.Shared);
                sharedWritten?.Add(offset, bytes);
                history?.Write(offset, bytes, by);
                break;
            case AddressWindow.Shared:
                Require(history!.CanWrite((int)(address - (ulong)block.Shared), bytes, by), op, w, by);
                break;
            case AddressWindow.Local when isDone && localWritten.Length > 0:
                localWritten[w.Index].Add((long)(address - (ulong)w.Local), bytes);
                break;
        }
    }

    private void UpdateOne<TSpace>(Op* op, Warp w, Accessor by, ulong address, int bytes)
        where TSpace : struct, ISpace
    {
        switch (WindowOf<TSpace>(w, address))
        {
            case AddressWindow.Global:
                CheckGlobal(op, w, by.Lane, address, bytes, bytes);
                WriteGlobal(op, w, 1u << by.Lane, by.Lane, address, bytes, bytes);
                break;
            case AddressWindow.Shared:
                UpdateShared(op, w, by, address, bytes);
                CheckShared(op, w, by.Lane, (int)(address - (ulong)block.Shared), bytes, bytes);
                break;
        }
    }

    private void UpdateShared(Op* op, Warp w, Accessor by, ulong address, int bytes)
    {
        if (history is not null)
        {
            var offset = (int)(address - (ulong)block.Shared);
            Require(history.CanWrite(offset, bytes, by), op, w, by);
            history.Write(offset, bytes, by);
        }
    }

    private void CheckGlobal(Op* op, Warp w, int lane, ulong address, int length, int bytes)
    {
        if (WrittenAt(op, address)?.FirstMissing(address, length) is { } missing)
        {
            var allocation = AllocationAt(op, address)!;
            var thread = lane + (int)((missing - address) / (ulong)bytes);
            throw w.Fault(op, thread, CudaResult.LaunchFailed,
                $"reads {bytes} bytes at 0x{missing / (ulong)bytes * (ulong)bytes:x}, {missing - allocation.Address} bytes into {allocation}, but nothing has written the byte at 0x{missing:x}");
        }
    }

    private void CheckShared(Op* op, Warp w, int lane, int offset, int length, int bytes)
    {
        if (sharedWritten is not null && sharedWritten.FirstMissing(offset, length) is >= 0 and var missing)
        {
            throw w.Fault(op, lane + (int)(missing - offset) / bytes, CudaResult.LaunchFailed,
                $"reads {bytes} bytes of shared memory, {Place((int)missing)}, that nothing in the block has written so far");
        }
    }

    private void CheckLocal(Op* op, Warp w, int lane, ulong address, int bytes)
    {
        if (localWritten.Length > 0 && localWritten[w.Index].FirstMissing((long)(address - (ulong)w.Local), bytes) >= 0)
        {
            throw w.Fault(op, lane, CudaResult.LaunchFailed,
                $"reads {bytes} bytes at local address 0x{(address - (ulong)w.Local) % (ulong)w.LocalStride:x} that the thread has not written");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private WrittenBytes? WrittenAt(Op* op, ulong address) => sharedWritten is null ? null : AllocationAt(op, address)?.Written;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Allocation? AllocationAt(Op* op, ulong address)
    {
        var map = block.Map;
        var index = op->Allocation;
        if ((uint)index >= (uint)map.Start.Length || address < map.Start[index] || address >= map.End[index])
        {
            index = map.IndexOf(address);
        }

        return index >= 0 ? map.Allocations[index] : null;
    }

    // Of a row of lanes, the race is that of the lane at the place where it was found.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Require(bool isInOrder, Op* op, Warp w, Accessor by, int start = 0, int bytes = 0)
    {
        if (!isInOrder)
        {
            throw RaceFault(op, w, by, start, bytes);
        }
    }

    private DeviceFaultException RaceFault(Op* op, Warp w, Accessor by, int start, int bytes)
    {
        var race = history!.Found;
        var lane = by.Lane + (bytes > 0 ? (race.Offset - start) / bytes : 0);
        var earlier = race.Earlier;
        var source = kernel.Sources[earlier.Instruction];
        var who = $"thread {block.Launch.Block.At(earlier.Warp * Lanes.Count + earlier.Lane)} at PTX line {source.Line} ({string.Join('.', [source.Opcode, .. source.Modifiers])})";
        var what = race.IsUnfenced
            ? $"{who} wrote {Place(race.Offset)}, which is read asynchronously here: fence.proxy.async has to come between, behind the write"
            : race.IsUnderWay && !race.HasWritten
            ? $"a race with a product: {who} has begun to read {Place(race.Offset)}, and has not waited for it; wgmma.wait_group has to come between, and a barrier for other threads"
            : race.IsUnderWay
            ? $"a race with a copy: {who} has begun to copy to {Place(race.Offset)}, and has not waited for it; cp.async.wait_group has to come between, and a barrier for other threads"
            : $"a race: {who} {(race.HasWritten ? "wrote" : "read")} the same bytes, {Place(race.Offset)}, and no {(earlier.Warp == by.Warp ? "bar.warp.sync or barrier" : "barrier")} orders the two accesses";
        return w.Fault(op, lane, CudaResult.LaunchFailed, what);
    }

    private string Place(int offset)
    {
        var variable = kernel.SharedVariables.LastOrDefault(v => v.Offset <= offset);
        return variable.Name is null ? $"shared address 0x{offset:x}" : $"shared address 0x{offset:x} ({variable.Name}+{offset - variable.Offset})";
    }
}
