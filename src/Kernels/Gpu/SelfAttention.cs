namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class SelfAttention<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public void Run(GpuDecoderRows rows, GpuTensor queryKeyValue, GpuKeyValueCache cache, GpuTensor y) => throw new NotImplementedException(_device.Name);
}
