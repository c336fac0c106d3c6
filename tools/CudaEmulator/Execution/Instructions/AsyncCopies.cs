using System.Numerics;
using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>cp.async: copies from global to shared memory of 4, 8 or 16 bytes that are visible after a wait (<see cref="AsyncCopyQueue"/>).</summary>
internal static unsafe class AsyncCopies
{
    public static readonly InstructionTable Table = new()
    {
        ["cp"] = Emit,
    };

    private static void Emit(Emitter e)
    {
        if (!e.Take("async") || e.Take("bulk"))
        {
            throw e.Error($"instruction '{e.Name}' is not supported");
        }

        e.Require(80);
        if (e.Take("commit_group"))
        {
            e.Expect(0);
            e.Emit(&Commit);
        }
        else if (e.Take("wait_all"))
        {
            e.Expect(0);
            e.Emit(&WaitAll);
        }
        else if (e.Take("wait_group"))
        {
            e.Expect(1);
            e.Emit(&Wait, constant: e.ConstantOf(0));
        }
        else if (e.Take("mbarrier"))
        {
            TransactionBarriers.EmitCopyArrive(e);
        }
        else
        {
            Copy(e);
        }
    }

    // cp.async.{ca,cg}.shared.global [to], [from], bytes{, bytes to read | predicate to ignore the source}{, cache policy}
    private static void Copy(Emitter e)
    {
        var cache = e.TakeAny("ca", "cg");
        if (e.TakeAny("shared", "shared::cta") is null || !e.Take("global"))
        {
            throw e.Unsupported();
        }

        MemoryAccess.TakeHints(e);
        e.Expect(3, 5);
        var bytes = e.ConstantOf(2);
        if (bytes is not (4 or 8 or 16) || (cache == "cg" && bytes != 16))
        {
            throw e.Error($"instruction '{e.Name}' cannot copy {bytes} bytes");
        }

        int given;
        if (e.Operands == 3)
        {
            given = e.Constant((ulong)bytes, false);
        }
        else if (e.RegisterOf(3)?.Type == PtxType.Pred)
        {
            given = e.Scratch();
            Moves.Select(e, PtxType.B32, given, e.Constant(0, false), e.Constant((ulong)bytes, false), e.PredicateSource(3));
        }
        else
        {
            given = e.Source(3, PtxType.B32);
        }

        var (to, toIsNarrow, toOffset, toWindow) = MemoryAccess.Address(e, 0, StateSpace.Shared);
        var (from, fromIsNarrow, fromOffset, fromWindow) = MemoryAccess.Address(e, 1, StateSpace.Global);
        if (toWindow != AddressWindow.Shared || fromWindow != AddressWindow.Global)
        {
            throw e.Mismatch();
        }

        var targets = e.Scratch();
        e.Emit(&Target, targets, to, c: toIsNarrow, constant: toOffset, count: (int)bytes);
        e.Emit(&Issue, targets, from, given, fromIsNarrow, fromOffset, count: (int)bytes);
    }

    // The host addresses of the targets, into a scratch register.
    private static Op* Target(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask != 0)
        {
            var addresses = Addressing.ResolveEach<SharedSpace>(op, f, w, mask, op->Count);
            new ReadOnlySpan<byte>(addresses, Lanes.Wide).CopyTo(new(f + op->D, Lanes.Wide));
        }

        return op + 1;
    }

    private static Op* Issue(Op* op, byte* f, Warp w, uint mask)
    {
        var bytes = op->Count;
        uint full = 0;
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var lane = BitOperations.TrailingZeroCount(rest);
            var given = Lanes.Read<uint>(f + op->B, lane);
            if (given == bytes)
            {
                full |= 1u << lane;
                continue;
            }

            if (given > bytes)
            {
                throw w.Fault(op, lane, CudaResult.IllegalInstruction, $"cp.async of {bytes} bytes is to read {given} bytes");
            }

            w.Copies.Add(lane, Targets(op, f)[lane], Partial(op, f, w, lane, (int)given), bytes);
        }

        if (full != 0)
        {
            var sources = Addressing.ResolveEach<GlobalSpace>(op, f, w, full, bytes);
            for (var rest = full; rest != 0; rest &= rest - 1)
            {
                var lane = BitOperations.TrailingZeroCount(rest);
                var data = Vector128<byte>.Zero;
                new ReadOnlySpan<byte>((void*)sources[lane], bytes).CopyTo(new(&data, bytes));
                w.Copies.Add(lane, Targets(op, f)[lane], data, bytes);
            }
        }

        return op + 1;
    }

    private static byte** Targets(Op* op, byte* f) => (byte**)(f + op->D);

    // Fewer bytes are read than copied: the rest is zeros. An address of which nothing is read need not be valid.
    private static Vector128<byte> Partial(Op* op, byte* f, Warp w, int lane, int given)
    {
        var data = Vector128<byte>.Zero;
        var address = (op->C == 0 ? Lanes.Read<ulong>(f + op->A, lane) : Lanes.Read<uint>(f + op->A, lane)) + (ulong)op->Constant;
        for (var i = 0; i < given; i++)
        {
            ((byte*)&data)[i] = *(byte*)Addressing.HostAddress(op, w, lane, address + (ulong)i, 1, AddressWindow.Global);
        }

        return data;
    }

    private static Op* Commit(Op* op, byte* f, Warp w, uint mask)
    {
        w.Copies.Commit(mask);
        return op + 1;
    }

    private static Op* Wait(Op* op, byte* f, Warp w, uint mask)
    {
        w.Copies.Wait(mask, (int)op->Constant);
        return op + 1;
    }

    private static Op* WaitAll(Op* op, byte* f, Warp w, uint mask)
    {
        w.Copies.WaitAll(mask);
        return op + 1;
    }
}
