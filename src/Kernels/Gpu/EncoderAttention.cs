namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class EncoderAttention<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public void Run(int batch, GpuTensor queryKeyValue, int heads, GpuTensor y) => throw new NotImplementedException(_device.Name);
}
