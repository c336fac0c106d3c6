using System.Runtime.CompilerServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// wgmma: four warps multiply two matrices in shared memory, asynchronously (<see cref="WarpgroupQueue"/>).
///
///     wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {d0, …, d63}, a, b, p, 1, 1, 0, 0
///                                                         D             descriptors (MatrixDescriptor)
///                                                                          p: D = A · B + D, not p: D = A · B
///                                                                             signs of A and B, 1 or -1
///                                                                                   whether A and B are transposed
///     wgmma.fence.sync.aligned;  wgmma.commit_group.sync.aligned;  wgmma.wait_group.sync.aligned n
///
/// Warp w of the warpgroup has rows 16w to 16w + 15 of D. Each eight columns of them are what mma.m16n8k16 calls D, four
/// registers after the other, so the product is computed as that instruction's is (<see cref="MatrixTiles"/>).
/// </summary>
internal static unsafe class WarpgroupMultiply
{
    private const int Depth = 2; // eights of k
    private const long TransposesA = 1, TransposesB = 2, Negates = 4, IsBFloat = 8;

    public static readonly InstructionTable Table = new()
    {
        ["wgmma"] = Emit,
    };

    /// <summary>Whether an instruction has sums: registers that it reads and writes later.</summary>
    public static bool HasSums(PtxInstruction instruction) => instruction.Opcode == "wgmma" && instruction.Modifiers[0] == "mma_async";

    /// <summary>Emits, in front of an instruction, that it uses registers that are sums of others.</summary>
    public static void EmitTouch(Emitter e, IEnumerable<PtxRegister> sums) => e.Emit(&Touch, slots: [.. sums.Select(e.Offset)]);

    private static void Emit(Emitter e)
    {
        string? kind = e.TakeAny("fence", "commit_group", "wait_group", "mma_async");
        if (kind is null || !(e.Take("sync") & e.Take("aligned")))
        {
            throw e.Unsupported();
        }

        e.Require(90);
        switch (kind)
        {
            case "fence":
                e.Expect(0);
                e.Emit(&Fence);
                break;
            case "commit_group":
                e.Expect(0);
                e.Emit(&Commit);
                break;
            case "wait_group":
                e.Expect(1);
                e.Emit(&Wait, count: (int)Math.Clamp(e.ConstantOf(0), 0, int.MaxValue / 2));
                break;
            default:
                Multiply(e);
                break;
        }
    }

    private static void Multiply(Emitter e)
    {
        string? shape = e.Modifiers.FirstOrDefault(m => m.StartsWith("m64n", StringComparison.Ordinal) && m.EndsWith("k16", StringComparison.Ordinal));
        if (shape is null || !e.Take(shape) || !int.TryParse(shape.AsSpan(4, shape.Length - 7), out int columns) || columns is < 8 or > 256 || columns % 8 != 0)
        {
            throw e.Unsupported();
        }

        long flags = string.Join('.', e.Modifiers) switch
        {
            "f32.f16.f16" => 0,
            "f32.bf16.bf16" => IsBFloat,
            _ => throw e.Unsupported(),
        };
        foreach (string type in e.Modifiers.ToArray())
        {
            e.Take(type);
        }

        e.Expect(8);
        if (e.Instruction.Operands[1] is PtxOperand.Vector)
        {
            throw e.Error($"instruction '{e.Name}' is not supported with its first factor in registers: both have to be in shared memory");
        }

        IReadOnlyList<PtxOperand?> sums = e.Elements(0);
        if (sums.Count != columns / 2 || sums.Contains(null))
        {
            throw e.Mismatch();
        }

        long sign(int operand) => e.ConstantOf(operand) is 1 or -1 ? e.ConstantOf(operand) : throw e.Mismatch();
        long choice(int operand, long flag) => e.ConstantOf(operand) switch { 0 => 0, 1 => flag, _ => throw e.Mismatch() };
        flags |= (sign(4) == sign(5) ? 0 : Negates) | choice(6, TransposesA) | choice(7, TransposesB);
        int a = e.Source(1, PtxType.B64), b = e.Source(2, PtxType.B64), adds = e.PredicateSource(3);
        e.Emit(&Begin, a: a, b: b, c: adds, constant: flags, slots: [.. sums.Select(x => e.Destination(x, 4))]);
    }

    private static Op* Touch(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask != 0)
        {
            w.Products.Touch(op, new(op->Slots, op->Count));
        }

