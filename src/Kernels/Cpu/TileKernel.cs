using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// The innermost loop of everything: a tile of up to 12 rows times 32 columns of a product, held in registers.
/// <code>
///                            panel: [depth][32]                   for each k:
///                            ┌────────── 32 ──────────┐             load row k of the panel (two vectors)
///                            │ b[k]                   │             for each row r:
///     rows: [depth][R]       └────────────────────────┘               tile[r] += broadcast(a[k][r]) · b[k]
///     ┌ R ┐                  ┌────────────────────────┐
///     │a[k]                  │ tile: [R][32]          │           12 rows · 2 vectors = 24 multiply-adds for
///     └───┘                  └────────────────────────┘           14 loads: the multipliers never wait
/// </code>
/// Both operands are read strictly forwards. Each element of the tile is summed in the order of k by one chain of fused
/// multiply-adds, whatever the number of rows and whatever the vector width: a row's result does not depend on which
/// rows share the tile. The row count is a type argument, so that the unused rows vanish at compile time.
/// Narrow vectors make several passes over the panel, each for two vectors of columns that lie 16 apart.
/// </summary>
internal static unsafe class TileKernel
{
    /// <summary>Columns of a tile and of a panel.</summary>
    public const int Columns = PackedMatrix.PanelWidth;

    /// <summary>Rows of the smallest tile that holds <paramref name="rows"/>: 1 to 6, 8 or 12.</summary>
    public static int RowsOfTile(int rows) => rows switch
    {
        <= 6 => rows,
        <= 8 => 8,
        _ => 12,
    };

