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
    private readonly int _half = (warps + 15) / 16 * 16;
    private readonly int _stride = (warps + 15) / 16 * 32;
    private readonly uint[] _seen = new uint[warps * ((warps + 15) / 16 * 32)];
    private readonly uint[] _floors = new uint[warps];
    private bool _isTouched;

    /// <summary>The time; an access is noted with it.</summary>
    public uint Now { get; private set; } = 1;

    /// <summary>When the block began: what was before does not matter.</summary>
    public uint Start { get; private set; }

    /// <summary>A clock that nobody has left anything in.</summary>
    public uint[] NewClock() => new uint[_stride];

    /// <summary>A block begins: nothing that was before matters.</summary>
    public void Begin()
    {
        Start = ++Now;
        _isTouched = false;
        Array.Fill(_seen, Now);
        Array.Fill(_floors, Now);
    }

    /// <summary>The clock has come near its end: only between blocks, together with all that holds times.</summary>
    public void Restart() => Now = 1;

    /// <summary>Someone accesses memory at the present time.</summary>
    public void Touch() => _isTouched = true;

    /// <summary>Whatever anybody did before this time is ordered before what the warp does next.</summary>
    public uint FloorOf(int warp) => _floors[warp];

    /// <summary>Whether an access of a warp at a time is ordered before what another one does next.</summary>
    public bool IsBefore(int by, uint time, int warp) => time < _seen[warp * _stride + by];

    /// <summary>
    /// Whether an access of a warp at a time is ordered before, and fenced for, what another one has read asynchronously next.
    /// </summary>
    public bool IsFenced(int by, uint time, int warp) => time < _seen[warp * _stride + _half + by];

    /// <summary>fence.proxy.async: what a warp has done, and all that is ordered before that, is fenced.</summary>
    public void Fence(int warp)
    {
        Span<uint> own = _seen.AsSpan(warp * _stride, _stride);
        for (int by = 0; by < warps; by++)
        {
            own[_half + by] = Math.Max(own[_half + by], own[by]);
        }

        own[_half + warp] = Tick();
    }

    /// <summary>A warp's lanes wait for each other.</summary>
    public void Synchronise(int warp)
    {
        if (!_isTouched && _seen[warp * _stride + warp] == Now)
        {
            return;
        }

        _seen[warp * _stride + warp] = Tick();
        Refresh(warp);
    }

    /// <summary>A warp lets others know what it has done.</summary>
    public void Release(int warp, uint[] clock)
    {
        Join(clock, 0, _seen, warp * _stride);
        clock[warp] = Tick();
    }

    /// <summary>A warp goes on after what is in a clock.</summary>
    public void Acquire(int warp, uint[] clock)
    {
        Join(_seen, warp * _stride, clock, 0);
        Refresh(warp);
    }

    private uint Tick()
    {
        if (_isTouched)
        {
            Now++;
            _isTouched = false;
        }

        return Now;
    }

    private void Refresh(int warp) => _floors[warp] = Least(_seen.AsSpan(warp * _stride, warps));

    private static uint Least(ReadOnlySpan<uint> clock)
    {
        uint least = uint.MaxValue;
        foreach (uint time in clock)
        {
            least = Math.Min(least, time);
        }

        return least;
    }

    private void Join(uint[] target, int at, uint[] source, int from)
    {
        for (int i = 0; i < _stride; i += 16)
        {
            Vector512.Max(Vector512.Create(target, at + i), Vector512.Create(source, from + i)).CopyTo(target, at + i);
        }
    }
}
