using System.Runtime.CompilerServices;
using ILGPU;
using Launcher = System.Action<
    ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig,
    ILGPU.ArrayView<int>, ILGPU.ArrayView<int>, ILGPU.ArrayView<int>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>,
    ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, int, int>;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Self-attention of decoder rows over their lanes' caches: appends each row's key and value at its position, then
/// y = softmax(q kᵀ / 8) v over the entries 0 to position, for each row and head on its own.
/// <code>
///     block (128 threads): one row, one head          16 groups of 8 threads, a group has one key at a time:
///
///     entry     0  1  2 ... 15 | 16 ... 31 | 32 ... 47 | 48 ... 63 | 64 ...
///     group     0  1  2 ... 15 |  0 ... 15 |  0 ... 15 |  0 ... 15 |  0 ...      four keys and values in flight
///
///     groups are merged to warps by shuffles, warps to the block through shared memory
/// </code>
/// Bytes: each entry's key and value once for each row and head, and 2 flops for each of their elements; bound by memory, by
/// latency where few rows have few entries. The grid depends on the number of rows and heads alone, and a row's result on
/// its lane alone: it is the same bit by bit in any company, and wherever its past lies. Where sequences share a past
/// (<see cref="DecoderRows.SharesPasts"/>), another form of the kernel looks each entry's lane up in the table.
/// </summary>
internal sealed class SelfAttention<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = RunningAttention.Threads;

    // Left to itself the assembler stops at 56 and spills, for blocks that shared memory has no room for.
    private static readonly int Registers = TElement.Type == DType.F32 ? 80 : 64;

    private readonly Lazy<Launcher> _append = new(() => device.Kernels.Load<Launcher>(Append, Threads));
    private readonly Lazy<Launcher> _attend = Attention<AppendedBefore, OneLane>(device);
    private readonly Lazy<Launcher> _attendShared = Attention<AppendedBefore, SharedPast>(device);
    private readonly Lazy<Launcher> _appendAndAttend = Attention<AppendedByBlock, OneLane>(device);
    private readonly Lazy<Launcher> _appendAndAttendShared = Attention<AppendedByBlock, SharedPast>(device);

    private bool[] _taken = [];

    /// <summary>Who appends the key and the value of a block's row and head.</summary>
    private interface IAppending
    {
        /// <summary>Sees to it that all threads of the block find them in the cache.</summary>
        /// <param name="queryKeyValue">[rows, 3 · width].</param>
        /// <param name="own">Where they have the query.</param>
        /// <param name="heads">From the query to the key and from the key to the value.</param>
        /// <param name="keys">Keys of the cache.</param>
        /// <param name="values">Values of the cache.</param>
        /// <param name="entry">Where they go to. All places are counted in heads: 64 elements.</param>
        static abstract void Append(ArrayView<Bits128> queryKeyValue, int own, int heads, ArrayView<Bits128> keys, ArrayView<Bits128> values, int entry);
    }

    /// <summary>Appends and attends. queryKeyValue: [rows, 3 · width], y: [rows, width].</summary>
    /// <remarks>
    /// Rows of one lane (a prompt) look at each other's entries, so all are appended by a launch of their own first. In a step
    /// each row is its lane's only one, and the block that attends can append: one launch.
    /// </remarks>
    public void Run(GpuDecoderRows rows, GpuTensor queryKeyValue, GpuKeyValueCache cache, GpuTensor y)
    {
        if (rows.Count == 0)
        {
            return;
        }

        KernelConfig grid = new(new Index2D(rows.Count, cache.Heads), new Index2D(Threads, 1));
        Lazy<Launcher> attend = rows.SharesPasts ? _appendAndAttendShared : _appendAndAttend;
        if (AnyShareALane(rows.Lanes, cache.Lanes))
        {
            _append.Value(device.Stream, (rows.Count, Threads), rows.DeviceLanes, rows.DevicePositions, rows.DeviceSources, queryKeyValue.Vectors, cache.Keys, cache.Values, y.Vectors, cache.Length, cache.Heads);
            attend = rows.SharesPasts ? _attendShared : _attend;
        }

        attend.Value(device.Stream, grid, rows.DeviceLanes, rows.DevicePositions, rows.DeviceSources, queryKeyValue.Vectors, cache.Keys, cache.Values, y.Vectors, cache.Length, cache.Heads);
    }

    private bool AnyShareALane(ReadOnlySpan<int> laneOfRow, int lanes)
    {
        if (laneOfRow.Length > lanes)
        {
            return true;
        }

        if (_taken.Length < lanes)
        {
            _taken = new bool[lanes];
        }

        Array.Clear(_taken);
        foreach (int lane in laneOfRow)
        {
            if (_taken[lane])
            {
                return true;
            }

            _taken[lane] = true;
        }

        return false;
    }

    private static Lazy<Launcher> Attention<TAppending, TPlaces>(GpuDevice device)
        where TAppending : struct, IAppending
        where TPlaces : struct, IKeyPlaces<TPlaces> => new(() => device.ComputeCapability >= 80
            ? device.Kernels.Load<Launcher>(Attend<TAppending, AsynchronousCopy, TPlaces>, Threads, maximumRegisters: Registers)
            : device.Kernels.Load<Launcher>(Attend<TAppending, PlainCopy, TPlaces>, Threads));

    /// <summary>A block copies the keys and values of one row, of all heads.</summary>
    private static void Append(
        ArrayView<int> lanes, ArrayView<int> positions, ArrayView<int> sources, ArrayView<Bits128> queryKeyValue, ArrayView<Bits128> keys, ArrayView<Bits128> values, ArrayView<Bits128> y, int length, int heads)
    {
        int row = Grid.IdxX, width = heads * RunningAttention.ThreadsOfKey;
        int lane = lanes[row], position = positions[row];
        for (int i = Group.IdxX; i < width; i += Threads)
        {
            int head = i / RunningAttention.ThreadsOfKey;
            AppendedByBlock.Copy(
                queryKeyValue, (row * 3 * heads) + head, heads, keys, values, (((lane * heads) + head) * length) + position);
        }
    }

    private static void Attend<TAppending, TCopy, TPlaces>(
        ArrayView<int> lanes, ArrayView<int> positions, ArrayView<int> sources, ArrayView<Bits128> queryKeyValue, ArrayView<Bits128> keys, ArrayView<Bits128> values, ArrayView<Bits128> y, int length, int heads)
        where TAppending : struct, IAppending
        where TCopy : struct, ISharedCopy
        where TPlaces : struct, IKeyPlaces<TPlaces>
    {
        ArrayView<Bits128> stage = SharedMemory.Allocate<Bits128>(8 * TElement.Vectors * Threads);
        ArrayView<float> shared = SharedMemory.Allocate<float>(RunningAttention.Warps * RunningAttention.SavedFloats);
        int row = Grid.IdxX, head = Grid.IdxY, own = (row * 3 * heads) + head;
        int begin = ((lanes[row] * heads) + head) * length, position = positions[row];
        TAppending.Append(queryKeyValue, own, heads, keys, values, begin + position);

        Eight query = RunningAttention.LoadPart<TElement>(queryKeyValue, own) * RunningAttention.ScoreScale;
        TPlaces places = TPlaces.Create(sources, lanes[row], heads, head, length);
        RunningAttention attention = RunningAttention.Over<TElement, TCopy, TPlaces>(keys, values, query, places, 0, position + 1, stage);
        attention = RunningAttention.MergeBlock(attention, shared);
        if (Group.IdxX < RunningAttention.ThreadsOfKey)
        {
            RunningAttention.StorePart<TElement>(y, (row * heads) + head, attention.Result());
        }
    }

    private readonly struct AppendedBefore : IAppending
    {
        public static void Append(ArrayView<Bits128> queryKeyValue, int own, int heads, ArrayView<Bits128> keys, ArrayView<Bits128> values, int entry)
        {
        }
    }

    private readonly struct AppendedByBlock : IAppending
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Append(ArrayView<Bits128> queryKeyValue, int own, int heads, ArrayView<Bits128> keys, ArrayView<Bits128> values, int entry)
        {
            if (Group.IdxX < RunningAttention.ThreadsOfKey)
            {
                Copy(queryKeyValue, own, heads, keys, values, entry);
            }

            Group.Barrier();
        }

        /// <summary>Copies eight elements of a key and of a value.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Copy(ArrayView<Bits128> queryKeyValue, int own, int heads, ArrayView<Bits128> keys, ArrayView<Bits128> values, int entry)
        {
            RunningAttention.StorePart<TElement>(keys, entry, RunningAttention.LoadPart<TElement>(queryKeyValue, own + heads));
            RunningAttention.StorePart<TElement>(values, entry, RunningAttention.LoadPart<TElement>(queryKeyValue, own + (2 * heads)));
        }
    }
}
