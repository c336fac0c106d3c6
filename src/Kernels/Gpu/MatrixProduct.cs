namespace Handwritten.Kernels.Gpu;

/// <summary>stub</summary>
internal sealed class MatrixProduct<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly GpuDevice _device = device;

    public void Run(int rows, GpuTensor x, GpuTensor weight, GpuTensor? bias, GpuTensor y, Epilogue epilogue) => throw new NotImplementedException(_device.Name);
}
