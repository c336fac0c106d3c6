using System.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Spreads the keys and values of encoded windows over a cross-attention cache: from [length, key | value, head, 64] to
/// keys[window, head, length, 64] and values[window, head, length, 64].
/// <code>
///     block (256 threads): one entry, of all heads      thread t: 16 bytes at t, t + 256, ...
/// </code>
/// A warp reads 512 contiguous bytes and writes whole heads: 128 or 256 contiguous bytes. Each byte is read and written
/// once; bound by memory. A window is a launch, so that no list of windows has to be on the device.
/// </summary>
internal sealed class KeyValueStore<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = 256;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int, int, int, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int, int, int, int>>(Kernel, Threads));

    /// <summary>Fills lanes of a cache.</summary>
    /// <param name="keyValue">[windows, length, 2 · width].</param>
    /// <param name="cache">The cache.</param>
    /// <param name="windows">The lane of each of the windows.</param>
    public void Run(GpuTensor keyValue, GpuKeyValueCache cache, ReadOnlySpan<int> windows)
    {
        int vectors = cache.HeadSize * TElement.Type.ByteSize() / 16;
        for (int source = 0; source < windows.Length; source++)
        {
            _kernel.Value(
                device.Stream,
                (cache.Length, Threads),
                keyValue.Vectors,
                cache.Keys,
                cache.Values,
                source * cache.Length,
                windows[source] * cache.Heads * cache.Length,
                cache.Heads,
                BitOperations.Log2((uint)vectors));
        }
    }

    /// <param name="keyValue">All windows.</param>
    /// <param name="keys">All keys.</param>
    /// <param name="values">All values.</param>
    /// <param name="source">The window's first entry in keyValue.</param>
    /// <param name="target">Its first entry in keys and values.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="shift">Log 2 of the 16-byte vectors of an entry of one head.</param>
    private static void Kernel(ArrayView<Bits128> keyValue, ArrayView<Bits128> keys, ArrayView<Bits128> values, int source, int target, int heads, int shift)
    {
        int entry = Grid.IdxX, length = Grid.DimX, width = heads << shift;
        int from = (source + entry) * 2 * width, to = (target + entry) << shift;
        for (int i = Group.IdxX; i < width; i += Threads)
        {
            int head = i >> shift, within = i - (head << shift);
            int at = to + ((head * length) << shift) + within;
            keys[at] = keyValue[from + i];
            values[at] = keyValue[from + width + i];
        }
    }
}
