using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Cross-attention of decoder rows over all frames of their audio windows, y = softmax(q kᵀ / 8) v for each row and head.
/// One row of a small model has too few heads to keep a GPU busy, so the frames are split as well (flash-decoding): twelve
/// blocks share the 1500 frames of a head, and a second kernel merges what they found.
/// <code>
///     block (128 threads): one row, one head, one chunk of 128 frames       chunk:  0    1    2  ...  11
///       16 groups of 8 threads, a group has one frame at a time,                    └────┴─┬──┴───────┘
///       four keys and values in flight; groups are merged as in SelfAttention              ▼
///     warp: one row, one head: merges the chunks                                           y
/// </code>
/// Bytes: the keys and values of a window once for each row; the chunks' results are 1% of that. Bound by memory. Rows of
/// one window lie next to each other in the grid and find its frames in the L2 cache. The split depends on the number of
/// frames alone, so a row's result is the same bit by bit in any company.
/// </summary>
internal sealed class CrossAttention<TElement>(GpuDevice device) : IDisposable
    where TElement : struct, IElement
{
    private const int Threads = 128;
    private const int Groups = Threads / RunningAttention.ThreadsOfKey;
    private const int Warps = Threads / 32;
    private const int Chunk = 128;
    private const int RowsOfLaunch = 64; // what the memory between the two kernels is made for: prompts take several launches

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<int>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<float>, int, int, int>> _attend =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<int>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<float>, int, int, int>>(device.ComputeCapability >= 80 ? Attend<AsynchronousCopy> : Attend<PlainCopy>, Threads));

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<float>, ArrayView<Bits128>, int, int>> _merge =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<float>, ArrayView<Bits128>, int, int>>(Merge, 32));

    private GpuTensor? _chunks;

    /// <summary>Attends. query, y: [rows, width].</summary>
    public void Run(GpuDecoderRows rows, GpuTensor query, GpuKeyValueCache cache, GpuTensor y)
    {
        int chunks = (cache.Length + Chunk - 1) / Chunk;
        ArrayView<float> scratch = Scratch(RowsOfLaunch * cache.Heads * chunks * RunningAttention.SavedFloats);
        for (int first = 0; first < rows.Count; first += RowsOfLaunch)
        {
            int count = Math.Min(RowsOfLaunch, rows.Count - first);
            KernelConfig grid = new(new Index3D(count, cache.Heads, chunks), new Index3D(Threads, 1, 1));
            _attend.Value(device.Stream, grid, rows.DeviceWindows, query.Vectors, cache.Keys, cache.Values, scratch, first, cache.Length, cache.Heads);
            _merge.Value(device.Stream, new(new Index2D(count, cache.Heads), new Index2D(32, 1)), scratch, y.Vectors, first, chunks);
        }
    }

    public void Dispose() => _chunks?.Dispose();

    /// <summary>The memory between the two kernels: allocated for the first pass, and again for a larger model only.</summary>
    private ArrayView<float> Scratch(int floats)
    {
        if (_chunks is null || _chunks.ElementCount < floats)
        {
            _chunks?.Dispose();
            _chunks = new GpuTensor(device, DType.F32, [floats]);
        }

        return _chunks.Floats;
    }

    private static void Attend<TCopy>(
        ArrayView<int> windows, ArrayView<Bits128> queries, ArrayView<Bits128> keys, ArrayView<Bits128> values, ArrayView<float> chunks, int firstRow, int length, int heads)
        where TCopy : struct, ISharedCopy
    {
        ArrayView<Bits128> stage = SharedMemory.Allocate<Bits128>(8 * TElement.Vectors * Threads);
        ArrayView<float> shared = SharedMemory.Allocate<float>(Warps * RunningAttention.SavedFloats);
        int row = firstRow + Grid.IdxX, head = Grid.IdxY, part = RunningAttention.Part;
        Eight query = RunningAttention.LoadPart<TElement>(queries, (row * heads) + head) * RunningAttention.ScoreScale;
        int begin = ((windows[row] * heads) + head) * length, first = Grid.IdxZ * Chunk;
        RunningAttention attention = RunningAttention.Over<TElement, TCopy, OneLane>(keys, values, query, new OneLane(begin), first, IntrinsicMath.Min(first + Chunk, length), Groups, stage);
        attention = RunningAttention.MergeBlock(attention, shared, Warps);
        if (Group.IdxX < RunningAttention.ThreadsOfKey)
        {
            attention.Save(chunks, (((Grid.IdxX * heads) + head) * Grid.DimZ) + Grid.IdxZ, part);
        }
    }

    private static void Merge(ArrayView<float> chunks, ArrayView<Bits128> y, int firstRow, int count)
    {
        int head = (Grid.IdxX * Grid.DimY) + Grid.IdxY, part = RunningAttention.Part;
        RunningAttention attention = RunningAttention.Empty;
        for (int chunk = Group.IdxX / RunningAttention.ThreadsOfKey; chunk < count; chunk += 32 / RunningAttention.ThreadsOfKey)
        {
            attention = RunningAttention.Merge(attention, RunningAttention.Saved(chunks, (head * count) + chunk, part));
        }

        attention = RunningAttention.MergeWarp(attention);
        if (Group.IdxX < RunningAttention.ThreadsOfKey)
        {
            RunningAttention.StorePart<TElement>(y, (firstRow * Grid.DimY) + head, attention.Result());
        }
    }
}
