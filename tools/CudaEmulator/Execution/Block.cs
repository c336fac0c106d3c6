using System.Numerics;
using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>One of a block's 16 barriers.</summary>
internal struct Barrier
{
    /// <summary>Threads that have come since it last opened.</summary>
    public int Arrived;

    /// <summary>Threads it waits for; 0: all of the block that have not exited.</summary>
    public int Expected;

    /// <summary>bar.red: how many of the threads brought a true predicate.</summary>
    public int Votes;

    /// <summary>What <see cref="Votes"/> was, and how many voted, when it last opened.</summary>
    public (int True, int Of) Outcome;
}

/// <summary>
/// A thread block while it runs, on one worker thread: its warps take turns, each until it waits at a barrier or exits.
/// The object is used for one block after another.
/// </summary>
internal sealed unsafe class Block : IDisposable
{
    /// <summary>Barriers that a block has.</summary>
    public const int BarrierCount = 16;

    /// <summary>So many instructions are counted together: workers share the count.</summary>
    private const int SpendAtOnce = 1 << 16;

    private readonly Warp[] _warps;
    private readonly Barrier[] _barriers = new Barrier[BarrierCount];
    private readonly LaunchBudget _budget;
    private readonly bool _checksBarriers;
    private int _aliveThreads;
    private long _unspent;

    public Block(LaunchRequest launch, DeviceProfile profile, MemoryMap map, byte* parameters, LaunchBudget budget, CheckSet checks, ExecutionObserver? observer)
    {
        _budget = budget;
        Launch = launch;
        Profile = profile;
        Map = map;
        Parameters = parameters;
        Observer = observer;
        SharedBytes = launch.Kernel.StaticSharedBytes + launch.DynamicSharedBytes;
        Shared = (byte*)NativeMemory.AlignedAlloc((nuint)SharedBytes + 64, 1024);
        Checks = AccessChecks.For(this, checks);
        _checksBarriers = checks.HasFlag(CheckSet.Barriers);
        _warps = new Warp[WarpCount];
        for (int i = 0; i < _warps.Length; i++)
        {
            _warps[i] = new(this, i);
        }
    }

    /// <summary>The launch it belongs to.</summary>
    public LaunchRequest Launch { get; }

    /// <summary>The device.</summary>
    public DeviceProfile Profile { get; }

    /// <summary>Device memory that the launch may touch.</summary>
    public MemoryMap Map { get; }

    /// <summary>The kernel's parameters.</summary>
    public byte* Parameters { get; }

    /// <summary>Shared memory.</summary>
    public byte* Shared { get; }

    /// <summary>Its length.</summary>
    public int SharedBytes { get; }

    /// <summary>How many warps it has.</summary>
    public int WarpCount => (int)((Launch.Block.Count + Lanes.Count - 1) / Lanes.Count);

    /// <summary>Its warps, in order.</summary>
    public IReadOnlyList<Warp> Warps => _warps;

    /// <summary>Who watches; usually nobody.</summary>
    public ExecutionObserver? Observer { get; }

    /// <summary>Checks what is read and in which order; null if nobody asks for it.</summary>
    public AccessChecks? Checks { get; }

    /// <summary>Its index in the grid.</summary>
    public long Number { get; private set; }

    /// <summary>Its coordinates in the grid.</summary>
    public Dim3 Coordinates { get; private set; }

    /// <summary>Whether a host address is in its shared memory.</summary>
    public bool IsShared(ulong address) => address - (ulong)Shared < (ulong)SharedBytes;

    /// <summary>Runs block <paramref name="number"/> of the grid.</summary>
    /// <exception cref="DeviceFaultException">A thread did what is not allowed.</exception>
    public void Run(long number)
    {
        Number = number;
        Coordinates = Launch.Grid.At(number);
        _aliveThreads = (int)Launch.Block.Count;
        Array.Clear(_barriers);
        NativeMemory.Clear(Shared, (nuint)SharedBytes);
        Checks?.Begin();
        foreach (Warp warp in _warps)
        {
            warp.Start();
        }

        for (bool ran = true; ran && _aliveThreads > 0;)
        {
            ran = false;
            foreach (Warp warp in _warps)
            {
                if (warp.CanRun)
                {
                    warp.Run();
                    ran = true;
                }
            }
        }

        if (_aliveThreads > 0)
        {
            string places = string.Join("; ", _warps.Where(w => w.Alive != 0).Select(w => w.Whereabouts()));
            throw new DeviceFaultException(CudaResult.LaunchTimeout,
                $"kernel {Launch.Kernel.Name}, block {Coordinates}: the block hangs, all its threads wait at barriers that never open ({places})");
        }

        Observer?.BlockEnds(this);
    }

    /// <summary>Threads come to a barrier; returns whether that opens it.</summary>
    public bool Arrive(Op* op, Warp warp, int barrier, int expected, uint mask, uint votes)
    {
        ref Barrier state = ref _barriers[barrier];
        if (state.Arrived > 0 && state.Expected != expected)
        {
            throw warp.Fault(op, BitOperations.TrailingZeroCount(mask), CudaResult.LaunchFailed,
                $"barrier {barrier} is waited for with {expected} threads, but others wait there with {state.Expected} (0 means all)");
        }

        // With a thread count, a warp counts as 32 threads even if the block's last warp has fewer.
        state.Expected = expected;
        state.Arrived += expected != 0 && mask == warp.Alive ? Lanes.Count : BitOperations.PopCount(mask);
        state.Votes += BitOperations.PopCount(votes & mask);
        Checks?.Meetings?.Arrive(warp, barrier);
        return Open(barrier);
    }

    /// <summary>A warp has repeated instructions; not without end.</summary>
    /// <exception cref="DeviceFaultException">LaunchTimeout: the launch has taken more than it may.</exception>
    public void Spend(Op* op, Warp warp, uint mask, long instructions)
    {
        _unspent += instructions;
        if (_unspent < SpendAtOnce)
        {
            return;
        }

        instructions = _unspent;
        _unspent = 0;
        if (!_budget.TrySpend(instructions))
        {
            throw warp.Fault(op, BitOperations.TrailingZeroCount(mask), CudaResult.LaunchTimeout,
                $"the launch has run for more than {_budget.Limit} warp-instructions ({LaunchBudget.Variable}), and is still here in a loop");
        }
    }

    /// <summary>The last outcome of a barrier's vote.</summary>
    public (int True, int Of) OutcomeOf(int barrier) => _barriers[barrier].Outcome;

    /// <summary>Threads have exited: barriers that wait for all no longer wait for them.</summary>
    public void Exited(Warp warp, uint mask)
    {
        Checks?.Meetings?.Exit(warp);
        _aliveThreads -= BitOperations.PopCount(mask);
        for (int i = 0; i < _barriers.Length; i++)
        {
            if (_barriers[i].Arrived > 0)
            {
                Open(i);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Warp warp in _warps)
        {
            warp.Dispose();
        }

        NativeMemory.AlignedFree(Shared);
    }

    private bool Open(int barrier)
    {
        ref Barrier state = ref _barriers[barrier];
        if (state.Arrived < (state.Expected == 0 ? _aliveThreads : state.Expected))
        {
            return false;
        }

        Observer?.BarrierOpens(this, barrier);
        state = new() { Outcome = (state.Votes, state.Arrived) };
        foreach (Warp warp in _warps)
        {
            if (_checksBarriers)
            {
                warp.CheckBarrier(barrier);
            }

            if (warp.Release(barrier))
            {
                Checks?.Meetings?.Pass(warp, barrier);
            }
        }

        Checks?.Meetings?.Close(barrier);
        return true;
    }
}
