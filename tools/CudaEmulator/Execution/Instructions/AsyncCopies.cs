using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;
using Bits = System.Numerics.BitOperations;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// cp.async: copies from global to shared memory that a thread begins and later waits for (<see cref="AsyncCopyQueue"/>).
///
///     cp.async.cg.shared.global [dst], [src], 16{, bytes of src}     what src does not give is filled with zeros
///     cp.async.commit_group
///     cp.async.wait_group n;  cp.async.wait_all
///     cp.async.mbarrier.arrive{.noinc}.b64 [barrier]
/// </summary>
internal static unsafe class AsyncCopies
{
    public static readonly InstructionTable Table = new()
    {
        ["cp"] = Emit,
    };

    private static void Emit(Emitter e)
    {
        if (!e.Take("async"))
        {
            throw e.Unsupported();
        }

        if (e.Modifiers.Contains("bulk"))
        {
            throw e.Error($"instruction '{e.Name}' is not supported: bulk copies and the tensor memory accelerator are not emulated; use cp.async");
        }

        e.Require(80);
        if (e.Take("commit_group"))
        {
            e.Expect(0);
            e.Emit(&Commit);
        }
        else if (e.Take("wait_group"))
        {
            e.Expect(1);
            e.Emit(&Wait, count: (int)Math.Clamp(e.ConstantOf(0), 0, int.MaxValue / 2));
        }
        else if (e.Take("wait_all"))
        {
            e.Expect(0);
            e.Emit(&WaitForAll);
        }
        else if (e.Take("mbarrier"))
        {
            Arrive(e);
        }
        else
        {
            Copy(e);
        }
    }

    private static void Copy(Emitter e)
    {
        string cache = e.TakeAny("ca", "cg") ?? throw e.Unsupported();
        bool hasPolicy = e.Take("L2::cache_hint");
        e.TakeAny("L2::64B", "L2::128B", "L2::256B");
        if (e.TakeAny("shared", "shared::cta") is null || !e.Take("global"))
        {
            throw e.Unsupported();
        }

        e.Expect(hasPolicy ? 4 : 3, hasPolicy ? 5 : 4);
        long bytes = e.ConstantOf(2);
        if (bytes is not (4 or 8 or 16) || (cache == "cg" && bytes != 16))
        {
            throw e.Error($"instruction '{e.Name}' copies {(cache == "cg" ? "16" : "4, 8 or 16")} bytes, not {bytes}");
        }

        // The two addresses take two ops: the first leaves the targets in a scratch for the second.
        (int to, int toNarrow, long toOffset, _) = MemoryAccess.Address(e, 0, StateSpace.Shared);
        (int from, int fromNarrow, long fromOffset, _) = MemoryAccess.Address(e, 1, StateSpace.Global);
        int given = GivenBytes(e, (int)bytes, e.Operands == (hasPolicy ? 5 : 4));
        int targets = e.Scratch();
        e.Emit(&FindTargets, targets, to, c: toNarrow, constant: toOffset, count: (int)bytes);
        e.Emit(&Begin, targets, from, given, fromNarrow, fromOffset, count: (int)bytes);
    }

    // The fourth operand is the number of bytes to be read, or a predicate that tells to read none.
    private static int GivenBytes(Emitter e, int bytes, bool isGiven)
    {
        int all = e.Constant((ulong)bytes, false);
        if (!isGiven)
        {
            return all;
        }

        if (e.RegisterOf(3)?.Type != PtxType.Pred)
        {
            return e.Source(3, PtxType.U32);
        }

        int given = e.Scratch();
        Moves.Select(e, PtxType.U32, given, e.Constant(0, false), all, e.PredicateSource(3));
        return given;
    }

    private static Op* FindTargets(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask != 0)
        {
            ulong* addresses = Addressing.ResolveEach<SharedSpace>(op, f, w, mask, op->Count);
            new ReadOnlySpan<ulong>(addresses, Lanes.Count).CopyTo(new Span<ulong>(f + op->D, Lanes.Count));
        }

