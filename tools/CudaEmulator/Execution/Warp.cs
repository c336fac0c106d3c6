using System.Numerics;
using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>What a path of a warp waits for.</summary>
internal enum PathState
{
    /// <summary>Nothing.</summary>
    Ready,

    /// <summary>The other lanes that its .sync instruction names.</summary>
    AtSync,

    /// <summary>A barrier of the block.</summary>
    AtBarrier,
}

/// <summary>Lanes that go through the code together, while they are not the ones being run.</summary>
internal unsafe struct Path
{
    public Op* Next;
    public uint Mask;
    public PathState State;
    public int Barrier;
}

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
internal sealed unsafe class Warp : IDisposable
{
    /// <summary>Instructions that a warp may repeat until it makes room for the others.</summary>
    private const int TurnLength = 1 << 17;

    /// <summary>What it counts for to give the others a turn: threads that wait for what never comes are not to wait for ever.</summary>
    private const int YieldCost = 1 << 10;

    private readonly Path[] paths = new Path[Lanes.Count + 1];
    private readonly byte* memory;
    private int waiting;
    private int turn;
    private bool turnEnded;
    private bool rotate;
    private bool keepsGoing;
    private bool lastResort;
    private Op* lastNext;

    public Warp(Block block, int index)
    {
        Block = block;
        Index = index;
        var kernel = block.Launch.Kernel;
        var frame = kernel.Frame;
        LocalStride = LocalStrideOf(kernel);
        Checks = block.Checks;
        Copies = new(this);
        Products = new(this);
        var below = (frame.BytesBelow + 63) / 64 * 64;
        var above = (frame.BytesAbove + 63) / 64 * 64;
        var scratch = Lanes.Wide;
        memory = (byte*)NativeMemory.AlignedAlloc((nuint)(below + above + scratch + LocalStride * Lanes.Count), 64);
        Frame = memory + below;
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
    public bool CanRun
    {
        get
        {
            for (var i = 0; i < waiting; i++)
            {
                if (paths[i].State != PathState.AtBarrier)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>The distance of two threads' local memory in a kernel.</summary>
    public static int LocalStrideOf(KernelCode kernel) => (kernel.LocalBytes + 15) / 16 * 16;

    /// <summary>Puts all threads at the kernel's beginning.</summary>
    public void Start()
    {
        var threads = (int)Math.Min(Lanes.Count, Block.Launch.Block.Count - (long)Index * Lanes.Count);
        Alive = threads == Lanes.Count ? Lanes.All : (1u << threads) - 1;
        Active = 0;
        waiting = 0;
        rotate = false;
        lastNext = null;
        Copies.Clear();
        Products.Clear();
        var kernel = Block.Launch.Kernel;
        NativeMemory.Clear(Frame, (nuint)kernel.Frame.BytesAbove);
        NativeMemory.Clear(Local, (nuint)(LocalStride * Lanes.Count));
        kernel.Frame.Refresh(Frame, this);
        Suspend(kernel.Code, Alive, PathState.Ready);
    }

    /// <summary>Runs until every path has exited or waits, or the turn is over.</summary>
    public void Run()
    {
        turn = TurnLength;
        turnEnded = false;
        var observer = Block.Observer;
        for (var op = Select(); op != null; op = turnEnded ? null : Select())
        {
            var frame = Frame;
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
                    var mask = Active & (*(uint*)(frame + op->Guard) ^ op->GuardFlip);
                    observer.Before(this, op, mask);
                    op = op->Handler(op, frame, this, mask);
                }
                while (op != null);
            }
        }

        if (!turnEnded && Alive != 0)
        {
            Block.Spend(lastNext, this, Alive, TurnLength - turn + 1);
        }
    }

    /// <summary>A branch that <paramref name="taken"/> lanes take: where to go on.</summary>
    public Op* Branch(Op* op, uint taken)
    {
        if (taken == 0)
        {
            return op + 1;
        }

        var target = op->Target;
        if (target <= op && (turn -= (int)(op - target) + 1) < 0)
        {
            Block.Spend(op, this, taken, TurnLength - turn);
            Suspend(target, taken, PathState.Ready);
            if (taken != Active)
            {
                Suspend(op + 1, Active & ~taken, PathState.Ready);
            }

            return EndTurn();
        }

        if (taken == Active)
        {
            return target;
        }

        var fall = Active & ~taken;
        if (target < op + 1)
        {
            Suspend(op + 1, fall, PathState.Ready);
            Active = taken;
            return target;
        }

        Suspend(target, taken, PathState.Ready);
        Active = fall;
        return op + 1;
    }

    /// <summary>At a label: lanes that wait here come along; lanes that are behind go first.</summary>
    public Op* Join(Op* op)
    {
        if (waiting == 0)
        {
            return op + 1;
        }

        Suspend(op, Active, PathState.Ready);
        var next = keepsGoing ? TakeFrom(op) : Select();
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
            Checks?.Synchronise(this);
            return true;
        }

        if (mask == 0)
        {
            next = op + 1;
            return false;
        }

        if (lastResort)
        {
            throw Fault(op, BitOperations.TrailingZeroCount(mask), CudaResult.LaunchTimeout,
                $"the instruction names lanes 0x{members:x8}, but only 0x{mask:x8} ever arrive: the others would be waited for without end");
        }

        Suspend(op, mask, PathState.AtSync);
        Meet(op, members);
        Active &= ~mask;
        next = Active != 0 ? op + 1 : Select();
        return false;
    }

    /// <summary>Makes lanes wait for a barrier; the others go on. They continue behind <paramref name="op"/>.</summary>
    public Op* WaitAt(Op* op, int barrier, uint mask)
    {
        Suspend(op + 1, mask, PathState.AtBarrier, barrier);
        Active &= ~mask;
        return Active != 0 ? op + 1 : null;
    }

    /// <summary>Lets the lanes at a barrier go on; whether there are any.</summary>
    public bool Release(int barrier)
    {
        var any = false;
        for (var i = 0; i < waiting; i++)
        {
            if (paths[i].State == PathState.AtBarrier && paths[i].Barrier == barrier)
            {
                paths[i].State = PathState.Ready;
                any = true;
            }
        }

        return any;
    }

    /// <summary>
    /// At a barrier that opens: all lanes of a warp have to wait there together, at one instruction, unless it is a
    /// barrier.sync without .aligned.
    /// </summary>
    /// <exception cref="DeviceFaultException">They do not.</exception>
    public void CheckBarrier(int barrier)
    {
        uint here = 0;
        Op* at = null;
        for (var i = 0; i < waiting; i++)
        {
            if (paths[i].State != PathState.AtBarrier || paths[i].Barrier != barrier)
            {
                continue;
            }

            var op = paths[i].Next - 1;
            if (at != null && at != op && Barriers.IsAligned(Block.Launch.Kernel.SourceOf(op)))
            {
                throw Fault(op, BitOperations.TrailingZeroCount(paths[i].Mask), CudaResult.LaunchFailed,
                    $"the warp's threads wait for barrier {barrier} at different instructions, others at line {Block.Launch.Kernel.SourceOf(at).Line}: they have to reach it together, or use barrier.sync");
            }

            at = op;
            here |= paths[i].Mask;
        }

        if (at != null && here != Alive && Barriers.IsAligned(Block.Launch.Kernel.SourceOf(at)))
        {
            throw Fault(at, BitOperations.TrailingZeroCount(here), CudaResult.LaunchFailed,
                $"barrier {barrier} opens for lanes 0x{here:x8} of the warp only, and lanes 0x{Alive & ~here:x8} are elsewhere: all have to reach it together, or use barrier.sync");
        }
    }

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
        Block.Spend(next - 1, this, Active, TurnLength - turn + YieldCost);
        Suspend(next, Active, PathState.Ready);
        return EndTurn();
    }

