using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// How results are stored, as a policy that is compiled into a kernel. A lane of a <see cref="IWarpTile"/> holds the columns
/// 8j + 2t and 8j + 2t + 1 of each of its rows, which are no neighbours in memory. But a product's columns may be computed
/// in any order: each policy deals the columns of the result out to those of the tile (by choosing which rows of the second
/// factor come where in shared memory), so that what a lane holds can be stored in few and wide pieces without another
/// word to its neighbours.
/// </summary>
internal interface IOutput
{
    /// <summary>Which of 32 columns of the result a column of a warp's tile computes.</summary>
    static abstract int Deal(int column);

    /// <summary>The first of the eight columns of the result that a lane's columns compute.</summary>
    static abstract int First(int lane);

    /// <summary>The bias of a lane's columns, in the order of the tile's columns; zero without one.</summary>
    /// <param name="result">Where the bias is.</param>
    /// <param name="column">The lane's first column, possibly beyond the end.</param>
    static abstract Eight LoadBias(ProductResult result, int column);

    /// <summary>Finishes the eight sums of a row that a lane holds, and stores them.</summary>
    /// <param name="result">Where to.</param>
    /// <param name="row">Row of the result, possibly beyond its end.</param>
    /// <param name="column">The lane's first column, possibly beyond the end.</param>
    /// <param name="sums">In the order of the tile's columns.</param>
    static abstract void Store<TActivation>(ProductResult result, int row, int column, Eight sums)
        where TActivation : struct, IActivation;

    /// <summary>Stores what a block has computed.</summary>
    /// <param name="tile">The warp's part of it.</param>
    /// <param name="result">Where to.</param>
    /// <param name="shared">The block's shared memory, which is free once all copies have arrived and all threads are here.</param>
    /// <param name="row">The block's first row of the result.</param>
    /// <param name="column">The block's first column.</param>
    /// <param name="ownRow">The lane's first row within the block's.</param>
    /// <param name="ownColumn">The lane's first column within the block's.</param>
    static abstract void StoreTile<TCopy, TTile, TActivation>(TTile tile, ProductResult result, ArrayView<Bits128> shared, int row, int column, int ownRow, int ownColumn)
        where TCopy : struct, ISharedCopy
        where TTile : struct, IWarpTile
        where TActivation : struct, IActivation;
}