        return op + 1;
    }

    private static Op* Fence(Op* op, byte* f, Warp w, uint mask)
    {
        if (!MatrixMultiply.IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        w.Products.Follow(op);
        w.Products.Fence();
        return op + 1;
    }

    private static Op* Commit(Op* op, byte* f, Warp w, uint mask)
    {
        if (!MatrixMultiply.IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        w.Products.Follow(op);
        w.Products.Commit();
        return op + 1;
    }

    private static Op* Wait(Op* op, byte* f, Warp w, uint mask)
    {
        if (!MatrixMultiply.IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        w.Products.Follow(op);
        while (w.Products.TryEnd(op->Count, out WarpgroupProduct product))
        {
            if ((product.Op->Constant & IsBFloat) == 0)
            {
                End<HalfElement<Float16>>(product, f, w);
            }
            else
            {
                End<HalfElement<BFloat16>>(product, f, w);
            }
        }

        return op + 1;
    }

    // Op.A, Op.B: descriptors; Op.C: the predicate; Op.Constant: flags; slots: D.
    private static Op* Begin(Op* op, byte* f, Warp w, uint mask)
    {
        if (!MatrixMultiply.IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        MatrixDescriptor a = new(Same(op, f + op->A, w, "descriptors of A")), b = new(Same(op, f + op->B, w, "descriptors of B"));
        uint adds = *(uint*)(f + op->C);
        if (adds is not (0 or Lanes.All))
        {
            throw w.Fault(op, 0, CudaResult.LaunchFailed, $"the lanes of the warp disagree on whether the product is added: lanes 0x{adds:x8} say so");
        }

        w.Products.Follow(op, a.Bits, b.Bits);
        foreach (int place in Places(op, w, a, b))
        {
            if (place > w.Block.SharedBytes - MatrixDescriptor.ChunkBytes)
            {
                throw w.Fault(op, 0, CudaResult.IllegalAddress,
                    $"{MatrixDescriptor.ChunkBytes} bytes of a factor at shared address 0x{place:x} are beyond the {w.Block.SharedBytes} bytes of shared memory that the block has");
            }
        }

        w.Products.Begin(op, a, b, adds != 0);
        w.Checks?.BeginProduct(op, w, Places(op, w, a, b));
        return op + 1;
    }

    private static ulong Same(Op* op, byte* register, Warp w, string what)
    {
        ulong value = Lanes.Read<ulong>(register, 0);
        for (int lane = 1; lane < Lanes.Count; lane++)
        {
            if (Lanes.Read<ulong>(register, lane) != value)
            {
                throw w.Fault(op, lane, CudaResult.LaunchFailed, $"the lanes of the warp give different {what}");
            }
        }

        return value;
    }

    // The chunks that a warp reads: of A those of its own rows, of B all.
    private static int[] Places(Op* op, Warp w, MatrixDescriptor a, MatrixDescriptor b)
    {
        (int first, int columns) = (FirstRows(w), op->Count / 4);
        int[] places = new int[8 * Depth * (2 + columns)];
        int count = 0;
        for (int depth = 0; depth < Depth; depth++)
        {
            for (int chunk = 0; chunk < 8; chunk++)
            {
                places[count++] = a.Place((op->Constant & TransposesA) != 0, first, depth, chunk);
                places[count++] = a.Place((op->Constant & TransposesA) != 0, first + 1, depth, chunk);
                for (int column = 0; column < columns; column++)
                {
                    places[count++] = b.Place((op->Constant & TransposesB) != 0, column, depth, chunk);
                }
            }
        }

        return places;
    }

    // Which eights of A's rows a warp has: two.
    private static int FirstRows(Warp w) => 2 * (w.Index % WarpgroupQueue.Warps);

    [SkipLocalsInit]
    private static void End<TElement>(WarpgroupProduct product, byte* f, Warp w)
        where TElement : struct, IMatrixElement
    {
        Op* op = product.Op;
        float* room = stackalloc float[MatrixTiles.Length * (2 * Depth * 2 + Depth * 2 + 2 * 2) + 16];
        float* a = (float*)(((nuint)room + 63) / 64 * 64);
        float* b = a + MatrixTiles.Length * 2 * Depth * 2;
        float* c = b + MatrixTiles.Length * Depth * 2;
        byte* rows = stackalloc byte[Lanes.Narrow];
        uint* words = stackalloc uint[MatrixTiles.Length];
        for (int i = 0; i < 2 * Depth; i++)
        {
            Gather(w, product.A, (op->Constant & TransposesA) != 0, FirstRows(w) + i % 2, i / 2, rows);
            MatrixTiles.Decode<TElement>(rows, a + MatrixTiles.Length * 2 * i);
        }

        for (int i = 0; (op->Constant & Negates) != 0 && i < MatrixTiles.Length * 2 * Depth * 2; i++)
        {
            a[i] = -a[i];
        }

        for (int column = 0; column < op->Count / 4; column++)
        {
            for (int depth = 0; depth < Depth; depth++)
            {
                Gather(w, product.B, (op->Constant & TransposesB) != 0, column, depth, rows);
                MatrixTiles.Transpose(rows, words);
                MatrixTiles.Decode<TElement>((byte*)words, b + MatrixTiles.Length * 2 * depth);
            }

            int* sums = op->Slots + 4 * column;
            for (int i = 0; i < 2; i++)
            {
                SingleSum.Load(f, sums + 2 * i, c + 2 * MatrixTiles.Length * i);
            }

            if (!product.Adds)
            {
                new Span<float>(c, 4 * MatrixTiles.Length).Clear();
            }

            MatrixTiles.Multiply(a, b, c, 2, Depth, TElement.PerWord);
            for (int i = 0; i < 2; i++)
            {
                SingleSum.Store(c + 2 * MatrixTiles.Length * i, f, sums + 2 * i);
            }
        }

        w.Checks?.EndProduct(op, w, Places(op, w, product.A, product.B));
    }

    // Eight rows of eight elements of k, as mma has them in a register.
    private static void Gather(Warp w, MatrixDescriptor matrix, bool isTransposed, int rows, int depth, byte* register)
    {
        byte* copy = stackalloc byte[Lanes.Narrow];
        byte* target = isTransposed ? copy : register;
        for (int chunk = 0; chunk < 8; chunk++)
        {
            byte* place = w.Block.Shared + matrix.Place(isTransposed, rows, depth, chunk);
            Buffer.MemoryCopy(place, target + MatrixDescriptor.ChunkBytes * chunk, MatrixDescriptor.ChunkBytes, MatrixDescriptor.ChunkBytes);
        }

        if (isTransposed)
        {
            MatrixMoves.Transpose(copy, register);
        }
    }
}
