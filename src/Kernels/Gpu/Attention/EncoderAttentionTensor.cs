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
/// <para>
/// What ptxas (CUDA 11.8) makes of it for sm_80: 240 registers, no spill, two blocks on a multiprocessor. For a tile of 64
/// keys a warp executes 136 HMMA, 32 LDSM, 8 LDGSTS, 68 MUFU and some 380 other instructions, of which 64 FFMA, 76 FMUL, 72
/// FMNMX and 32 F2FP are the softmax. In the emulator no access to shared memory is repeated because of a bank conflict, and
/// no sector of global memory is read in part. EncoderAttentionTests asserts all of this but the number of the others.
/// </para>
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
    private const int TileBytes = Keys * RowBytes, StageBytes = 2 * TileBytes, Stages = 3, LastStage = (Stages - 1) * StageBytes;
    private const float ScoreScale = 1.4426950408889634f / 8; // exp(q k / sqrt(64)) = 2^(q k · log2(e) / 8)

    /// <summary>
    /// Grid: [ceil(frames / 128), heads, batch]. queryKeyValue: [batch, frames, 3 · heads · 64], y: [batch, frames, heads · 64].
    /// </summary>
    public static void EncoderAttentionKernel(ArrayView<Bits128> queryKeyValue, ArrayView<Bits128> y, int frames)
    {
        int shared = SharedAddress.Of(SharedMemory.Allocate<Bits128>(Stages * StageBytes / ChunkBytes));
        int width = Grid.DimY * Chunks, window = Grid.IdxZ * frames, column = Grid.IdxY * Chunks;
        int first = Grid.IdxX * Queries;

        // A thread copies one chunk of every 16th row: of 64 queries, 64 keys, 64 values.
        int copyRow = Group.IdxX >> 3, copyChunk = Group.IdxX & 7, copies = shared + Offset(copyRow, copyChunk);
        int source = (window * 3 * width) + column + copyChunk;
        CopyTile(copies + LastStage, queryKeyValue, source, 3 * width, first + copyRow, frames, frames);
        CopyTile(copies + LastStage + TileBytes, queryKeyValue, source, 3 * width, first + Keys + copyRow, frames, frames);
        CopyStage(copies, queryKeyValue, source, width, copyRow, frames, frames);
        TCopy.Commit();
        CopyStage(copies + StageBytes, queryKeyValue, source, width, Keys + copyRow, frames, frames - Keys);
        TCopy.Commit();

        // A lane's row for ldmatrix in a tile of 16 x 16. Queries and values: the rows below each other, then their right half.
        // Keys, which are not transposed: the left half, the right half, then the rows below.
        int lane = Group.IdxX & 31, firstOfWarp = Group.IdxX & ~31;
        int queries = shared + LastStage + (firstOfWarp * RowBytes) + Offset(lane & 15, lane >> 4);
        int keys = shared + Offset((lane & 7) + (lane >> 4 << 3), (lane >> 3) & 1);
        int values = shared + TileBytes + Offset(lane & 15, lane >> 4);

        TCopy.WaitForAllButOne();
        Group.Barrier();
        WarpFactor q = default;
        q.Load(queries);

        WarpTile o = default;
        SumTile sum = default;
        Ones ones = default;
        ones.Set(0, int.MaxValue);
        RowValues largest = new(float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity);
        int stage = 0, free = LastStage, laneKey = (lane & 3) * 2;
        for (int key = 0; key < frames; key += Keys)
        {
            TCopy.WaitForAllButOne();
            Group.Barrier(); // this tile is there, and all warps have left the one before: its stage is free
            CopyStage(copies + free, queryKeyValue, source, width, key + (2 * Keys) + copyRow, frames, frames - key - (2 * Keys));
            TCopy.Commit();

            if (key + Keys > frames)
            {
                ones.Set(key + laneKey, frames); // the last tile, in part
            }

            WarpTile s = default;
            s.AddScores(ref q, keys + stage);
            RowValues next = RowValues.Max(largest, s.Largest() * ScoreScale);
            RowValues factor = RowValues.Exp2(largest - next);
            largest = next;
            WarpFactor p = default;
            s.Weigh(ref p, next);
            sum.Scale(factor);
            sum.Add(ref p, ref ones);
            o.Scale(factor);
            o.AddValues(ref p, values + stage);

            free = stage;
            stage = stage == LastStage ? 0 : stage + StageBytes;
        }

        o.Scale(sum.Reciprocal());
        int query = first + firstOfWarp + (lane >> 2);
        o.Store(y, ((window + query) * width) + column + (lane & 3), 8 * width, frames - query);
    }

    /// <summary>Where a chunk of a row lies in a tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Offset(int row, int chunk) => (row * RowBytes) + ((chunk ^ (row & 7)) * ChunkBytes);

    /// <summary>
    /// Copies keys and values. Behind the last frame: the last key again, and values of 0; nothing if <paramref name="left"/>,
    /// the number of frames from the stage's first on, is not positive.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyStage(int target, ArrayView<Bits128> source, int index, int width, int frame, int frames, int left)
    {
        CopyTile(target, source, index + width, 3 * width, frame, frames, left > 0 ? int.MaxValue : 0);
        CopyTile(target + TileBytes, source, index + (2 * width), 3 * width, frame, frames, frames);
    }

    /// <summary>Copies the thread's part of 64 rows, zeros from frame <paramref name="end"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyTile(int target, ArrayView<Bits128> source, int index, int stride, int frame, int frames, int end)
    {
        CopyChunk(target, source, index, stride, frame, frames, end);
        CopyChunk(target + (16 * RowBytes), source, index, stride, frame + 16, frames, end);
        CopyChunk(target + (32 * RowBytes), source, index, stride, frame + 32, frames, end);
        CopyChunk(target + (48 * RowBytes), source, index, stride, frame + 48, frames, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyChunk(int target, ArrayView<Bits128> source, int index, int stride, int frame, int frames, int end) =>
        TCopy.Copy(target, source, index + (Math.Min(frame, frames - 1) * stride), ((frame - end) >> 31) & ChunkBytes); // no branch
}
