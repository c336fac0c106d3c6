using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;
using Bits = System.Numerics.BitOperations;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// mbarrier, barriers that live in shared memory (<see cref="TransactionBarrier"/>). Arriving and waiting are two
/// instructions; a warp that finds the phase it waits for incomplete gives the others a turn.
/// </summary>
internal static unsafe class TransactionBarriers
{
    public static readonly InstructionTable Table = new()
    {
        ["mbarrier"] = Emit,
    };

    /// <summary>Emits that a barrier's phase waits for one arrival more.</summary>
    public static void EmitOneMore(Emitter e, int at, int isNarrow, long offset) =>
        e.Emit(&Change<OneMore>, e.Scratch(), at, e.Constant(1, false), isNarrow, offset);

    private static void Emit(Emitter e)
    {
        e.Require(80);
        if (e.Modifiers is not [var kind, ..] || e.Operands == 0)
        {
            throw e.Unsupported();
        }

        e.Take(kind);
        switch (kind)
        {
            case "init":
                EmitChange(e, &Initialise, 0, e.Operands == 2 ? 1 : throw e.Mismatch());
                break;
            case "inval":
                EmitChange(e, &Invalidate, 0, null);
                break;
            case "expect_tx":
                e.Require(90);
                EmitChange(e, &Change<Expect>, 0, e.Operands == 2 ? 1 : throw e.Mismatch());
                break;
            case "complete_tx":
                e.Require(90);
                EmitChange(e, &Change<Complete>, 0, e.Operands == 2 ? 1 : throw e.Mismatch());
                break;
            case "arrive":
                Arrive(e, &Change<Arrival>, &Change<PartialArrival>, &Change<ExpectingArrival>);
                break;
            case "arrive_drop":
                Arrive(e, &Change<Departure>, &Change<PartialDeparture>, &Change<ExpectingDeparture>);
                break;
            case "pending_count":
                TakeType(e);
                e.Expect(2);
                e.Emit(&PendingCount, e.Destination(0, 4), e.Source(1, PtxType.B64));
                break;
            case "test_wait" or "try_wait":
                Wait(e, kind);
                break;
            default:
                throw e.Unsupported();
        }
    }

    // mbarrier.arrive{.noComplete}{.expect_tx}.b64 state, [barrier]{, count};  without a state the address comes first.
    private static void Arrive(Emitter e, Handler arrival, Handler partial, Handler expecting)
    {
        bool isPartial = e.Take("noComplete");
        bool expects = e.Take("expect_tx");
        if (expects)
        {
            e.Require(90);
        }

        int address = e.Instruction.Operands[0] is PtxOperand.Address ? 0 : 1;
        bool hasCount = e.Operands == address + 2;
        if ((isPartial && expects) || ((isPartial || expects) && !hasCount))
        {
            throw e.Unsupported();
        }

        EmitChange(e, isPartial ? partial : expects ? expecting : arrival, address, hasCount ? address + 1 : null);
    }

    private static void EmitChange(Emitter e, Handler handler, int addressOperand, int? countOperand)
    {
        TakeOrder(e);
        (int at, int isNarrow, long offset) = SharedAddresses.Take(e, addressOperand);
        TakeType(e);
        e.Expect(addressOperand + (countOperand is null ? 1 : 2));
        int state = addressOperand == 0 ? e.Scratch() : e.Destination(0, 8);
        e.Emit(handler, state, at, countOperand is { } count ? e.Source(count, PtxType.U32) : e.Constant(1, false), isNarrow, offset);
    }

    // mbarrier.{test,try}_wait{.parity}.b64 done, [barrier], state or parity{, time}
    private static void Wait(Emitter e, string kind)
    {
        bool isParity = e.Take("parity");
        if (kind == "try_wait")
        {
            e.Require(90);
        }

        TakeOrder(e);
        (int at, int isNarrow, long offset) = SharedAddresses.Take(e, 1);
        TakeType(e);
        e.Expect(3, kind == "try_wait" ? 4 : 3);
        e.Emit(isParity ? &TestParity : &TestState, e.PredicateDestination(), at, e.Source(2, isParity ? PtxType.U32 : PtxType.B64), isNarrow, offset);
    }

    private static void TakeOrder(Emitter e)
    {
        e.TakeAny("release", "acquire", "relaxed");
        e.TakeAny("cta", "cluster");
    }

    private static void TakeType(Emitter e)
    {
        if (!e.Take("b64"))
        {
            throw e.Unsupported();
        }
    }

    private static Op* Initialise(Op* op, byte* f, Warp w, uint mask)
    {
        ulong* barriers = Resolve(op, f, w, mask, initialises: true);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            uint count = Lanes.Read<uint>(f + op->B, lane);
            if (count is 0 or > TransactionBarrier.Most)
            {
                throw w.Fault(op, lane, CudaResult.LaunchFailed, $"a barrier cannot wait for {count} arrivals: at least 1, at most {TransactionBarrier.Most}");
            }

            *(ulong*)barriers[lane] = new TransactionBarrier(0, 0, (int)count, (int)count).Encode();
        }

