using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Attention on tensor cores, in 16-bit elements with float32 sums. <see cref="EncoderAttention{TElement}"/> tells the
/// algorithm.
/// <code>
///     block (4 warps): 128 queries of a head             shared memory, 48 KB: a ring of 3 stages of 16 KB
///
///                64 keys       64 columns                stage 0    stage 1    stage 2
///              ┌─────────┐     ┌─────────┐               ┌───────┐  ┌───────┐  ┌───────┐
///     warp 0   │         │     │         │ 32 queries    │ keys  │  │ keys  │  │ keys  │  64 rows of 128 bytes
///              ├─────────┤     ├─────────┤               ├───────┤  ├───────┤  ├───────┤
///     warp 1   ├────s────┤     ├────o────┤               │values │  │values │  │values │  64 rows of 128 bytes
///     warp 2   ├─────────┤     ├─────────┤               └───────┘  └───────┘  └───────┘
///     warp 3   └─────────┘     └─────────┘                used now   comes      before its first use: the queries
/// </code>
/// A warp keeps its queries, s and o in registers. What mma.sync leaves of s in a lane is what it wants of p from that lane
/// (<see cref="FragmentA"/> and <see cref="Accumulator"/> divide their tiles alike), so weights never leave it. 32 queries a
/// warp instead of 16 halve what is read from shared memory: a load of 512 bytes feeds 4 products.
/// <para>
/// The sum of a query's weights is one more column of o, for which every key has the value 1: tensor cores add it up, from the
/// very weights, rounded, that the values are multiplied with. Behind the last key come, to fill the tile, copies of it, which
/// cannot change the largest score, with 0 in place of their values and of that 1. So no score is ever masked.
/// </para>
/// Chunk c (16 bytes) of row r lies at c ^ (r % 8): ldmatrix takes a chunk of 8 rows, and so meets all banks.
/// Flops: 4 · 64 · frames² a head; bytes: q and y once, k and v once for each 128 queries. Bound by the tensor cores, and
/// closely after them by the exponentials: one for 256 flops.
/// </summary>
internal static partial class EncoderAttentionTensor<TCore, TCopy>
    where TCore : struct, ITensorCore
    where TCopy : struct, ISharedCopy
{
    /// <summary>Threads of a block.</summary>
    public const int Threads = 128;

    /// <summary>Queries of a block.</summary>
    public const int Queries = 128;

    private const int Keys = 64, Chunks = 8, ChunkBytes = 16, RowBytes = Chunks * ChunkBytes;
    private const int TileBytes = Keys * RowBytes, StageBytes = 2 * TileBytes, Stages = 3;
    private const float Scale = 1.4426950408889634f / 8; // exp(q k / sqrt(64)) = 2^(q k · log2(e) / 8)

    /// <summary>
    /// Grid: [ceil(frames / 128), heads, batch]. queryKeyValue: [batch, frames, 3 · heads · 64], y: [batch, frames, heads · 64].
    /// </summary>
    public static void Kernel(ArrayView<Bits128> queryKeyValue, ArrayView<Bits128> y, int frames)
    {
        int shared = SharedAddress.Of(SharedMemory.Allocate<Bits128>(Stages * StageBytes / ChunkBytes));
        int width = Grid.DimY * Chunks, window = Grid.IdxZ * frames, column = Grid.IdxY * Chunks;
        int source = (window * 3 * width) + column;
        int first = Grid.IdxX * Queries;

        int queries = shared + (2 * StageBytes);
        CopyTile(queries, queryKeyValue, source, 3 * width, first, frames, frames);
        CopyTile(queries + TileBytes, queryKeyValue, source, 3 * width, first + Keys, frames, frames);
        CopyStage(shared, queryKeyValue, source, width, 0, frames);
        TCopy.Commit();
        CopyStage(shared + StageBytes, queryKeyValue, source, width, Keys, frames);
        TCopy.Commit();

        // Where a lane's row of ldmatrix lies in a 16 x 16 tile: lanes 0 .. 7 and 8 .. 15 either give the rows below each other
        // and then those of the right half, or the halves and then the rows below. The first is the order of FragmentA and
        // of values, which are transposed; the second that of keys.
        int rightLast = Lane(Warp.LaneIdx % 16, Warp.LaneIdx / 16);
        int belowLast = Lane((Warp.LaneIdx % 8) + (Warp.LaneIdx / 16 * 8), Warp.LaneIdx / 8 % 2);

        TCopy.WaitForAllButOne();
        Group.Barrier();
        WarpFactor q = default;
        q.Load(queries + (Warp.WarpIdx * 32 * RowBytes) + rightLast);

        WarpTile o = default;
        SumTile sum = default;
        RowValues largest = new(float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity);
        int stage = shared, free = shared + (2 * StageBytes);
        for (int key = 0; key < frames; key += Keys)
        {
            TCopy.WaitForAllButOne();
            Group.Barrier(); // this tile is there, and all warps have left the one before, which makes its stage free
            CopyStage(free, queryKeyValue, source, width, key + (2 * Keys), frames);
            TCopy.Commit();
            free = stage;

            WarpTile s = default;
            s.AddScores(ref q, stage + belowLast);
            RowValues next = RowValues.Max(largest, s.Largest());
            RowValues factor = RowValues.Exp2((largest - next) * Scale);
            largest = next;
            WarpFactor p = default;
            s.Weigh(ref p, next * -Scale);
            sum.Scale(factor);
            sum.Add(ref p, key + (Warp.LaneIdx % 4 * 2), frames);
            o.Scale(factor);
            o.AddValues(ref p, stage + TileBytes + rightLast);
            stage = stage == shared + (2 * StageBytes) ? shared : stage + StageBytes;
        }

        o.Scale(sum.Reciprocal());
        int query = first + (Warp.WarpIdx * 32) + (Warp.LaneIdx / 4);
        o.Store(y, ((window + query) * width) + column + (Warp.LaneIdx % 4), 8 * width, frames - query);
    }

    /// <summary>The offset of a chunk of the left (0) or right (1) half of a tile of 16 rows, for every multiple of 16 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Lane(int row, int half) => (row * RowBytes) + ((half ^ (row % 8)) * ChunkBytes);

    /// <summary>Copies keys and values. Behind the last frame: the last key again, and values of 0; nothing if there is no frame at all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyStage(int stage, ArrayView<Bits128> source, int head, int width, int first, int frames)
    {
        CopyTile(stage, source, head + width, 3 * width, first, frames, first < frames ? int.MaxValue : 0);
        CopyTile(stage + TileBytes, source, head + (2 * width), 3 * width, first, frames, frames);
    }

    /// <summary>Copies 64 rows of a head, zeros from frame <paramref name="end"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyTile(int tile, ArrayView<Bits128> source, int head, int stride, int first, int frames, int end)
    {
        int row = Group.IdxX / Chunks, chunk = Group.IdxX % Chunks;
        int target = tile + (row * RowBytes) + ((chunk ^ (row % 8)) * ChunkBytes);
        CopyChunk(target, source, head + chunk, stride, first + row, frames, end);
        CopyChunk(target + (16 * RowBytes), source, head + chunk, stride, first + row + 16, frames, end);
        CopyChunk(target + (32 * RowBytes), source, head + chunk, stride, first + row + 32, frames, end);
        CopyChunk(target + (48 * RowBytes), source, head + chunk, stride, first + row + 48, frames, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyChunk(int target, ArrayView<Bits128> source, int column, int stride, int frame, int frames, int end) =>
        TCopy.Copy(target, source, column + (Math.Min(frame, frames - 1) * stride), ((frame - end) >> 31) & ChunkBytes); // all or, from the end on, nothing
}