        return op + 1;
    }

    private static Op* Begin(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask == 0)
        {
            return op + 1;
        }

        int bytes = op->Count;
        w.Checks?.BeginCopies(op, w, mask, (ulong*)(f + op->D), bytes);
        (uint whole, uint part) = Sort(op, f, w, mask);
        AsyncCopy copy = w.Copies.Begin(mask, bytes);
        new ReadOnlySpan<ulong>(f + op->D, Lanes.Count).CopyTo(copy.Targets);
        if (whole != mask)
        {
            Array.Clear(copy.Data);
        }

        if (whole != 0)
        {
            ulong* sources = Addressing.ResolveEach<GlobalSpace>(op, f, w, whole, bytes);
            w.Checks?.Read<GlobalSpace>(op, w, whole, AccessShape.Scattered, (byte*)sources[Bits.TrailingZeroCount(whole)], bytes);
            for (uint rest = whole; rest != 0; rest &= rest - 1)
            {
                int lane = Bits.TrailingZeroCount(rest);
                copy.Data[lane] = bytes switch
                {
                    16 => Vector128.Load((byte*)sources[lane]),
                    8 => Vector128.CreateScalar(*(ulong*)sources[lane]).AsByte(),
                    _ => Vector128.CreateScalar(*(uint*)sources[lane]).AsByte(),
                };
            }
        }

        for (uint rest = part; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            copy.Data[lane] = ReadPart(op, f, w, lane);
        }

        return op + 1;
    }

    // Lanes that read all the bytes, and lanes that read some.
    private static (uint Whole, uint Part) Sort(Op* op, byte* f, Warp w, uint mask)
    {
        uint whole = 0, part = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            uint given = Lanes.Read<uint>(f + op->B, lane);
            if (given > op->Count)
            {
                throw w.Fault(op, lane, CudaResult.LaunchFailed, $"{given} bytes are to be read, but only {op->Count} to be copied");
            }

            whole |= given == op->Count ? 1u << lane : 0;
            part |= given != op->Count && given != 0 ? 1u << lane : 0;
        }

        return (whole, part);
    }

    private static Vector128<byte> ReadPart(Op* op, byte* f, Warp w, int lane)
    {
        ulong address = (op->C == 0 ? Lanes.Read<ulong>(f + op->A, lane) : Lanes.Read<uint>(f + op->A, lane)) + (ulong)op->Constant;
        if (address % (ulong)op->Count != 0)
        {
            throw w.Fault(op, lane, CudaResult.MisalignedAddress,
                $"global address 0x{address:x} is not a multiple of {op->Count}, the bytes that the instruction copies at once");
        }

        Vector128<byte> data = Vector128<byte>.Zero;
        for (int i = 0; i < Lanes.Read<int>(f + op->B, lane); i++)
        {
            ulong host = Addressing.HostAddress(op, w, lane, address + (ulong)i, 1, AddressWindow.Global);
            w.Checks?.ReadBytes(op, w, lane, host, 1);
            data = data.WithElement(i, *(byte*)host);
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
        w.Copies.Wait(mask, op->Count);
        return op + 1;
    }

    private static Op* WaitForAll(Op* op, byte* f, Warp w, uint mask)
    {
        w.Copies.Commit(mask);
        w.Copies.Wait(mask, 0);
        return op + 1;
    }

    // Without .noinc the barrier is told of one arrival more, so that this one leaves its count as it was.
    private static void Arrive(Emitter e)
    {
        if (!e.Take("arrive"))
        {
            throw e.Unsupported();
        }

        bool counts = e.Take("noinc");
        (int at, int isNarrow, long offset) = SharedAddresses.Take(e, 0);
        if (!e.Take("b64"))
        {
            throw e.Unsupported();
        }

        e.Expect(1);
        if (!counts)
        {
            TransactionBarriers.EmitOneMore(e, at, isNarrow, offset);
        }

        e.Emit(&ArriveLater, a: at, c: isNarrow, constant: offset);
    }

    private static Op* ArriveLater(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask != 0)
        {
            ulong* barriers = Addressing.ResolveEach<SharedSpace>(op, f, w, mask, sizeof(ulong));
            new ReadOnlySpan<ulong>(barriers, Lanes.Count).CopyTo(w.Copies.Begin(mask, 0).Targets);
        }

        return op + 1;
    }
}
