using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Spreads the keys and values of encoded windows over a cross-attention cache: from [length, key | value, head, 64] to
/// keys[window, head, length, 64] and values[window, head, length, 64].
/// <code>
///     block (256 threads): 256 vectors of 16 bytes of one window, in the order of the source
/// </code>
/// A warp reads 512 contiguous bytes and writes whole heads: 128 or 256 contiguous bytes. Each byte is read and written
/// once; bound by memory. The elements are not looked at, so there is one kernel for all types.
/// </summary>
internal sealed class KeyValueStore<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = 256;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int, int, int, int, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int, int, int, int, int>>(Kernel, Threads));

    /// <summary>Fills lanes of a cache.</summary>
    /// <param name="keyValue">[windows, length, 2 · width].</param>
    /// <param name="cache">The cache.</param>
    /// <param name="windows">The lane of each of the windows.</param>
    public void Run(GpuTensor keyValue, GpuKeyValueCache cache, ReadOnlySpan<int> windows)
    {
        int perHead = cache.HeadSize * TElement.Type.ByteSize() / 16;
        int vectors = cache.Length * 2 * cache.Heads * perHead;
        for (int source = 0; source < windows.Length; source++)
        {
            _kernel.Value(
                device.Stream,
                ((vectors + Threads - 1) / Threads, Threads),
                keyValue.Vectors,
                cache.Keys,
                cache.Values,
                source,
                windows[source],
                cache.Length,
                cache.Heads,
                perHead);
        }
    }

    private static void Kernel(
        ArrayView<Bits128> keyValue, ArrayView<Bits128> keys, ArrayView<Bits128> values, int source, int window, int length, int heads, int perHead)
    {
        int perEntry = 2 * heads * perHead;
        int i = (Grid.IdxX * Threads) + Group.IdxX;
        if (i >= length * perEntry)
        {
            return;
        }

        int entry = i / perEntry, part = i % perEntry / perHead, within = i % perHead;
        int head = part % heads;
        Bits128 vector = keyValue[(source * length * perEntry) + i];
        int target = (((((window * heads) + head) * length) + entry) * perHead) + within;
        if (part < heads)
        {
            keys[target] = vector;
        }
        else
        {
            values[target] = vector;
        }
    }
}