    /// <summary>tile = rowsᵀ · panel.</summary>
    /// <param name="tileRows">A result of <see cref="RowsOfTile"/>, at most the vector type's TileRows.</param>
    /// <param name="rows">[depth, tileRows].</param>
    /// <param name="panel">[depth, 32] elements.</param>
    /// <param name="depth">Length of the sums.</param>
    /// <param name="tile">Result [tileRows, 32].</param>
    public static void Multiply<TSimd, TElement>(int tileRows, float* rows, byte* panel, int depth, float* tile)
        where TSimd : unmanaged, ISimd<TSimd>
        where TElement : IPanelElement
    {
        if (tileRows == 1 && TSimd.Width < Columns / 2)
        {
            for (int column = 0; column < Columns / 2; column += 2 * TSimd.Width)
            {
                RunOneRow<TSimd, TElement>(rows, panel, column, depth, tile);
            }

            return;
        }

        for (int column = 0; column < Columns / 2; column += TSimd.Width)
        {
            switch (tileRows)
            {
                case 1: Run<TSimd, TElement, R1>(rows, panel, column, depth, tile); break;
                case 2: Run<TSimd, TElement, R2>(rows, panel, column, depth, tile); break;
                case 3: Run<TSimd, TElement, R3>(rows, panel, column, depth, tile); break;
                case 4: Run<TSimd, TElement, R4>(rows, panel, column, depth, tile); break;
                case 5: Run<TSimd, TElement, R5>(rows, panel, column, depth, tile); break;
                case 6: Run<TSimd, TElement, R6>(rows, panel, column, depth, tile); break;
                case 8: Run<TSimd, TElement, R8>(rows, panel, column, depth, tile); break;
                case 12: Run<TSimd, TElement, R12>(rows, panel, column, depth, tile); break;
                default: throw new ArgumentOutOfRangeException(nameof(tileRows), tileRows, "No tile has this many rows.");
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TSimd, TElement, TRows>(float* rows, byte* panel, int column, int depth, float* tile)
        where TSimd : unmanaged, ISimd<TSimd>
        where TElement : IPanelElement
        where TRows : IRowCount
    {
        TSimd s00 = TSimd.Broadcast(0f), s10 = s00, s20 = s00, s30 = s00, s40 = s00, s50 = s00;
        TSimd s60 = s00, s70 = s00, s80 = s00, s90 = s00, sa0 = s00, sb0 = s00;
        TSimd s01 = s00, s11 = s00, s21 = s00, s31 = s00, s41 = s00, s51 = s00;
        TSimd s61 = s00, s71 = s00, s81 = s00, s91 = s00, sa1 = s00, sb1 = s00;
        for (; depth > 0; depth--)
        {
            TElement.Load(panel, column, out TSimd left, out TSimd right);
            Add(rows[0], left, right, ref s00, ref s01);
            if (TRows.Count > 1) { Add(rows[1], left, right, ref s10, ref s11); }
            if (TRows.Count > 2) { Add(rows[2], left, right, ref s20, ref s21); }
            if (TRows.Count > 3) { Add(rows[3], left, right, ref s30, ref s31); }
            if (TRows.Count > 4) { Add(rows[4], left, right, ref s40, ref s41); }
            if (TRows.Count > 5) { Add(rows[5], left, right, ref s50, ref s51); }
            if (TRows.Count > 6) { Add(rows[6], left, right, ref s60, ref s61); }
            if (TRows.Count > 7) { Add(rows[7], left, right, ref s70, ref s71); }
            if (TRows.Count > 8) { Add(rows[8], left, right, ref s80, ref s81); }
            if (TRows.Count > 9) { Add(rows[9], left, right, ref s90, ref s91); }
            if (TRows.Count > 10) { Add(rows[10], left, right, ref sa0, ref sa1); }
            if (TRows.Count > 11) { Add(rows[11], left, right, ref sb0, ref sb1); }
            rows += TRows.Count;
            panel += Columns * TElement.Size;
        }

        tile += column;
        Store(tile, 0, s00, s01);
        if (TRows.Count > 1) { Store(tile, 1, s10, s11); }
        if (TRows.Count > 2) { Store(tile, 2, s20, s21); }
        if (TRows.Count > 3) { Store(tile, 3, s30, s31); }
        if (TRows.Count > 4) { Store(tile, 4, s40, s41); }
        if (TRows.Count > 5) { Store(tile, 5, s50, s51); }
        if (TRows.Count > 6) { Store(tile, 6, s60, s61); }
        if (TRows.Count > 7) { Store(tile, 7, s70, s71); }
        if (TRows.Count > 8) { Store(tile, 8, s80, s81); }
        if (TRows.Count > 9) { Store(tile, 9, s90, s91); }
        if (TRows.Count > 10) { Store(tile, 10, sa0, sa1); }
        if (TRows.Count > 11) { Store(tile, 11, sb0, sb1); }
    }

    /// <summary>
    /// One row by narrow vectors: four vectors of columns at a time, so that the panel is passed over half as often.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunOneRow<TSimd, TElement>(float* row, byte* panel, int column, int depth, float* tile)
        where TSimd : unmanaged, ISimd<TSimd>
        where TElement : IPanelElement
    {
        TSimd s0 = TSimd.Broadcast(0f), s1 = s0, s2 = s0, s3 = s0;
        for (; depth > 0; depth--)
        {
            TElement.Load(panel, column, out TSimd left, out TSimd right);
            TElement.Load(panel, column + TSimd.Width, out TSimd nextLeft, out TSimd nextRight);
            Add(*row, left, right, ref s0, ref s1);
            Add(*row, nextLeft, nextRight, ref s2, ref s3);
            row++;
            panel += Columns * TElement.Size;
        }

        Store(tile + column, 0, s0, s1);
        Store(tile + column + TSimd.Width, 0, s2, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TSimd>(float value, TSimd left, TSimd right, ref TSimd leftSum, ref TSimd rightSum)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        TSimd broadcast = TSimd.Broadcast(value);
        leftSum = TSimd.MultiplyAdd(broadcast, left, leftSum);
        rightSum = TSimd.MultiplyAdd(broadcast, right, rightSum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TSimd>(float* tile, int row, TSimd left, TSimd right)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        left.Store(tile + (row * Columns));
        right.Store(tile + (row * Columns) + (Columns / 2));
    }

    private interface IRowCount
    {
        static abstract int Count { get; }
    }

    private readonly struct R1 : IRowCount
    {
        public static int Count => 1;
    }

    private readonly struct R2 : IRowCount
    {
        public static int Count => 2;
    }

    private readonly struct R3 : IRowCount
    {
        public static int Count => 3;
    }

    private readonly struct R4 : IRowCount
    {
        public static int Count => 4;
    }

    private readonly struct R5 : IRowCount
    {
        public static int Count => 5;
    }

    private readonly struct R6 : IRowCount
    {
        public static int Count => 6;
    }

    private readonly struct R8 : IRowCount
    {
        public static int Count => 8;
    }

    private readonly struct R12 : IRowCount
    {
        public static int Count => 12;
    }
}
