using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// ldmatrix, stmatrix, movmatrix: 8 x 8 matrices of 16-bit elements between shared memory and fragments. A register of a
/// fragment is the matrix's rows behind each other (<see cref="MatrixTiles"/>), so each row is copied as it is:
///
///     ldmatrix.sync.aligned.m8n8.x2.shared.b16 {d0, d1}, [p]     lane i      gives the address of row i of d0's matrix,
///                                                                lane 8 + i  that of row i of d1's;
///                                                                x1, x2, x4 look at the first 8, 16, 32 lanes' addresses
///
/// With .trans registers hold the transpose. Rows are 16 bytes at a multiple of 16.
/// </summary>
internal static unsafe class MatrixMoves
{
    private const int Rows = 8;
    private const int RowBytes = 16;

    public static readonly InstructionTable Table = new()
    {
        ["ldmatrix"] = e => LoadOrStore(e, 75, 1, 0, &Load, &LoadTransposed),
        ["stmatrix"] = e => LoadOrStore(e, 90, 0, 1, &Store, &StoreTransposed),
        ["movmatrix"] = Move,
    };

    private static void LoadOrStore(Emitter e, int target, int addressOperand, int vectorOperand, Handler plain, Handler transposing)
    {
        e.Require(target);
        if (!(e.Take("sync") & e.Take("aligned") & e.Take("m8n8")))
        {
            throw e.Unsupported();
        }

        int count = e.TakeAny("x1", "x2", "x4") switch
        {
            "x1" => 1,
            "x2" => 2,
            "x4" => 4,
            _ => throw e.Unsupported(),
        };
        bool transposes = e.Take("trans");
        (int at, int isNarrow, long offset) = SharedAddresses.Take(e, addressOperand);
        if (!e.Take("b16"))
        {
            throw e.Unsupported();
        }

        e.Expect(2);
        IReadOnlyList<PtxOperand?> elements = e.Elements(vectorOperand);
        if (elements.Count != count)
        {
            throw e.Mismatch();
        }

        int[] slots = [.. elements.Select(x => vectorOperand == 0 ? e.Destination(x, 4) : e.Source(x, PtxType.B32))];
        e.Emit(transposes ? transposing : plain, a: at, c: isNarrow, constant: offset, slots: slots);
    }

    private static void Move(Emitter e)
    {
        e.Require(75);
        if (!(e.Take("sync") & e.Take("aligned") & e.Take("m8n8") & e.Take("trans") & e.Take("b16")))
        {
            throw e.Unsupported();
        }

        e.Expect(2);
        e.Emit(&Transpose, e.Destination(0, 4), e.Source(1, PtxType.B32));
    }

    private static Op* Load(Op* op, byte* f, Warp w, uint mask)
    {
        if (!MatrixMultiply.IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        ulong* rows = RowAddresses(op, f, w, writes: false);
        for (int matrix = 0; matrix < op->Count; matrix++)
        {
            Gather(rows + Rows * matrix, f + op->Slots[matrix]);
        }

        return op + 1;
    }

    [SkipLocalsInit]
    private static Op* LoadTransposed(Op* op, byte* f, Warp w, uint mask)
    {
        if (!MatrixMultiply.IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        ulong* rows = RowAddresses(op, f, w, writes: false);
        byte* copy = stackalloc byte[Lanes.Narrow];
        for (int matrix = 0; matrix < op->Count; matrix++)
        {
            Gather(rows + Rows * matrix, copy);
            Transpose(copy, f + op->Slots[matrix]);
        }

        return op + 1;
    }

    private static Op* Store(Op* op, byte* f, Warp w, uint mask)
    {
        if (!MatrixMultiply.IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        ulong* rows = RowAddresses(op, f, w, writes: true);
        for (int matrix = 0; matrix < op->Count; matrix++)
        {
            Scatter(f + op->Slots[matrix], rows + Rows * matrix);
        }

        return op + 1;
    }

    [SkipLocalsInit]
    private static Op* StoreTransposed(Op* op, byte* f, Warp w, uint mask)
    {
        if (!MatrixMultiply.IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        ulong* rows = RowAddresses(op, f, w, writes: true);
        byte* copy = stackalloc byte[Lanes.Narrow];
        for (int matrix = 0; matrix < op->Count; matrix++)
        {
            Transpose(f + op->Slots[matrix], copy);
            Scatter(copy, rows + Rows * matrix);
        }

        return op + 1;
    }

    [SkipLocalsInit]
    private static Op* Transpose(Op* op, byte* f, Warp w, uint mask)
    {
        if (!MatrixMultiply.IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        byte* copy = stackalloc byte[Lanes.Narrow];
        new ReadOnlySpan<byte>(f + op->A, Lanes.Narrow).CopyTo(new Span<byte>(copy, Lanes.Narrow));
        Transpose(copy, f + op->D);
        return op + 1;
    }

    // Only the lanes whose addresses count are looked at.
    private static ulong* RowAddresses(Op* op, byte* f, Warp w, bool writes)
    {
        uint mask = Lanes.All >> (Lanes.Count - Rows * op->Count);
        ulong* rows = Addressing.ResolveEach<SharedSpace>(op, f, w, mask, RowBytes);
        if (w.Checks is { } checks)
        {
            // The warp waits for all its lanes and moves the rows together: another lane than the one that gives a row's address
            // may have written it, or write it next.
            if (writes)
            {
                checks.Write<SharedSpace>(op, w, mask, AccessShape.Scattered, (byte*)rows[0], RowBytes);
            }
            else
            {
                checks.Read<SharedSpace>(op, w, mask, AccessShape.Scattered, (byte*)rows[0], RowBytes);
            }

            checks.Meetings?.Synchronise(w);
        }

        return rows;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Gather(ulong* rows, byte* register)
    {
        for (int row = 0; row < Rows; row++)
        {
            Vector128.Load((byte*)rows[row]).Store(register + RowBytes * row);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scatter(byte* register, ulong* rows)
    {
        for (int row = 0; row < Rows; row++)
        {
            Vector128.Load(register + RowBytes * row).Store((byte*)rows[row]);
        }
    }

    /// <summary>
    /// Transposes a register. Rows 2t and 2t + 1, interleaved, are words; word c of them is word t of row c of the transpose.
    /// </summary>
    public static void Transpose(byte* from, byte* to)
    {
        for (int t = 0; t < 4; t++)
        {
            ushort* even = (ushort*)(from + 2 * RowBytes * t);
            uint* words = (uint*)to + t;
            for (int column = 0; column < Rows; column++)
            {
                words[4 * column] = even[column] | (uint)even[Rows + column] << 16;
            }
        }
    }
}
