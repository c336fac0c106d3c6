using System.Numerics;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// mbarrier: a barrier in shared memory that threads arrive at without waiting, and wait for without arriving. It counts
/// down the arrivals of a phase; at 0 the phase is over and the next one begins. Here its 64 bits are
///
///     63: parity of the phase      20 to 39: arrivals of a phase      0 to 19: arrivals that the phase still lacks
///
/// and the state that an arrival returns is a copy of them. Byte counts (expect_tx), which only bulk copies complete, are
/// not supported.
/// </summary>
internal static unsafe class TransactionBarriers
{
    private const ulong CountMask = 0xfffff;
    private const ulong Parity = 1ul << 63;

    public static readonly InstructionTable Table = new()
    {
        ["mbarrier"] = Emit,
    };

    /// <summary>cp.async.mbarrier.arrive: the arrival happens when the thread's copies are complete, which is here at once.</summary>
    public static void EmitCopyArrive(Emitter e)
    {
        if (!e.Take("arrive"))
        {
            throw e.Unsupported();
        }

        var isCounted = e.Take("noinc");
        TakeRest(e);
        e.Expect(1);
        Address(e, 0, isCounted ? &CopyArriveCounted : &CopyArrive);
    }

    private static void Emit(Emitter e)
    {
        e.Require(80);
        if (e.Take("init"))
        {
            TakeRest(e);
            e.Expect(2);
            Address(e, 0, &Initialize, b: e.Source(1, PtxType.U32));
        }
        else if (e.Take("inval"))
        {
            TakeRest(e);
            e.Expect(1);
            Address(e, 0, &Initialize, b: e.Constant(0, false));
        }
        else if (e.TakeAny("arrive", "arrive_drop") is { } arrive)
        {
            e.Take("noComplete");
            TakeRest(e);
            var address = e.Instruction.Operands[0] is PtxOperand.Address ? 0 : 1;
            e.Expect(address + 1, address + 2);
            var count = e.Operands == address + 2 ? e.Source(address + 1, PtxType.U32) : e.Constant(1, false);
            Address(e, address, arrive == "arrive" ? &Arrive : &ArriveAndDrop, address == 0 ? e.Scratch() : e.Destination(0, 8), count);
        }
        else if (e.TakeAny("test_wait", "try_wait") is not null)
        {
            var isParity = e.Take("parity");
            TakeRest(e);
            e.Expect(3, 4); // a fourth operand limits the time
            Address(e, 1, isParity ? &TestParity : &TestState, e.PredicateDestination(0), e.Source(2, isParity ? PtxType.U32 : PtxType.B64));
        }
        else
        {
            throw e.Unsupported();
        }
    }

    private static void TakeRest(Emitter e)
    {
        MemoryAccess.TakeHints(e);
        if (MemoryAccess.TakeSpace(e) is not (StateSpace.Shared or StateSpace.Generic))
        {
            throw e.Unsupported();
        }

        e.Take("b64");
    }

    private static void Address(Emitter e, int operand, Handler handler, int d = 0, int b = 0)
    {
        var space = e.Instruction.Modifiers.Any(m => m.StartsWith("shared", StringComparison.Ordinal)) ? StateSpace.Shared : StateSpace.Generic;
        var (at, isNarrow, offset, window) = MemoryAccess.Address(e, operand, space);
        e.Emit(handler, d, at, b, isNarrow, offset, count: (int)window);
    }

    private static ulong* Barriers(Op* op, byte* f, Warp w, uint mask) => op->Count == (int)AddressWindow.Shared
        ? Addressing.ResolveEach<SharedSpace>(op, f, w, mask, 8)
        : Addressing.ResolveEach<GenericSpace>(op, f, w, mask, 8);

    private static Op* Initialize(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask != 0)
        {
            var barriers = Barriers(op, f, w, mask);
            for (var rest = mask; rest != 0; rest &= rest - 1)
            {
                var lane = BitOperations.TrailingZeroCount(rest);
                ulong count = Lanes.Read<uint>(f + op->B, lane);
                *(ulong*)barriers[lane] = count | count << 20;
            }
        }

        return op + 1;
    }

    private static Op* Arrive(Op* op, byte* f, Warp w, uint mask) => ArriveEach(op, f, w, mask, drops: false);

    private static Op* ArriveAndDrop(Op* op, byte* f, Warp w, uint mask) => ArriveEach(op, f, w, mask, drops: true);

    private static Op* ArriveEach(Op* op, byte* f, Warp w, uint mask, bool drops)
    {
        if (mask == 0)
        {
            return op + 1;
        }

        var barriers = Barriers(op, f, w, mask);
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var lane = BitOperations.TrailingZeroCount(rest);
            var count = Lanes.Read<uint>(f + op->B, lane);
            Lanes.Write(f + op->D, lane, *(ulong*)barriers[lane]);
            if (drops)
            {
                *(ulong*)barriers[lane] -= (ulong)count << 20;
            }

            CountDown(op, w, lane, (ulong*)barriers[lane], count);
        }

        return op + 1;
    }

    private static void CountDown(Op* op, Warp w, int lane, ulong* barrier, uint count)
    {
        var pending = *barrier & CountMask;
        if (count > pending)
        {
            throw w.Fault(op, lane, CudaResult.LaunchFailed, $"{count} arrivals at an mbarrier that waits for {pending}");
        }

        *barrier -= count;
        if (pending == count)
        {
            *barrier = (*barrier ^ Parity) | (*barrier >> 20 & CountMask);
        }
    }

    private static Op* TestState(Op* op, byte* f, Warp w, uint mask) =>
        Test(op, f, w, mask, static (register, lane) => Lanes.Read<ulong>(register, lane) & Parity);

    private static Op* TestParity(Op* op, byte* f, Warp w, uint mask) =>
        Test(op, f, w, mask, static (register, lane) => (Lanes.Read<uint>(register, lane) & 1) != 0 ? Parity : 0);

    // The phase is over when the barrier's parity is no longer the phase's. If it is not, other warps have to get a turn.
    private static Op* Test(Op* op, byte* f, Warp w, uint mask, PhaseReader phaseOf)
    {
        if (mask == 0)
        {
            return op + 1;
        }

        var barriers = Barriers(op, f, w, mask);
        uint over = 0;
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var lane = BitOperations.TrailingZeroCount(rest);
            over |= (*(ulong*)barriers[lane] & Parity) != phaseOf(f + op->B, lane) ? 1u << lane : 0;
        }

        Lanes.StorePredicate(over, f + op->D, mask);
        return over == mask ? op + 1 : w.Yield(op + 1);
    }

    private delegate ulong PhaseReader(byte* register, int lane);

    private static Op* CopyArrive(Op* op, byte* f, Warp w, uint mask)
    {
        // The phase first waits for one arrival more, then the arrival comes: nothing changes but that the data has landed.
        w.Copies.WaitAll(mask);
        return op + 1;
    }

    private static Op* CopyArriveCounted(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask == 0)
        {
            return op + 1;
        }

        w.Copies.WaitAll(mask);
        var barriers = Barriers(op, f, w, mask);
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var lane = BitOperations.TrailingZeroCount(rest);
            CountDown(op, w, lane, (ulong*)barriers[lane], 1);
        }

        return op + 1;
    }
}
