using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// y = x Wᵀ by tiles on Hopper's tensor cores, for many rows: what <see cref="TiledProduct{TCopy, TRows, TTile, TOutput, TActivation}"/>
/// computes, but the tensor cores read both factors out of shared memory themselves, and while they do the threads go on.
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
