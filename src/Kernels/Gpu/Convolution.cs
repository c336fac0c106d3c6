namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class Convolution<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public void Run(int batch, GpuTensor x, GpuTensor weight, GpuTensor? bias, int stride, GpuTensor? positions, GpuTensor y) => throw new NotImplementedException(_device.Name);
}
