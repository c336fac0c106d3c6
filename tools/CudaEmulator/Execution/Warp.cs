using System.Numerics;
using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// 32 threads in lockstep. Lanes that took different branches are different paths. One path runs; of those that wait, the
/// one that is furthest behind in the code comes next, and paths that meet at a label become one again. The code is laid
/// out so that everything that leads to an instruction lies before it (<see cref="FlowGraph"/>): going on with the
/// hindmost path therefore brings the lanes together at the first place where they can be.
///
///          A            active 1111
///        @p bra C
///       /        \
///      B          C     B is run by 0011 while 1100 wait at C …
///       \        /
///          D            … then C by 1100; 0011 wait at D, where the paths join to 1111
/// </summary>
internal sealed unsafe partial class Warp : IDisposable
{
    /// <summary>Instructions that a warp may repeat until it makes room for the others.</summary>
    private const int TurnLength = 1 << 17;

    /// <summary>
    /// What it counts for to give the others a turn: threads that wait for what never comes are not to wait for ever.
    /// </summary>
    private const int YieldCost = 1 << 10;

    private readonly WaitingPaths _waiting = new();
    private readonly byte* _memory;
    private int _turn;
    private bool _turnEnded;

    public Warp(Block block, int index)
    {
        Block = block;
        Index = index;
        KernelCode kernel = block.Launch.Kernel;
        FrameLayout frame = kernel.Frame;
        LocalStride = LocalStrideOf(kernel);
        Checks = block.Checks;
        Copies = new(this);
        Products = new(this);
        int below = (frame.BytesBelow + 63) / 64 * 64;
        int above = (frame.BytesAbove + 63) / 64 * 64;
        int scratch = Lanes.Wide;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(below + above + scratch + LocalStride * Lanes.Count), 64);
        Frame = _memory + below;
        Addresses = (ulong*)(Frame + above);
        Local = Frame + above + scratch;
        frame.Prepare(Frame, this);
    }

    /// <summary>The block it belongs to.</summary>
    public Block Block { get; }

    /// <summary>Checks what is read and in which order; null if nobody asks for it.</summary>
    public AccessChecks? Checks { get; }

    /// <summary>Its number in the block.</summary>
    public int Index { get; }

    /// <summary>Registers and constants; see <see cref="FrameLayout"/>.</summary>
    public byte* Frame { get; }

    /// <summary>Local memory, thread by thread.</summary>
    public byte* Local { get; }

    /// <summary>Distance of two threads' local memory.</summary>
    public int LocalStride { get; }

    /// <summary>Room for the host addresses of one memory access, a lane each.</summary>
    public ulong* Addresses { get; }

    /// <summary>Lanes of the path that runs.</summary>
    public uint Active { get; private set; }

    /// <summary>Lanes that have not exited.</summary>
    public uint Alive { get; private set; }

    /// <summary>Copies of cp.async that are under way.</summary>
    public AsyncCopyQueue Copies { get; }

    /// <summary>Products of wgmma that are under way.</summary>
    public WarpgroupQueue Products { get; }

    /// <summary>Whether some path can go on.</summary>
    public bool CanRun => _waiting.CanRun;

    /// <summary>The distance of two threads' local memory in a kernel.</summary>
    public static int LocalStrideOf(KernelCode kernel) => (kernel.LocalBytes + 15) / 16 * 16;

    /// <summary>Puts all threads at the kernel's beginning.</summary>
    public void Start()
    {
        int threads = (int)Math.Min(Lanes.Count, Block.Launch.Block.Count - (long)Index * Lanes.Count);
        Alive = threads == Lanes.Count ? Lanes.All : (1u << threads) - 1;
        Active = 0;
        _waiting.Clear();
        Copies.Clear();
        Products.Clear();
        KernelCode kernel = Block.Launch.Kernel;
        NativeMemory.Clear(Frame, (nuint)kernel.Frame.BytesAbove);
        NativeMemory.Clear(Local, (nuint)(LocalStride * Lanes.Count));
        kernel.Frame.Refresh(Frame, this);
        _waiting.Add(kernel.Code, Alive, PathState.Ready);
    }

    /// <summary>Runs until every path has exited or waits, or the turn is over.</summary>
    public void Run()
    {
        _turn = TurnLength;
        _turnEnded = false;
        ExecutionObserver? observer = Block.Observer;
        for (Op* op = Select(); op != null; op = _turnEnded ? null : Select())
        {
            byte* frame = Frame;
            if (observer is null)
            {
                do
                {
                    op = op->Handler(op, frame, this, Active & (*(uint*)(frame + op->Guard) ^ op->GuardFlip));
                }
                while (op != null);
            }
            else
            {
                do
                {
                    uint mask = Active & (*(uint*)(frame + op->Guard) ^ op->GuardFlip);
                    observer.Before(this, op, mask);
                    op = op->Handler(op, frame, this, mask);
                }
                while (op != null);
            }
        }

        if (!_turnEnded && Alive != 0)
        {
            Block.Spend(_waiting.Latest, this, Alive, TurnLength - _turn + 1);
        }
    }

    /// <summary>A branch that <paramref name="taken"/> lanes take: where to go on.</summary>
    public Op* Branch(Op* op, uint taken)
    {
        if (taken == 0)
        {
            return op + 1;
        }

        Op* target = op->Target;
        if (target <= op && (_turn -= (int)(op - target) + 1) < 0)
        {
            Block.Spend(op, this, taken, TurnLength - _turn);
            _waiting.Add(target, taken, PathState.Ready);
            if (taken != Active)
            {
                _waiting.Add(op + 1, Active & ~taken, PathState.Ready);
            }

            return EndTurn();
        }

        if (taken == Active)
        {
            return target;
        }

        uint fall = Active & ~taken;
        if (target < op + 1)
        {
            _waiting.Add(op + 1, fall, PathState.Ready);
            Active = taken;
            return target;
        }

        _waiting.Add(target, taken, PathState.Ready);
        Active = fall;
        return op + 1;
    }

    /// <summary>At a label: lanes that wait here come along; lanes that are behind go first.</summary>
    public Op* Join(Op* op)
    {
        if (_waiting.IsEmpty)
        {
            return op + 1;
        }

        _waiting.Add(op, Active, PathState.Ready);
        if (_waiting.KeepsGoing)
        {
            Active = _waiting.TakeAt(op);
            return op + 1;
        }

        Op* next = Select();
        return next == op ? op + 1 : next;
    }

    /// <summary>
    /// At an instruction that <paramref name="members"/> execute together: true if <paramref name="mask"/>, the lanes that
    /// are here, holds all of them that have not exited. If not, these lanes wait and <paramref name="next"/> is where to
    /// go on.
    /// </summary>
    public bool Gather(Op* op, uint mask, uint members, out Op* next)
    {
        next = null;
        if ((members & Alive & ~mask) == 0)
        {
            Checks?.Meetings?.Synchronise(this);
            return true;
        }

        if (mask == 0)
        {
            next = op + 1;
            return false;
        }

        if (_waiting.IsLastResort)
        {
            throw Fault(op, BitOperations.TrailingZeroCount(mask), CudaResult.LaunchTimeout,
                $"the instruction names lanes 0x{members:x8}, but only 0x{mask:x8} ever arrive: the others would be waited for without end");
        }

        _waiting.Add(op, mask, PathState.AtSync);
        _waiting.Meet(op, members & Alive);
        Active &= ~mask;
        next = Active != 0 ? op + 1 : Select();
        return false;
    }

    /// <summary>Makes lanes wait for a barrier; the others go on. They continue behind <paramref name="op"/>.</summary>
    public Op* WaitAt(Op* op, int barrier, uint mask)
    {
        _waiting.Add(op + 1, mask, PathState.AtBarrier, barrier);
        Active &= ~mask;
        return Active != 0 ? op + 1 : null;
    }

    /// <summary>Lets the lanes at a barrier go on; whether there are any.</summary>
    public bool Release(int barrier) => _waiting.Release(barrier);

    /// <summary>Lanes that end; null if no others are on this path.</summary>
    public Op* Exit(Op* op, uint mask)
    {
        Alive &= ~mask;
        Active &= ~mask;
        Block.Exited(this, mask);
        return Active != 0 ? op + 1 : null;
    }

    /// <summary>Gives the other warps a turn, and comes back at <paramref name="next"/>.</summary>
    public Op* Yield(Op* next)
    {
        Block.Spend(next - 1, this, Active, TurnLength - _turn + YieldCost);
        _waiting.Add(next, Active, PathState.Ready);
        return EndTurn();
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(_memory);

    private Op* EndTurn()
    {
        Active = 0;
        _turnEnded = true;
        _waiting.Rotate();
        return null;
    }

    private Op* Select()
    {
        Op* next = _waiting.Take(out uint mask);
        Active = mask;
        return next;
    }
}
