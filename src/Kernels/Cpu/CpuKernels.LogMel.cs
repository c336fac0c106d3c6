namespace Handwritten.Kernels.Cpu;

public sealed partial class CpuKernels
{
    /// <inheritdoc/>
    public Tensor LogMel(ReadOnlySpan<float> samples, int padding, Tensor filters) => throw new NotImplementedException();
}
