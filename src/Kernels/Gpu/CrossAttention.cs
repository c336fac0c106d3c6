using System.Runtime.CompilerServices;
using ILGPU;
using Launcher = System.Action<
    ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig,
    ILGPU.ArrayView<int>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>,
    ILGPU.ArrayView<float>, ILGPU.ArrayView<int>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, int, int, int>;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Cross-attention of decoder rows over all frames of their audio windows, y = softmax(q kᵀ / 8) v for each row and head.
/// One row of a small model has too few heads to keep a GPU busy, so the frames are split as well (flash-decoding): twelve
/// blocks share the 1500 frames of a head, and the one that ends last merges what they found.
/// <code>
///     block (128 threads): one row, one head, one chunk of 128 frames       chunk:  0    1    2  ...  11
///       16 groups of 8 threads, a group has one frame at a time,                    └────┴─┬──┴───────┘
///       four keys and values in flight; groups are merged as in SelfAttention              │ each writes its part,
///     then it draws a ticket of its row and head: 0, 1, 2, ...                             ▼
///     who gets the last one: a warp merges the chunks                                      y
/// </code>
/// See <see cref="LastBlock"/>. The chunks are merged in their order, whichever block is the last.
/// Bytes: the keys and values of a window once for each row; the chunks' results are 1% of that. Bound by memory. Rows of
/// one window lie next to each other in the grid and find its frames in the L2 cache. The split depends on the number of
/// frames alone, so a row's result is the same bit by bit in any company.
/// </summary>
internal sealed class CrossAttention<TElement>(GpuDevice device) : IDisposable
    where TElement : struct, IElement
{
    private const int Threads = RunningAttention.Threads, WarpSize = 32;
    private const int Chunk = 128;
    private const int RowsOfLaunch = 64; // what the memory between blocks is made for: prompts take several launches

    private readonly Lazy<Launcher> _attend = new(() => device.Kernels.Load<Launcher>(device.ComputeCapability >= 80 ? Attend<AsynchronousCopy> : Attend<PlainCopy>, Threads));

    private GpuTensor? _chunks;
    private GpuTensor? _tickets;

    /// <summary>Attends. query, y: [rows, width].</summary>
    public void Run(GpuDecoderRows rows, GpuTensor query, GpuKeyValueCache cache, GpuTensor y)
    {
        int chunks = (cache.Length + Chunk - 1) / Chunk;
        RequireScratch(RowsOfLaunch * cache.Heads, chunks);
        for (int first = 0; first < rows.Count; first += RowsOfLaunch)
        {
            int count = Math.Min(RowsOfLaunch, rows.Count - first);
            KernelConfig grid = new(new Index3D(count, cache.Heads, chunks), new Index3D(Threads, 1, 1));
            _attend.Value(
                device.Stream, grid, rows.DeviceWindows, query.Vectors, cache.Keys, cache.Values, _chunks!.Floats, _tickets!.Integers, y.Vectors, first, cache.Length, cache.Heads);
        }
    }

    public void Dispose()
    {
        _chunks?.Dispose();
        _tickets?.Dispose();
    }

    /// <summary>
    /// The memory between blocks: allocated for the first pass, and again for a larger model only. Tickets begin as zeros.
    /// </summary>
    private void RequireScratch(int heads, int chunks)
    {
        int floats = heads * chunks * RunningAttention.SavedFloats;
        if (_chunks is null || _tickets is null || _chunks.ElementCount < floats || _tickets.ElementCount < heads)
        {
            Dispose();
            _chunks = new GpuTensor(device, DType.F32, [floats]);
            _tickets = new GpuTensor(device, DType.I32, [heads]);
        }
    }

    private static void Attend<TCopy>(
        ArrayView<int> windows, ArrayView<Bits128> queries, ArrayView<Bits128> keys, ArrayView<Bits128> values, ArrayView<float> chunks, ArrayView<int> tickets, ArrayView<Bits128> y, int firstRow, int length, int heads)
        where TCopy : struct, ISharedCopy
    {
        ArrayView<Bits128> stage = SharedMemory.Allocate<Bits128>(8 * TElement.Vectors * Threads);
        ArrayView<float> shared = SharedMemory.Allocate<float>(RunningAttention.Warps * RunningAttention.SavedFloats);
        int row = firstRow + Grid.IdxX, head = Grid.IdxY, rowHead = (Grid.IdxX * heads) + head;
        int begin = ((windows[row] * heads) + head) * length, first = Grid.IdxZ * Chunk, end = IntrinsicMath.Min(first + Chunk, length);
        PrefetchFrames(keys, begin + first, begin + end);
        PrefetchFrames(values, begin + first, begin + end);
        PreviousKernels.Wait();
        Eight query = RunningAttention.LoadPart<TElement>(queries, (row * heads) + head) * RunningAttention.ScoreScale;
        RunningAttention attention = RunningAttention.Over<TElement, TCopy, OneLane>(keys, values, query, new OneLane(begin), first, end, stage);
        attention = RunningAttention.MergeBlock(attention, shared);
        if (Group.IdxX < WarpSize) // which has the result of MergeBlock
        {
            if (Group.IdxX < RunningAttention.ThreadsOfKey)
            {
                attention.Save(chunks, (rowHead * Grid.DimZ) + Grid.IdxZ, RunningAttention.Part);
            }

            if (LastBlock.IsThis(ref tickets[rowHead], Grid.DimZ))
            {
                Merge(chunks, rowHead, y, (row * heads) + head);
            }
        }
    }

    /// <summary>
    /// Begins to bring the chunk's keys or values to the L2 cache: a pass writes none, so this need not wait for the kernels in front.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchFrames(ArrayView<Bits128> source, int begin, int end)
    {
        const int sector = 2; // in 16 bytes
        int size = RunningAttention.ThreadsOfKey * TElement.Vectors;
        for (int i = (begin * size) + (sector * Group.IdxX); i < end * size; i += sector * Threads)
        {
            CacheHint.Prefetch(source, i);
        }
    }

    /// <summary>A warp merges the chunks of a row and head: each eight threads every fourth of them, and then their results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Merge(ArrayView<float> chunks, int rowHead, ArrayView<Bits128> y, int target)
    {
        RunningAttention attention = RunningAttention.Empty;
        for (int chunk = Warp.LaneIdx / RunningAttention.ThreadsOfKey; chunk < Grid.DimZ; chunk += WarpSize / RunningAttention.ThreadsOfKey)
        {
            attention = RunningAttention.Merge(attention, RunningAttention.Saved(chunks, (rowHead * Grid.DimZ) + chunk, RunningAttention.Part));
        }

        attention = RunningAttention.MergeWarp(attention);
        if (Warp.LaneIdx < RunningAttention.ThreadsOfKey)
        {
            RunningAttention.StorePart<TElement>(y, target, attention.Result());
        }
    }
}
