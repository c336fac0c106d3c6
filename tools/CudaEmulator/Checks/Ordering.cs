using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>
/// Which accesses of a block's warps come before which, by the rules and not by chance. The emulator runs a block's warps in
/// turns, so its events have times: a clock that advances whenever somebody synchronises. Each warp knows up to which time
/// every other warp's accesses are ordered before what it does next (a vector clock):
///
///     warp 0: write x (time 5) ─ arrives (6) ──┐ barrier opens      seen[1][0] = 6 > 5: the read comes after the write
///     warp 1:      …             arrives (7) ──┴── read x
///
/// Arriving somewhere leaves what one knows in a clock there; going on from there takes all of it along. That covers
/// barriers of the block, mbarriers, and atomics that threads wait for each other with. Within a warp the same question is
/// asked of lanes: an access of another lane is ordered if the warp has synchronised since (seen[w][w]). A warp counts as one
/// here, so that what one of its lanes knows all do: some races are missed, none is invented.
///
/// What reads asynchronously (wgmma) sees memory by another way, the async proxy, and that a barrier has passed does not help:
/// between a thread's write and such a read there has to be a fence.proxy.async as well, on either side of the barrier. So
/// clocks have a second half, up to which time accesses have been fenced; it is passed on with the first.
///
///     clock    up to which time each warp's accesses are ordered before … │ … and the same for those that read asynchronously
/// </summary>
/// <param name="warps">Warps of the block.</param>
internal sealed class Ordering(int warps)
{
    private readonly int half = (warps + 15) / 16 * 16;
    private readonly int stride = (warps + 15) / 16 * 32;
    private readonly uint[] seen = new uint[warps * ((warps + 15) / 16 * 32)];
    private readonly uint[] floors = new uint[warps];
    private bool isTouched;

    /// <summary>The time; an access is noted with it.</summary>
    public uint Now { get; private set; } = 1;

    /// <summary>When the block began: what was before does not matter.</summary>
    public uint Start { get; private set; }

    /// <summary>A clock that nobody has left anything in.</summary>
    public uint[] NewClock() => new uint[stride];

    /// <summary>A block begins: nothing that was before matters.</summary>
    public void Begin()
    {
        Start = ++Now;
        isTouched = false;
        Array.Fill(seen, Now);
        Array.Fill(floors, Now);
    }

    /// <summary>The clock has come near its end: only between blocks, together with all that holds times.</summary>
    public void Restart() => Now = 1;

    /// <summary>Someone accesses memory at the present time.</summary>
    public void Touch() => isTouched = true;

    /// <summary>Whatever anybody did before this time is ordered before what the warp does next.</summary>
    public uint FloorOf(int warp) => floors[warp];

    /// <summary>Whether an access of a warp at a time is ordered before what another one does next.</summary>
    public bool IsBefore(int by, uint time, int warp) => time < seen[warp * stride + by];

    /// <summary>
    /// Whether an access of a warp at a time is ordered before, and fenced for, what another one has read asynchronously next.
    /// </summary>
    public bool IsFenced(int by, uint time, int warp) => time < seen[warp * stride + half + by];

    /// <summary>fence.proxy.async: what a warp has done, and all that is ordered before that, is fenced.</summary>
    public void Fence(int warp)
    {
        var own = seen.AsSpan(warp * stride, stride);
        for (var by = 0; by < warps; by++)
        {
            own[half + by] = Math.Max(own[half + by], own[by]);
        }

        own[half + warp] = Tick();
    }

    /// <summary>A warp's lanes wait for each other.</summary>
    public void Synchronise(int warp)
    {
        if (!isTouched && seen[warp * stride + warp] == Now)
        {
            return;
        }

        seen[warp * stride + warp] = Tick();
        Refresh(warp);
    }

    /// <summary>A warp lets others know what it has done.</summary>
    public void Release(int warp, uint[] clock)
    {
        Join(clock, 0, seen, warp * stride);
        clock[warp] = Tick();
    }

    /// <summary>A warp goes on after what is in a clock.</summary>
    public void Acquire(int warp, uint[] clock)
    {
        Join(seen, warp * stride, clock, 0);
        Refresh(warp);
    }

    private uint Tick()
    {
        if (isTouched)
        {
            Now++;
            isTouched = false;
        }

        return Now;
    }

    private void Refresh(int warp) => floors[warp] = Least(seen.AsSpan(warp * stride, warps));

    private static uint Least(ReadOnlySpan<uint> clock)
    {
        var least = uint.MaxValue;
        foreach (var time in clock)
        {
            least = Math.Min(least, time);
        }

        return least;
    }

    private void Join(uint[] target, int at, uint[] source, int from)
    {
        for (var i = 0; i < stride; i += 16)
        {
            Vector512.Max(Vector512.Create(target, at + i), Vector512.Create(source, from + i)).CopyTo(target, at + i);
        }
    }
}
