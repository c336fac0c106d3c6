using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// ldmatrix, stmatrix and movmatrix: 8 x 8 matrices of 16-bit elements between shared memory and registers. Lane l holds the
/// elements 2(l mod 4) and 2(l mod 4) + 1 of row l / 4:
///
///             column 0 1   2 3   4 5   6 7
///     row 0   lane   0     1     2     3         so a row of 16 bytes is four lanes' registers, as they lie behind each
///     row 1          4     5     6     7         other in the frame; with .trans, row and column change places
///     …
///     row 7          28    29    30    31
///
/// Lanes 0 to 7 give the addresses of the rows of the first matrix, lanes 8 to 15 those of the second, and so on.
/// </summary>
internal static unsafe class MatrixMoves
{
    private const int Rows = 8, RowBytes = 16;

    public static readonly InstructionTable Table = new()
    {
        ["ldmatrix"] = e => Emit(e, isLoad: true),
        ["stmatrix"] = e => Emit(e, isLoad: false),
        ["movmatrix"] = Transpose,
    };

    private static void Emit(Emitter e, bool isLoad)
    {
        e.Require(isLoad ? 75 : 90);
        e.Take("sync");
        e.Take("aligned");
        var count = e.TakeAny("x1", "x2", "x4") switch { "x1" => 1, "x2" => 2, "x4" => 4, _ => throw e.Unsupported() };
        var transposes = e.Take("trans");
        var space = MemoryAccess.TakeSpace(e);
        if (!e.Take("m8n8") || !e.Take("b16"))
        {
            throw e.Unsupported();
        }

        e.Expect(2);
        var (at, isNarrow, offset, window) = MemoryAccess.Address(e, isLoad ? 1 : 0, space);
        var elements = e.Elements(isLoad ? 0 : 1);
        if (elements.Count != count || window is not (AddressWindow.Shared or AddressWindow.Generic))
        {
            throw e.Mismatch();
        }

        int[] slots = [.. elements.Select(x => isLoad ? e.Destination(x, 4) : e.Source(x, PtxType.B32))];
        e.Emit((isLoad, window == AddressWindow.Shared) switch
        {
            (true, true) => &Load<SharedSpace>,
            (true, false) => &Load<GenericSpace>,
            (false, true) => &Store<SharedSpace>,
            (false, false) => &Store<GenericSpace>,
        }, d: transposes ? 1 : 0, a: at, c: isNarrow, constant: offset, slots: slots);
    }

    private static Op* Load<TSpace>(Op* op, byte* f, Warp w, uint mask)
        where TSpace : struct, ISpace
    {
        if (!w.Gather(op, mask, Lanes.All, out var next))
        {
            return next;
        }

        var rows = Addressing.ResolveEach<TSpace>(op, f, w, RowLanes(op), RowBytes);
        for (var matrix = 0; matrix < op->Count; matrix++, rows += Rows)
        {
            var register = f + op->Slots[matrix];
            for (var row = 0; row < Rows; row++)
            {
                if (op->D == 0)
                {
                    Vector128.Load((byte*)rows[row]).Store(register + RowBytes * row);
                }
                else
                {
                    ScatterColumn((ushort*)rows[row], (ushort*)register + row);
                }
            }
        }

        return op + 1;
    }

    // Row r of a transposed matrix goes to column r: to every lane quadruple's element r.
    private static void ScatterColumn(ushort* row, ushort* register)
    {
        for (var column = 0; column < Rows; column++)
        {
            register[Rows * column] = row[column];
        }
    }

    private static Op* Store<TSpace>(Op* op, byte* f, Warp w, uint mask)
        where TSpace : struct, ISpace
    {
        if (!w.Gather(op, mask, Lanes.All, out var next))
        {
            return next;
        }

        var rows = Addressing.ResolveEach<TSpace>(op, f, w, RowLanes(op), RowBytes);
        for (var matrix = 0; matrix < op->Count; matrix++, rows += Rows)
        {
            var register = (ushort*)(f + op->Slots[matrix]);
            for (var row = 0; row < Rows; row++)
            {
                for (var column = 0; column < Rows; column++)
                {
                    ((ushort*)rows[row])[column] = op->D == 0 ? register[Rows * row + column] : register[Rows * column + row];
                }
            }
        }

        return op + 1;
    }

    private static uint RowLanes(Op* op) => Lanes.All >> (Lanes.Count - Rows * op->Count);

    private static void Transpose(Emitter e)
    {
        e.Require(75);
        e.Take("sync");
        e.Take("aligned");
        if (!e.Take("m8n8") || !e.Take("trans") || !e.Take("b16"))
        {
            throw e.Unsupported();
        }

        e.Expect(2);
        e.Emit(&Transpose, e.Destination(0, 4), e.Source(1, PtxType.B32));
    }

    private static Op* Transpose(Op* op, byte* f, Warp w, uint mask)
    {
        if (!w.Gather(op, mask, Lanes.All, out var next))
        {
            return next;
        }

        var matrix = stackalloc ushort[Rows * Rows];
        new ReadOnlySpan<ushort>(f + op->A, Rows * Rows).CopyTo(new(matrix, Rows * Rows));
        for (var row = 0; row < Rows; row++)
        {
            ScatterColumn(matrix + Rows * row, (ushort*)(f + op->D) + row);
        }

        return op + 1;
    }
}
