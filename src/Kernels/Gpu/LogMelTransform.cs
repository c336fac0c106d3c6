namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class LogMelTransform<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public GpuTensor Run(ReadOnlySpan<float> samples, int padding, GpuTensor filters) => throw new NotImplementedException(_device.Name);
}
