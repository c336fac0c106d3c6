using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Keys and values of one attention layer in device memory, each [lanes, heads, length, head size]: what one head of one
/// lane attends to is one contiguous piece.
/// </summary>
internal sealed class GpuKeyValueCache(GpuDevice device, DType type, int lanes, int length, int heads, int headSize) : KeyValueCache
{
    private readonly GpuTensor _keys = new(device, type, [lanes, heads, length, headSize], "KV cache");
    private readonly GpuTensor _values = new(device, type, [lanes, heads, length, headSize], "KV cache");

    /// <summary>Sequences.</summary>
    public int Lanes => lanes;

    /// <summary>The most entries of a lane.</summary>
    public int Length => length;

    /// <summary>Attention heads.</summary>
    public int Heads => heads;

    /// <summary>Width of a head.</summary>
    public int HeadSize { get; } = headSize == RunningAttention.HeadSize
        ? headSize
        : throw new ArgumentException($"The CUDA back end has attention heads of {RunningAttention.HeadSize} elements, as all Whisper models have, not of {headSize}.", nameof(headSize));

    /// <summary>[lanes, heads, length, head size].</summary>
    public ArrayView<Bits128> Keys => _keys.Vectors;

    /// <summary>[lanes, heads, length, head size].</summary>
    public ArrayView<Bits128> Values => _values.Vectors;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _keys.Dispose();
            _values.Dispose();
        }
    }
}
