using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// y = x Wᵀ by tiles, for many rows, on Hopper: what <see cref="TiledProduct{TCopy, TRows, TTile, TOutput, TActivation}"/> computes,
/// but the tensor cores read both factors out of shared memory themselves (<see cref="IWarpgroupCore"/>), and meanwhile the
/// threads fetch what comes next.
/// <code>
///                  W: 256 outputs           a tile:   192 x 256 of y by three warpgroups (or 128 x 256, 128 x 128 by two);
///                 +-----------------+                 each has 64 rows and all columns, 128 sums (64) a thread
///                 |                 |       a stage:  64 elements of k of the tile's rows of x and of W: rows of 128 bytes,
///                 +-----------------+                 laid out as the tensor cores want them (<see cref="SharedMatrix"/>)
///     x:     +-+  +-----------------+
///     192    | |  |  warpgroup 0    |       time ->           k = 0       64        128       192
///     rows   +-+  +-----------------+       tensor cores      |   0   |   1     |   2     |   3     |
///            | |  |  warpgroup 1    |       copies under way  |  2  3 |   3  4  |   4  5  |   5  6  |
///            +-+  +-----------------+       threads           w bmc   w bmc     w bmc     w bmc
///            | |  |  warpgroup 2    |
///            +-+  +-----------------+       w: wait for the next stage's copies, and let the tensor cores see them; b: barrier;
///                                           m: begin four products of 16 elements of k; c: begin to copy the stage after next
///                                           to where the last but one was; then wait for the products before these
/// </code>
/// One group of products is under way all the time, so there are two stages that nobody may write to: the one that is
/// multiplied, and the one before, which another warpgroup may not be done with until the next barrier.
/// <para>
/// What a stage of a tile costs at least, on a multiprocessor that makes 2048 multiply-adds and moves 128 bytes of shared memory a
/// cycle, of which wgmma reads (64 + columns) · 32 each time:
/// </para>
/// <code>
///                   products, cycles     shared memory, cycles               from the L2 cache         flops a byte
///     128 x 128     8 ·  64 =  512       (48 + 32 KB) / 128 =  640           32 KB                      64
///     128 x 256     8 · 128 = 1024       (80 + 48 KB) / 128 = 1024           48 KB                      85
///     192 x 256    12 · 128 = 1536       (120 + 56 KB) / 128 = 1408          56 KB                     110
/// </code>
/// mma.sync draws 5.4 TB/s from the L2 cache with tiles of 128 x 128 (343 TFLOP/s measured, at 64 flops a byte), 23 bytes a
/// cycle and multiprocessor. If that is what it gives, the L2 cache is the wall for all three; so the tile with the least
/// traffic is taken (<see cref="ProductLauncher{TElement, TRows}"/>).
/// <para>
/// What ptxas 12.4 makes of it, for float16: 112, 168 and 166 registers, no stack, no wait between products; a turn of the loop
/// of the largest tile is some 120 instructions, of which 4 HGMMA and 10 LDGSTS. In the emulator's counters: 1.0 to 1.1 times
/// the bytes of the tiles, no access to shared memory repeated for a bank conflict, no sector touched in part. Tests assert
/// both. It has not yet run on a GPU.
/// </para>
/// </summary>
internal static class WarpgroupProduct<TRows, TCore, TTile, TOutput, TActivation>
    where TRows : unmanaged, IRows
    where TCore : struct, IWarpgroupCore
    where TTile : struct, IWarpgroupTile
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
        TTile.Declare();
        TileOrder tile = TileOrder.Of(result, TTile.Rows, TTile.Columns);
        int stage = (TTile.Rows + TTile.Columns) * SharedMatrix.RowBytes, end = TTile.Stages * stage;
        int shared = (SharedAddress.Of(SharedMemory.GetDynamic<Bits128>()) + SharedMatrix.Alignment - 1) & -SharedMatrix.Alignment;

        // All threads together copy a quarter of the rows of x at once: each the same chunk of four rows, and as far from each other
        // in W.
        int line = Group.IdxX >> 3, chunk = Group.IdxX & 7;
        int place = shared + SharedMatrix.Place(line, chunk);
        int row = tile.Row + line, quarter = TTile.Rows / 4;
        RowSpan x0 = rows.Row(row), x1 = rows.Row(row + quarter), x2 = rows.Row(row + (2 * quarter)), x3 = rows.Row(row + (3 * quarter));
        WeightCopy weights = TTile.Weights<TOutput>(weight, tile.Column, line, result.Outputs, chunks);

        // All stages but two are on their way when the first is waited for.
        int target = 0;
        for (; target < end - (2 * stage); target += stage)
        {
            Copy(place + target, x, x0, x1, x2, x3, weights, chunk);
            chunk += SharedMatrix.RowChunks;
        }

        int lane = Group.IdxX & 31, warp = Group.IdxX >> 5;
        int column = tile.Column + TOutput.First(lane);
        TTile.Fill<TOutput>(result, column);

        int now = shared;
        int upper = (warp >> 2) * 64 * SharedMatrix.RowBytes; // the warpgroup's rows of x
        for (int first = 0; first < chunks; first += SharedMatrix.RowChunks)
        {
            TTile.WaitForStage();
            Warpgroup.PublishShared();
            Group.Barrier();
            ulong a = SharedMatrix.Describe(now + upper), b = SharedMatrix.Describe(now + (TTile.Rows * SharedMatrix.RowBytes));
            Warpgroup.Fence();
            TTile.MultiplyAdd<TCore>(a, b);
            TTile.MultiplyAdd<TCore>(a + 2, b + 2);
            TTile.MultiplyAdd<TCore>(a + 4, b + 4);
            TTile.MultiplyAdd<TCore>(a + 6, b + 6);
            Warpgroup.Commit();

            Copy(place + target, x, x0, x1, x2, x3, weights, chunk); // beyond the end: zeros
            chunk += SharedMatrix.RowChunks;
            target = target + stage == end ? 0 : target + stage;
            now = now + stage == shared + end ? shared : now + stage;
            Warpgroup.WaitForAllButOne();
        }

        Warpgroup.WaitForAll();
        TTile.Store<TOutput, TActivation>(result, tile.Row + (warp * 16) + (lane >> 2), column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(int place, ArrayView<Bits128> x, RowSpan x0, RowSpan x1, RowSpan x2, RowSpan x3, WeightCopy weights, int chunk)
    {
        int quarter = TTile.Rows / 4 * SharedMatrix.RowBytes;
        AsynchronousCopy.Copy(place, x, x0.Base + chunk, x0.BytesOf(chunk));
        AsynchronousCopy.Copy(place + quarter, x, x1.Base + chunk, x1.BytesOf(chunk));
        AsynchronousCopy.Copy(place + (2 * quarter), x, x2.Base + chunk, x2.BytesOf(chunk));
        AsynchronousCopy.Copy(place + (3 * quarter), x, x3.Base + chunk, x3.BytesOf(chunk));
        TTile.Copy(weights, place + (TTile.Rows * SharedMatrix.RowBytes), chunk);
        AsynchronousCopy.Commit();
    }
}
