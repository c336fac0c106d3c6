using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Attention in float32, by multiply-adds: the reference path, on any GPU. <see cref="EncoderAttention{TElement}"/> tells
/// the algorithm.
/// <code>
///     block (4 warps): 64 queries of a head              thread: 8 queries x 4 keys of s, 8 queries x 4 columns of o
///
///                64 keys       64 columns                lanes  0 .. 15: queries 0 .. 7 of the warp's 16
///              ┌─────────┐     ┌─────────┐               lanes 16 .. 31: queries 8 .. 15
///     warp 0   ├─────────┤     ├─────────┤ 16 queries    keys of lane i: i, i + 16, i + 32, i + 48 (i modulo 16)
///     warp 1   ├────s────┤     ├────o────┤               columns of lane i: 4i .. 4i + 3
///     warp 2   ├─────────┤     ├─────────┤
///     warp 3   └─────────┘     └─────────┘               shared memory, 48 KB: q, k and v. Once all warps have read
///                                                        the keys, p lies where they lay
/// </code>
/// Both products read 12 vectors of 16 bytes from shared memory for 128 multiply-adds. Chunk c (16 bytes) of key r lies at
/// c ^ (r % 8), so that lanes that read the same chunk of neighbouring keys meet different banks.
/// Flops: 4 · 64 · frames² a head; bytes: q and y once, k and v once for each 64 queries. Bound by multiply-adds: of the
/// instructions of the inner loops, as ptxas (CUDA 11.8) assembles them for sm_80, 128 of 170 are FFMA; 160 registers, three
/// blocks on a multiprocessor. No bank conflicts (EncoderAttentionTests).
/// </summary>
internal static class EncoderAttentionSingle<TCopy>
    where TCopy : struct, ISharedCopy
{
    /// <summary>Threads of a block.</summary>
    public const int Threads = 128;

    /// <summary>Queries of a block.</summary>
    public const int Queries = 64;

    private const int Keys = 64, Chunks = 16, ChunkBytes = 16;
    private const float Lowest = float.NegativeInfinity;
    private const float Scale = 1.4426950408889634f / 8; // exp(q k / sqrt(64)) = 2^(q k · log2(e) / 8)

    /// <summary>
    /// Grid: [ceil(frames / 64), heads, batch]. queryKeyValue: [batch, frames, 3 · heads · 64], y: [batch, frames, heads · 64].
    /// </summary>
    public static void EncoderAttentionKernel(ArrayView<Bits128> queryKeyValue, ArrayView<Bits128> y, int frames)
    {
        ArrayView<Bits128> q = SharedMemory.Allocate<Bits128>(Queries * Chunks);
        ArrayView<Bits128> k = SharedMemory.Allocate<Bits128>(Keys * Chunks);
        ArrayView<Bits128> v = SharedMemory.Allocate<Bits128>(Keys * Chunks);
        int width = Grid.DimY * Chunks, window = Grid.IdxZ * frames;
        int source = (window * 3 * width) + (Grid.IdxY * Chunks);
        int lane = Group.IdxX & 15, half = (Group.IdxX >> 4) & 1;
        int row = Group.IdxX >> 4 << 3;

        Rows o = default;
        Eight largest = new(Lowest, Lowest, Lowest, Lowest, Lowest, Lowest, Lowest, Lowest), sum = default;
        Load(q, queryKeyValue, source, 3 * width, Grid.IdxX * Queries, frames, 0);
        for (int key = 0; key < frames; key += Keys)
        {
            Group.Barrier(); // the weights and values of the tile before have been read
            Load(k, queryKeyValue, source + width, 3 * width, key, frames, 7);
            TCopy.Commit();
            Load(v, queryKeyValue, source + (2 * width), 3 * width, key, frames, 0);
            TCopy.Commit();
            TCopy.WaitForAllButOne();
            Group.Barrier(); // the keys are there

            Rows s = default;
            for (int chunk = 0; chunk < Chunks; chunk++)
            {
                int at = (lane * Chunks) + (chunk ^ (lane & 7));
                Four k0 = Four.LoadShared(k, at), k1 = Four.LoadShared(k, at + (16 * Chunks)), k2 = Four.LoadShared(k, at + (32 * Chunks)), k3 = Four.LoadShared(k, at + (48 * Chunks));
                s.AddDots(q, (row * Chunks) + chunk, k0, k1, k2, k3);
            }

            TCopy.WaitForAll();
            Group.Barrier(); // the values are there, and the keys have been read
            Weigh(ref s, ref o, ref largest, ref sum, key + lane, frames);
            s.StoreStrided(k.Cast<float>(), (row * Keys) + lane + (half * 16));
            Warp.Barrier(); // a warp reads the weights of its own queries only

            for (int chunk = 0; chunk < Chunks; chunk++)
            {
                int at = (chunk * 4 * Chunks) + lane;
                Four v0 = Four.LoadShared(v, at), v1 = Four.LoadShared(v, at + Chunks), v2 = Four.LoadShared(v, at + (2 * Chunks)), v3 = Four.LoadShared(v, at + (3 * Chunks));
                o.AddProducts(k, (row * Chunks) + (chunk ^ (half * 4)), v0, v1, v2, v3);
            }
        }

        int query = (Grid.IdxX * Queries) + row;
        int target = ((window + query) * width) + (Grid.IdxY * Chunks) + lane;
        Store(o.R0, sum.X0, y, target, query, frames);
        Store(o.R1, sum.X1, y, target + width, query + 1, frames);
        Store(o.R2, sum.X2, y, target + (2 * width), query + 2, frames);
        Store(o.R3, sum.X3, y, target + (3 * width), query + 3, frames);
        Store(o.R4, sum.X4, y, target + (4 * width), query + 4, frames);
        Store(o.R5, sum.X5, y, target + (5 * width), query + 5, frames);
        Store(o.R6, sum.X6, y, target + (6 * width), query + 6, frames);
        Store(o.R7, sum.X7, y, target + (7 * width), query + 7, frames);
    }

    /// <summary>Copies 64 rows of a head into a tile; zeros for the rows beyond the last frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(ArrayView<Bits128> tile, ArrayView<Bits128> source, int head, int stride, int first, int frames, int swizzle)
    {
        int chunk = Group.IdxX & 15, row = Group.IdxX >> 4, shared = SharedAddress.Of(tile);
        for (int end = row + Keys; row < end; row += 4 * Threads / Chunks) // four at a time, so that plain copies overlap
        {
            CopyChunk(shared, source, head, stride, first, frames, row, chunk, swizzle);
            CopyChunk(shared, source, head, stride, first, frames, row + (Threads / Chunks), chunk, swizzle);
            CopyChunk(shared, source, head, stride, first, frames, row + (2 * Threads / Chunks), chunk, swizzle);
            CopyChunk(shared, source, head, stride, first, frames, row + (3 * Threads / Chunks), chunk, swizzle);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyChunk(int shared, ArrayView<Bits128> source, int head, int stride, int first, int frames, int row, int chunk, int swizzle)
    {
        int frame = first + row;
        TCopy.Copy(
            shared + (((row * Chunks) + (chunk ^ (row & swizzle))) * ChunkBytes),
            source,
            head + (Math.Min(frame, frames - 1) * stride) + chunk,
            ((frame - frames) >> 31) & ChunkBytes); // all or, behind the last frame, nothing
    }

    /// <summary>The online softmax: scores become weights, and what has been summed before is scaled to the new maximum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Weigh(ref Rows s, ref Rows o, ref Eight largest, ref Eight sum, int key, int frames)
    {
        Four mask = new(Mask(key, frames), Mask(key + 16, frames), Mask(key + 32, frames), Mask(key + 48, frames));
        Weigh(ref s.R0, ref o.R0, ref largest.X0, ref sum.X0, mask);
        Weigh(ref s.R1, ref o.R1, ref largest.X1, ref sum.X1, mask);
        Weigh(ref s.R2, ref o.R2, ref largest.X2, ref sum.X2, mask);
        Weigh(ref s.R3, ref o.R3, ref largest.X3, ref sum.X3, mask);
        Weigh(ref s.R4, ref o.R4, ref largest.X4, ref sum.X4, mask);
        Weigh(ref s.R5, ref o.R5, ref largest.X5, ref sum.X5, mask);
        Weigh(ref s.R6, ref o.R6, ref largest.X6, ref sum.X6, mask);
        Weigh(ref s.R7, ref o.R7, ref largest.X7, ref sum.X7, mask);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Weigh(ref Four s, ref Four o, ref float largest, ref float sum, Four mask)
    {
        s = (s * Scale) + mask;
        float next = MathF.Max(largest, MaxOfSixteen(MathF.Max(MathF.Max(s.X, s.Y), MathF.Max(s.Z, s.W))));
        float factor = FlushToZero.Exp2(largest - next);
        s = new Four(FlushToZero.Exp2(s.X - next), FlushToZero.Exp2(s.Y - next), FlushToZero.Exp2(s.Z - next), FlushToZero.Exp2(s.W - next));
        sum = (sum * factor) + ((s.X + s.Y) + (s.Z + s.W)); // of this lane's keys; the lanes are added at the end
        o = o * factor;
        largest = next;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Mask(int key, int frames) => key < frames ? 0 : Lowest;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Four o, float sum, ArrayView<Bits128> y, int index, int query, int frames)
    {
        float scale = Approximate.Reciprocal(SumOfSixteen(sum));
        if (query < frames)
        {
            (o * scale).Store(y, index);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float MaxOfSixteen(float value)
    {
        value = MathF.Max(value, Warp.ShuffleXor(value, 8));
        return WarpReduction.MaxOfFour(MathF.Max(value, Warp.ShuffleXor(value, 4)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float SumOfSixteen(float value)
    {
        value += Warp.ShuffleXor(value, 8);
        return WarpReduction.SumOfFour(value + Warp.ShuffleXor(value, 4));
    }

    /// <summary>A thread's part of s or o: four columns of eight rows.</summary>
    private struct Rows
    {
        public Four R0;
        public Four R1;
        public Four R2;
        public Four R3;
        public Four R4;
        public Four R5;
        public Four R6;
        public Four R7;

        /// <summary>Adds the products of a chunk of eight queries with the same chunk of four keys.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddDots(ArrayView<Bits128> q, int at, Four k0, Four k1, Four k2, Four k3)
        {
            R0 = Dots(Four.LoadShared(q, at), k0, k1, k2, k3, R0);
            R1 = Dots(Four.LoadShared(q, at + Chunks), k0, k1, k2, k3, R1);
            R2 = Dots(Four.LoadShared(q, at + (2 * Chunks)), k0, k1, k2, k3, R2);
            R3 = Dots(Four.LoadShared(q, at + (3 * Chunks)), k0, k1, k2, k3, R3);
            R4 = Dots(Four.LoadShared(q, at + (4 * Chunks)), k0, k1, k2, k3, R4);
            R5 = Dots(Four.LoadShared(q, at + (5 * Chunks)), k0, k1, k2, k3, R5);
            R6 = Dots(Four.LoadShared(q, at + (6 * Chunks)), k0, k1, k2, k3, R6);
            R7 = Dots(Four.LoadShared(q, at + (7 * Chunks)), k0, k1, k2, k3, R7);
        }

        /// <summary>Adds the values of four keys, each times its weight in eight queries.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddProducts(ArrayView<Bits128> p, int at, Four v0, Four v1, Four v2, Four v3)
        {
            R0 = Products(Four.LoadShared(p, at), v0, v1, v2, v3, R0);
            R1 = Products(Four.LoadShared(p, at + Chunks), v0, v1, v2, v3, R1);
            R2 = Products(Four.LoadShared(p, at + (2 * Chunks)), v0, v1, v2, v3, R2);
            R3 = Products(Four.LoadShared(p, at + (3 * Chunks)), v0, v1, v2, v3, R3);
            R4 = Products(Four.LoadShared(p, at + (4 * Chunks)), v0, v1, v2, v3, R4);
            R5 = Products(Four.LoadShared(p, at + (5 * Chunks)), v0, v1, v2, v3, R5);
            R6 = Products(Four.LoadShared(p, at + (6 * Chunks)), v0, v1, v2, v3, R6);
            R7 = Products(Four.LoadShared(p, at + (7 * Chunks)), v0, v1, v2, v3, R7);
        }

        /// <summary>
        /// Stores weights; a row's four are 16 keys apart. The halves of a warp write to different halves of the banks.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void StoreStrided(ArrayView<float> p, int at)
        {
            StoreStrided(R0, p, at);
            StoreStrided(R1, p, at + Keys);
            StoreStrided(R2, p, at + (2 * Keys));
            StoreStrided(R3, p, at + (3 * Keys));
            StoreStrided(R4, p, at + (4 * Keys));
            StoreStrided(R5, p, at + (5 * Keys));
            StoreStrided(R6, p, at + (6 * Keys));
            StoreStrided(R7, p, at + (7 * Keys));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void StoreStrided(Four weights, ArrayView<float> p, int at)
        {
            p[at] = weights.X;
            p[at ^ 16] = weights.Y;
            p[at + 32] = weights.Z;
            p[(at ^ 16) + 32] = weights.W;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Four Dots(Four q, Four k0, Four k1, Four k2, Four k3, Four s) =>
            new(Four.Dot(q, k0, s.X), Four.Dot(q, k1, s.Y), Four.Dot(q, k2, s.Z), Four.Dot(q, k3, s.W));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Four Products(Four p, Four v0, Four v1, Four v2, Four v3, Four o) =>
            (v3 * p.W) + ((v2 * p.Z) + ((v1 * p.Y) + ((v0 * p.X) + o)));
    }
}