        return op + 1;
    }

    // Who initialises a barrier writes it, and the others come after that; then it is what threads meet at.
    private static ulong* Resolve(Op* op, byte* f, Warp w, uint mask, bool initialises = false)
    {
        if (mask == 0)
        {
            return null;
        }

        ulong* barriers = Addressing.ResolveEach<SharedSpace>(op, f, w, mask, sizeof(ulong));
        if (initialises)
        {
            w.Checks?.Write<SharedSpace>(op, w, mask, AccessShape.Scattered, (byte*)barriers[Bits.TrailingZeroCount(mask)], sizeof(ulong));
        }
        else
        {
            w.Checks?.MeetAtBarriers(op, w, mask);
        }

        return barriers;
    }

    private static Op* Invalidate(Op* op, byte* f, Warp w, uint mask)
    {
        ulong* barriers = Resolve(op, f, w, mask);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            Read(op, w, lane, barriers[lane]);
            *(ulong*)barriers[lane] = 0;
        }

        return op + 1;
    }

    // Lane after lane; D gets what each found before.
    private static Op* Change<TChange>(Op* op, byte* f, Warp w, uint mask)
        where TChange : struct, IBarrierChange
    {
        ulong* barriers = Resolve(op, f, w, mask);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            TransactionBarrier barrier = Read(op, w, lane, barriers[lane]);
            ulong state = barrier.Encode();
            w.Checks?.Meetings?.Signal(w, barriers[lane]);
            Set<TChange>(op, w, lane, barriers[lane], barrier, Lanes.Read<uint>(f + op->B, lane));
            Lanes.Write(f + op->D, lane, state);
        }

        return op + 1;
    }

    private static Op* PendingCount(Op* op, byte* f, Warp w, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            Lanes.Write(f + op->D, lane, (uint)TransactionBarrier.Decode(Lanes.Read<ulong>(f + op->A, lane)).Pending);
        }

        return op + 1;
    }

    private static Op* TestState(Op* op, byte* f, Warp w, uint mask) =>
        Test(op, f, w, mask, static (b, lane) => TransactionBarrier.Decode(Lanes.Read<ulong>((byte*)b, lane)).Phase);

    private static Op* TestParity(Op* op, byte* f, Warp w, uint mask) =>
        Test(op, f, w, mask, static (b, lane) => Lanes.Read<int>((byte*)b, lane) & 1);

    // The phase that is asked for is the barrier's or the one before; so it is complete if the barrier's is another.
    private static Op* Test(Op* op, byte* f, Warp w, uint mask, Func<nint, int, int> phaseOf)
    {
        ulong* barriers = Resolve(op, f, w, mask);
        uint done = 0;
        ulong last = 0ul;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            if (barriers[lane] != last)
            {
                last = barriers[lane];
                EndCopies(op, w, lane, last);
            }

            if (Read(op, w, lane, last).Phase != phaseOf((nint)(f + op->B), lane))
            {
                done |= 1u << lane;
                w.Checks?.Meetings?.Await(w, last);
            }
        }

        Lanes.StorePredicate(done, f + op->D, mask);
        return done == mask ? op + 1 : w.Yield(op + 1);
    }

    // Arrivals of cp.async.mbarrier.arrive that are outstanding come now.
    private static void EndCopies(Op* op, Warp w, int lane, ulong barrier)
    {
        foreach (Warp warp in w.Block.Warps)
        {
            warp.Copies.ArriveAt(barrier, count =>
            {
                warp.Checks?.Meetings?.Signal(warp, barrier);
                Set<Arrival>(op, w, lane, barrier, Read(op, w, lane, barrier), (uint)count);
            });
        }
    }

    private static TransactionBarrier Read(Op* op, Warp w, int lane, ulong address)
    {
        ulong bits = *(ulong*)address;
        return TransactionBarrier.IsValid(bits)
            ? TransactionBarrier.Decode(bits)
            : throw w.Fault(op, lane, CudaResult.LaunchFailed,
                $"no barrier has been initialised at shared address 0x{address - (ulong)w.Block.Shared:x}: mbarrier.init must come first, and nothing else may write there");
    }

    private static void Set<TChange>(Op* op, Warp w, int lane, ulong address, TransactionBarrier barrier, uint count)
        where TChange : struct, IBarrierChange
    {
        if (TChange.Apply(ref barrier, count) is { } wrong)
        {
            throw w.Fault(op, lane, CudaResult.LaunchFailed, $"the barrier at shared address 0x{address - (ulong)w.Block.Shared:x} {wrong}");
        }

        *(ulong*)address = barrier.Settled().Encode();
    }
}
