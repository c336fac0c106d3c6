namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class KeyValueStore<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public void Run(GpuTensor keyValue, GpuKeyValueCache cache, ReadOnlySpan<int> windows) => throw new NotImplementedException(_device.Name);
}
