using System.Numerics;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>bar and barrier: sync, arrive, red; bar.warp.sync.</summary>
internal static unsafe class Barriers
{
    public static readonly InstructionTable Table = new()
    {
        ["bar"] = Emit,
        ["barrier"] = Emit,
    };

    /// <summary>Whether all threads of a warp have to execute a barrier instruction together: bar, and barrier.….aligned.</summary>
    public static bool IsAligned(PtxInstruction instruction) => instruction.Opcode == "bar" || instruction.Modifiers.Contains("aligned");

    private static void Emit(Emitter e)
    {
        e.Take("cta");
        e.Take("aligned");
        if (e.Take("warp"))
        {
            e.Take("sync");
            e.Expect(1);
            e.Emit(&SyncWarp, a: e.Source(0, PtxType.B32));
        }
        else if (e.Take("sync"))
        {
            e.Expect(1, 2);
            e.Emit(&Sync, a: e.Source(0, PtxType.U32), b: CountOf(e));
        }
        else if (e.Take("arrive"))
        {
            e.Expect(2);
            e.Emit(&Arrive, a: e.Source(0, PtxType.U32), b: CountOf(e));
        }
        else if (e.Take("red"))
        {
            Reduce(e);
        }
        else
        {
            throw e.Unsupported();
        }
    }

    private static int CountOf(Emitter e) => e.Operands > 1 ? e.Source(1, PtxType.U32) : e.Constant(0, false);

    // bar.red.popc.u32 d, a{, b}, {!}c;   bar.red.and.pred p, a{, b}, {!}c
    private static void Reduce(Emitter e)
    {
        string kind = e.TakeAny("popc", "and", "or") ?? throw e.Unsupported();
        e.TakeType();
        e.Expect(3, 4);
        int vote = e.PredicateSource(e.Operands - 1);
        int count = e.Operands == 4 ? e.Source(2, PtxType.U32) : e.Constant(0, false);
        int barrier = e.Source(1, PtxType.U32);
        e.Emit(&Sync, a: barrier, b: count, c: vote, count: 1);
        if (kind == "popc")
        {
            e.Emit(&CountOutcome, e.Destination(0, 4), barrier);
        }
        else
        {
            e.Emit(kind == "and" ? &AndOutcome : &OrOutcome, e.PredicateDestination(), barrier);
        }
    }

    private static Op* Sync(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask == 0)
        {
            return op + 1;
        }

        (int barrier, int expected) = Operands(op, f, w, mask);
        Op* next = w.WaitAt(op, barrier, mask);
        w.Block.Arrive(op, w, barrier, expected, mask, op->Count != 0 ? *(uint*)(f + op->C) : 0);
        return next;
    }

    private static Op* Arrive(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask != 0)
        {
            (int barrier, int expected) = Operands(op, f, w, mask);
            w.Block.Arrive(op, w, barrier, expected, mask, 0);
        }

        return op + 1;
    }

    private static (int Barrier, int Expected) Operands(Op* op, byte* f, Warp w, uint mask)
    {
        int lane = BitOperations.TrailingZeroCount(mask);
        uint barrier = Lanes.Read<uint>(f + op->A, lane);
        uint expected = Lanes.Read<uint>(f + op->B, lane);
        return barrier < 16 && expected % Lanes.Count == 0 && expected <= 1024
            ? ((int)barrier, (int)expected)
            : throw w.Fault(op, lane, CudaResult.IllegalInstruction,
                $"barrier {barrier} with {expected} threads: there are barriers 0 to 15, and thread counts are multiples of 32");
    }

    private static Op* CountOutcome(Op* op, byte* f, Warp w, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            Lanes.Write(f + op->D, lane, (uint)w.Block.OutcomeOf(Lanes.Read<int>(f + op->A, lane)).True);
        }

        return op + 1;
    }

    private static Op* AndOutcome(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask != 0)
        {
            (int yes, int all) = w.Block.OutcomeOf(Lanes.Read<int>(f + op->A, BitOperations.TrailingZeroCount(mask)));
            Lanes.StorePredicate(yes == all ? Lanes.All : 0, f + op->D, mask);
        }

        return op + 1;
    }

    private static Op* OrOutcome(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask != 0)
        {
            (int yes, _) = w.Block.OutcomeOf(Lanes.Read<int>(f + op->A, BitOperations.TrailingZeroCount(mask)));
            Lanes.StorePredicate(yes > 0 ? Lanes.All : 0, f + op->D, mask);
        }

        return op + 1;
    }

    private static Op* SyncWarp(Op* op, byte* f, Warp w, uint mask) =>
        w.Gather(op, mask, Shuffles.Members(f + op->A, mask), out Op* next) ? op + 1 : next;
}
