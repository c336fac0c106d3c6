using System.Numerics;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>
/// Where a block's threads meet, so that what they did before comes before what they do next: each place has a clock, which
/// those who arrive leave what they know in and those who go on take it from (<see cref="Ordering"/>).
///
///     barriers of the block      arrive, pass; empty again when they open
///     mbarriers                  signal, await
///     atomics and the like       both at once, place by place; all of global memory is one place
///     exit                       leaves what a thread did for those who pass a barrier later
/// </summary>
/// <param name="block">The block.</param>
/// <param name="order">What comes before what.</param>
internal sealed unsafe class MeetingClocks(Block block, Ordering order)
{
    private const ulong GlobalPlace = ulong.MaxValue;

    private readonly uint[][] _barriers = [.. Enumerable.Range(0, Block.BarrierCount).Select(_ => order.NewClock())];
    private readonly Dictionary<ulong, uint[]> _sharedPlaces = [];
    private readonly uint[] _globalMemory = order.NewClock();
    private readonly uint[] _exits = order.NewClock();

    /// <summary>The block begins anew.</summary>
    public void Begin()
    {
        _sharedPlaces.Clear();
        Array.Clear(_globalMemory);
        Array.Clear(_exits);
        foreach (uint[] clock in _barriers)
        {
            Array.Clear(clock);
        }
    }

    /// <summary>Threads of a warp fence what they know of for what reads asynchronously.</summary>
    public void FenceProxy(Warp w) => order.Fence(w.Index);

    /// <summary>The lanes of a warp have waited for each other.</summary>
    public void Synchronise(Warp w) => order.Synchronise(w.Index);

    /// <summary>Threads of a warp come to one of the block's barriers.</summary>
    public void Arrive(Warp w, int barrier) => order.Release(w.Index, _barriers[barrier]);

    /// <summary>A barrier lets threads of a warp go on.</summary>
    public void Pass(Warp w, int barrier)
    {
        order.Acquire(w.Index, _barriers[barrier]);
        order.Acquire(w.Index, _exits); // barriers do not wait for threads that have exited, but come after them
    }

    /// <summary>A barrier begins to count anew.</summary>
    public void Close(int barrier) => Array.Clear(_barriers[barrier]);

    /// <summary>Threads of a warp arrive at an mbarrier.</summary>
    public void Signal(Warp w, ulong mbarrier) => order.Release(w.Index, SharedPlace(mbarrier));

    /// <summary>Threads of a warp have found an mbarrier's phase complete.</summary>
    public void Await(Warp w, ulong mbarrier) => order.Acquire(w.Index, SharedPlace(mbarrier));

    /// <summary>
    /// Threads of a warp access what they share with others on purpose, at the host addresses in <see cref="Warp.Addresses"/>.
    /// </summary>
    public void Meet(Warp w, uint mask)
    {
        ulong last = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            ulong address = w.Addresses[BitOperations.TrailingZeroCount(rest)];
            ulong place = block.IsShared(address) ? address : GlobalPlace;
            if (place != last)
            {
                uint[] clock = place == GlobalPlace ? _globalMemory : SharedPlace(place);
                order.Acquire(w.Index, clock);
                order.Release(w.Index, clock);
                last = place;
            }
        }
    }

    /// <summary>Threads of a warp exit.</summary>
    public void Exit(Warp w) => order.Release(w.Index, _exits);

    private uint[] SharedPlace(ulong address)
    {
        if (!_sharedPlaces.TryGetValue(address, out uint[]? clock))
        {
            _sharedPlaces.Add(address, clock = order.NewClock());
        }

        return clock;
    }
}