/// <summary>
/// Results of the compute type, a multiple of eight wide: a lane's eight columns are neighbours, one access; four lanes
/// write 64 bytes of a row.
/// <code>
///     tile:    0 1 | 2 3 | 4 5 | 6 7 || 8 9 | ...         lane t % 4 = 0: 0 1 8 9 16 17 24 25
///     result:  0 1 | 8 9 | 16 17 | 24 25 || 2 3 | ...                     0 1 2 3 4 5 6 7
/// </code>
/// </summary>
internal readonly struct ElementOutput<TElement> : IOutput
    where TElement : struct, IElement
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Deal(int column) => (((column >> 1) & 3) * 8) + ((column >> 3) * 2) + (column & 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int First(int lane) => 8 * (lane & 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight LoadBias(ProductResult result, int column) =>
        column < result.Outputs & result.Bias.Length > 0 ? Float32.Load(result.Bias, column / 8) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TActivation>(ProductResult result, int row, int column, Eight sums)
        where TActivation : struct, IActivation
    {
        if (row < result.Rows & column < result.Outputs)
        {
            TElement.Store(result.Y, (((long)row * result.Outputs) + column) / 8, Output.Activate<TActivation>(sums));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTile<TCopy, TTile, TActivation>(TTile tile, ProductResult result, ArrayView<Bits128> shared, int row, int column, int ownRow, int ownColumn)
        where TCopy : struct, ISharedCopy
        where TTile : struct, IWarpTile
        where TActivation : struct, IActivation =>
        tile.Store<ElementOutput<TElement>, TActivation>(result, row + ownRow, column + ownColumn);
}

/// <summary>
/// float32 results, a multiple of 32 wide: a lane's eight columns are two times four neighbours; four lanes write 64 bytes
/// of a row with one instruction.
/// </summary>
internal readonly struct SingleOutput : IOutput
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Deal(int column) => (column & 16) + (((column >> 1) & 3) * 4) + ((column >> 2) & 2) + (column & 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int First(int lane) => 4 * (lane & 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight LoadBias(ProductResult result, int column) =>
        column < result.Outputs & result.Bias.Length > 0 ? Load(result.Bias, column / 4) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TActivation>(ProductResult result, int row, int column, Eight sums)
        where TActivation : struct, IActivation
    {
        if (row < result.Rows & column < result.Outputs)
        {
            int four = column / 4, fours = result.Outputs / 4;
            sums = Output.Activate<TActivation>(sums);
            if (result.Addend.Length > 0)
            {
                sums += Load(result.Addend, ((long)(row % result.AddendRows) * fours) + four);
            }

            long first = ((long)row * fours) + four;
            result.Y[first] = new Bits128(Interop.FloatAsInt(sums.X0), Interop.FloatAsInt(sums.X1), Interop.FloatAsInt(sums.X2), Interop.FloatAsInt(sums.X3));
            result.Y[first + 4] = new Bits128(Interop.FloatAsInt(sums.X4), Interop.FloatAsInt(sums.X5), Interop.FloatAsInt(sums.X6), Interop.FloatAsInt(sums.X7));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTile<TCopy, TTile, TActivation>(TTile tile, ProductResult result, ArrayView<Bits128> shared, int row, int column, int ownRow, int ownColumn)
        where TCopy : struct, ISharedCopy
        where TTile : struct, IWarpTile
        where TActivation : struct, IActivation =>
        tile.Store<SingleOutput, TActivation>(result, row + ownRow, column + ownColumn);

    /// <summary>Two times four numbers, 16 columns apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Eight Load(ArrayView<Bits128> source, long four)
    {
        Bits128 low = source[four], high = source[four + 4];
        return new Eight(
            Interop.IntAsFloat(low.X), Interop.IntAsFloat(low.Y), Interop.IntAsFloat(low.Z), Interop.IntAsFloat(low.W),
            Interop.IntAsFloat(high.X), Interop.IntAsFloat(high.Y), Interop.IntAsFloat(high.Z), Interop.IntAsFloat(high.W));
    }
}

/// <summary>
/// float32 results of any width, such as logits: rows begin at no multiple of 16 bytes. So the block puts its tile together in
/// shared memory, half of its rows at a time, and a warp stores a whole row, from one sector of 32 bytes to the next:
/// <code>
///     y        ...|. . . . . # # #|# # # # # # # #|# # #       sectors
///     lane                   5 6 7 8 ...        15 16 ..       the first lanes stand for what is before the tile
/// </code>
/// A sector that belongs to two tiles is written by both: 17 sectors for the 16 that 128 columns fill. Nothing else is.
/// </summary>
internal readonly struct UnalignedOutput : IOutput
{
    private const int SectorElements = 8, WarpSize = 32;
    private const int Gap = 4; // between the rows in shared memory: eight rows of four neighbours are in banks of their own

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Deal(int column) => (column & 24) + ((column & 1) * 4) + ((column >> 1) & 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int First(int lane) => lane & 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight LoadBias(ProductResult result, int column) => new(
        LoadOne(result, column), LoadOne(result, column + 4), LoadOne(result, column + 8), LoadOne(result, column + 12),
        LoadOne(result, column + 16), LoadOne(result, column + 20), LoadOne(result, column + 24), LoadOne(result, column + 28));

    /// <summary>Stores to a tile in shared memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TActivation>(ProductResult tile, int row, int column, Eight sums)
        where TActivation : struct, IActivation
    {
        int at = (row * tile.Outputs) + column;
        sums = Output.Activate<TActivation>(sums);
        Float32.StoreOne(tile.Y, at, sums.X0);
        Float32.StoreOne(tile.Y, at + 4, sums.X1);
        Float32.StoreOne(tile.Y, at + 8, sums.X2);
        Float32.StoreOne(tile.Y, at + 12, sums.X3);
        Float32.StoreOne(tile.Y, at + 16, sums.X4);
        Float32.StoreOne(tile.Y, at + 20, sums.X5);
        Float32.StoreOne(tile.Y, at + 24, sums.X6);
        Float32.StoreOne(tile.Y, at + 28, sums.X7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTile<TCopy, TTile, TActivation>(TTile tile, ProductResult result, ArrayView<Bits128> shared, int row, int column, int ownRow, int ownColumn)
        where TCopy : struct, ISharedCopy
        where TTile : struct, IWarpTile
        where TActivation : struct, IActivation
    {
        int side = 2 * TTile.Rows, warps = Group.DimX / WarpSize;
        ProductResult half = new() { Y = shared, Outputs = side + Gap };
        TCopy.WaitForAll();
        for (int first = 0; first < side; first += TTile.Rows)
        {
            Group.Barrier(); // nobody needs what was there before
            if (ownRow >= first & ownRow < first + TTile.Rows) // all lanes of a warp, or none
            {
                tile.Store<UnalignedOutput, TActivation>(half, ownRow - first, ownColumn);
            }

            Group.Barrier();
            int rows = IntrinsicMath.Min(TTile.Rows, result.Rows - row - first), columns = IntrinsicMath.Min(side, result.Outputs - column);
            for (int line = Group.IdxX / WarpSize; line < rows; line += warps)
            {
                StoreLine(result, row + first + line, column, columns, shared, line * half.Outputs);
            }
        }
    }

    /// <summary>A warp stores a line of the tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreLine(ProductResult result, int row, int column, int columns, ArrayView<Bits128> shared, int line)
    {
        long to = ((long)row * result.Outputs) + column, addend = ((long)(row % result.AddendRows) * result.Outputs) + column;
        for (int i = Warp.LaneIdx - ((int)to & (SectorElements - 1)); i < columns; i += WarpSize)
        {
            if (i >= 0)
            {
                float sum = Float32.LoadOne(shared, line + i);
                Float32.StoreOne(result.Y, to + i, result.Addend.Length > 0 ? sum + Float32.LoadOne(result.Addend, addend + i) : sum);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float LoadOne(ProductResult result, int column) =>
        column < result.Outputs & result.Bias.Length > 0 ? Float32.LoadOne(result.Bias, column) : 0;
}

/// <summary>What the ways to store have in common.</summary>
internal static class Output
{
    /// <summary>The function of each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight Activate<TActivation>(Eight sums)
        where TActivation : struct, IActivation => new(
            TActivation.Apply(sums.X0), TActivation.Apply(sums.X1), TActivation.Apply(sums.X2), TActivation.Apply(sums.X3),
            TActivation.Apply(sums.X4), TActivation.Apply(sums.X5), TActivation.Apply(sums.X6), TActivation.Apply(sums.X7));
}
