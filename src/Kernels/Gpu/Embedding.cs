namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class Embedding<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public void Run(GpuDecoderRows rows, GpuTensor tokenTable, GpuTensor positionTable, GpuTensor x) => throw new NotImplementedException(_device.Name);
}
