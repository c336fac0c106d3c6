namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class WindowCopy<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public void Run(GpuTensor mel, int first, int count, GpuTensor windows, int index) => throw new NotImplementedException(_device.Name);
}
