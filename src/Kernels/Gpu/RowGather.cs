namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class RowGather<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public void Run(GpuDecoderRows rows, GpuTensor x, GpuTensor y) => throw new NotImplementedException(_device.Name);
}
