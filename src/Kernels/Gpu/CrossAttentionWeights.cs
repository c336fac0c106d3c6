namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class CrossAttentionWeights<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public void Run(GpuDecoderRows rows, GpuTensor query, GpuKeyValueCache cache, int head, GpuTensor weights) => throw new NotImplementedException(_device.Name);
}