    /// <summary>A fault of one lane, with everything that is known about where it happened.</summary>
    public DeviceFaultException Fault(Op* op, int lane, CudaResult result, string what)
    {
        var kernel = Block.Launch.Kernel;
        var source = kernel.SourceOf(op);
        var name = string.Join('.', [source.Opcode, .. source.Modifiers]);
        var thread = Block.Launch.Block.At(Index * Lanes.Count + lane);
        return new(result, $"kernel {kernel.Name}, PTX line {source.Line} ({name}), block {Block.Coordinates}, thread {thread}: {what}");
    }

    /// <summary>For reports of a block that hangs: the lines where this warp's lanes wait.</summary>
    public string Whereabouts()
    {
        var kernel = Block.Launch.Kernel;
        List<string> places = [];
        for (var i = 0; i < waiting; i++)
        {
            var next = paths[i].Next;
            var op = paths[i].State == PathState.AtSync || next == kernel.Code ? next : next - 1;
            places.Add($"warp {Index} lanes 0x{paths[i].Mask:x8} at line {kernel.SourceOf(op).Line}");
        }

        return string.Join(", ", places);
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(memory);

    private Op* EndTurn()
    {
        Active = 0;
        turnEnded = rotate = true;
        return null;
    }

    private void Suspend(Op* next, uint mask, PathState state, int barrier = 0) =>
        paths[waiting++] = new() { Next = next, Mask = mask, State = state, Barrier = barrier };

    // If all members have come to op, they can go on.
    private void Meet(Op* op, uint members)
    {
        var here = 0u;
        for (var i = 0; i < waiting; i++)
        {
            here |= paths[i].Next == op ? paths[i].Mask : 0;
        }

        for (var i = 0; i < waiting && (members & Alive & ~here) == 0; i++)
        {
            paths[i].State = paths[i].Next == op ? PathState.Ready : paths[i].State;
        }
    }

    // Takes the hindmost path that can go on out of the waiting ones, and all that are at the same place. After a turn has
    // ended it is the next one behind the one that had it, and goes on without regard to those that are behind it for a turn:
    // so a path that spins cannot keep the one waiting that it waits for.
    private Op* Select()
    {
        Op* best = null;
        Op* behind = null;
        Op* synced = null;
        for (var i = 0; i < waiting; i++)
        {
            var next = paths[i].Next;
            if (paths[i].State == PathState.AtSync)
            {
                synced = next;
            }
            else if (paths[i].State == PathState.Ready)
            {
                best = best == null || next < best ? next : best;
                behind = next > lastNext && (behind == null || next < behind) ? next : behind;
            }
        }

        keepsGoing = rotate && behind != null;
        best = keepsGoing ? behind : best;
        rotate = false;
        lastResort = best == null && synced != null;
        best = lastResort ? synced : best;
        if (best == null)
        {
            Active = 0;
            return null;
        }

        return TakeFrom(best);
    }

    private Op* TakeFrom(Op* best)
    {
        uint mask = 0;
        for (var i = waiting - 1; i >= 0; i--)
        {
            if (paths[i].Next == best && paths[i].State != PathState.AtBarrier)
            {
                mask |= paths[i].Mask;
                paths[i] = paths[--waiting];
            }
        }

        lastNext = best;
        Active = mask;
        return best;
    }
}
