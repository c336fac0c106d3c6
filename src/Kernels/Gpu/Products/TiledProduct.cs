using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// y = x Wᵀ by tiles, for many rows. One kernel for all element types: what multiplies, how data comes into shared memory,
/// where the rows of x lie and what becomes of the sums are types that are compiled into it.
/// <code>
///                      W: side outputs              a tile:     side x side of y, 2 x 4 warps (or 2 x 2) of 64 x 32 (32 x 32)
///                     +---+---+---+---+             a stage:    64 bytes of k of side rows of x and of W, in shared memory
///                     |   |   |   |   |             three stages: one is multiplied while two are on their way
///                     +---+---+---+---+
///     x:        +-+   +---+---+---+---+             for each stage:
///     side rows | |   | 0 | 2 | 4 | 6 |                 wait for it; barrier (nobody reads the stage before any more)
///               | |   +---+---+---+---+                 begin to copy the stage after next to where that was
///               | |   | 1 | 3 | 5 | 7 |                 multiply
///               +-+   +---+---+---+---+
/// </code>
/// Bytes: a tile reads 2 · side · inputs elements and writes side · side; flops: 2 · side² · inputs. With side 128 that is
/// 64 flops a byte of float16, out of the L2 cache, in which a group of tiles meets (<see cref="TileOrder"/>). Bound by the
/// tensor cores (float32: by fused multiply-adds).
/// <para>
/// What ptxas 11.8 makes of the large tile of float16 for sm_90: 128 registers, which is what two blocks of 256 threads leave,
/// and no stack; a turn of the loop is 86 instructions, of which 32 HMMA, 12 LDSM and 4 LDGSTS. In the emulator's counters,
/// [1500, 256] by [1472, 256]: 1.05 times the bytes above (the rest is the bias, which each lane reads), no access to shared
/// memory repeated for a bank conflict, no sector touched in part. Tests assert both.
/// </para>
/// </summary>
/// <typeparam name="TCopy">How 16 bytes get into shared memory.</typeparam>
/// <typeparam name="TRows">Where the rows of x lie.</typeparam>
/// <typeparam name="TTile">What a warp multiplies.</typeparam>
/// <typeparam name="TOutput">How results are stored.</typeparam>
/// <typeparam name="TActivation">What they go through before.</typeparam>
internal static class TiledProduct<TCopy, TRows, TTile, TOutput, TActivation>
    where TCopy : struct, ISharedCopy
    where TRows : unmanaged, IRows
    where TTile : struct, IWarpTile
    where TOutput : struct, IOutput
    where TActivation : struct, IActivation
{
    /// <summary>The kernel.</summary>
    /// <param name="rows">The rows of x.</param>
    /// <param name="x">Memory of x, in chunks.</param>
    /// <param name="weight">W, [outputs, inputs].</param>
    /// <param name="chunks">Length of a row in chunks of 16 bytes.</param>
    /// <param name="result">y.</param>
    public static void Kernel(TRows rows, ArrayView<Bits128> x, ArrayView<Bits128> weight, int chunks, ProductResult result)
    {
        int side = 2 * TTile.Rows, half = side / 2;
        int stage = 2 * side * Swizzle.RowChunks; // chunks of 16 bytes: a tile of x, and behind it one of W
        ArrayView<Bits128> shared = SharedMemory.GetDynamic<Bits128>();

        TileOrder order = TileOrder.Of(result, side, side);
        int row = order.Row, column = order.Column;

        // Each thread copies the same chunk of two rows of x and of two rows of W, half a tile apart.
        int line = Group.IdxX >> 2, chunk = Group.IdxX & 3;
        int output = column + (line & ~31) + TOutput.Deal(line & 31);
        RowSpan upperX = rows.Row(row + line), lowerX = rows.Row(row + half + line);
        DenseRows outputs = new(result.Outputs, chunks);
        RowSpan upperW = outputs.Row(output), lowerW = outputs.Row(output + half);
        int place = SharedAddress.Of(shared) + (16 * Swizzle.Place(line, chunk));

        // Three stages that change places; all three are distances from the beginning.
        int now = 0, next = stage, later = 2 * stage;
        EndStage(place, BeginStage(place, x, upperX, lowerX, weight, upperW, lowerW, chunk));
        EndStage(place + (16 * next), BeginStage(place + (16 * next), x, upperX, lowerX, weight, upperW, lowerW, chunk + Swizzle.RowChunks));

        // The warps' parts: two below each other.
        int lane = Group.IdxX & 31, warpRow = ((Group.IdxX >> 5) & 1) * TTile.Rows, warpColumn = (Group.IdxX >> 6) * 32;
        int a = (warpRow * Swizzle.RowChunks) + TTile.PlaceA(lane), b = ((side + warpColumn) * Swizzle.RowChunks) + TTile.PlaceB(lane);
        int ownRow = warpRow + (lane >> 2), ownColumn = warpColumn + TOutput.First(lane);

        TTile tile = default;
        tile.Fill(TOutput.LoadBias(result, column + ownColumn));
        for (int first = 0; first < chunks; first += Swizzle.RowChunks)
        {
            TCopy.WaitForAllButOne();
            Group.Barrier();
            int target = place + (16 * later);
            FourCopies copies = BeginStage(target, x, upperX, lowerX, weight, upperW, lowerW, first + chunk + (2 * Swizzle.RowChunks)); // beyond the end: zeros
            tile.MultiplyAdd(shared, now + a, now + b);
            EndStage(target, copies);
            (now, next, later) = (next, later, now);
        }

        TOutput.StoreTile<TCopy, TTile, TActivation>(tile, result, shared, row, column, ownRow, ownColumn);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FourCopies BeginStage(
        int place, ArrayView<Bits128> x, RowSpan upperX, RowSpan lowerX, ArrayView<Bits128> weight, RowSpan upperW, RowSpan lowerW, int chunk)
    {
        FourCopies copies;
        copies.UpperX = TCopy.Begin(place, x, upperX.Base + chunk, upperX.BytesOf(chunk));
        copies.LowerX = TCopy.Begin(place + HalfTile, x, lowerX.Base + chunk, lowerX.BytesOf(chunk));
        copies.UpperW = TCopy.Begin(place + (2 * HalfTile), weight, upperW.Base + chunk, upperW.BytesOf(chunk));
        copies.LowerW = TCopy.Begin(place + (3 * HalfTile), weight, lowerW.Base + chunk, lowerW.BytesOf(chunk));
        TCopy.Commit();
        return copies;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EndStage(int place, FourCopies copies)
    {
        TCopy.End(place, copies.UpperX);
        TCopy.End(place + HalfTile, copies.LowerX);
        TCopy.End(place + (2 * HalfTile), copies.UpperW);
        TCopy.End(place + (3 * HalfTile), copies.LowerW);
    }

    /// <summary>Bytes of half a tile in shared memory.</summary>
    private static int HalfTile
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16 * TTile.Rows * Swizzle.RowChunks;
    }

    /// <summary>What a thread copies of a stage.</summary>
    private struct FourCopies
    {
        public Bits128 UpperX;
        public Bits128 LowerX;
        public Bits128 UpperW;
        public Bits128 LowerW;
    }
}

/// <summary>What does not depend on what is compiled in.</summary>
internal static class TiledProduct
{
    /// <summary>Stages in shared memory.</summary>
    public const int Stages = 3;
}
