namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A convolution of width 3 with padding 1 along time, gelu, and the table of positions behind it. With frames first it is a
/// matrix product whose rows overlap, see <see cref="ConvolutionRows"/>: the kernel of the matrix product runs as it is, no
/// buffer is unfolded. Bytes and flops are those of a product of batch · steps rows with 3 · channels inputs.
/// </summary>
internal sealed class Convolution<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly ProductLauncher<TElement, ConvolutionRows> _tiles = new(device);

    /// <summary>y[b, t, :] = gelu(Σ over taps of W[:, tap, :] · x[b, t · stride + tap − 1, :] + bias) + positions[t, :].</summary>
    /// <param name="batch">Windows.</param>
    /// <param name="x">[batch, frames, channels].</param>
    /// <param name="weight">[outputs, 3 · channels].</param>
    /// <param name="bias">float32 [outputs], or none.</param>
    /// <param name="stride">Input frames from one output frame to the next.</param>
    /// <param name="positions">float32 [frames / stride, outputs], or none; only with a float32 y.</param>
    /// <param name="y">[batch, frames / stride, outputs] of the compute type, or float32.</param>
    public void Run(int batch, GpuTensor x, GpuTensor weight, GpuTensor? bias, int stride, GpuTensor? positions, GpuTensor y)
    {
        int frames = x.Shape[^2], chunks = x.Shape[^1] * TElement.Type.ByteSize() / 16, steps = frames / stride;
        _tiles.Launch(new ConvolutionRows(batch * steps, steps, frames, chunks, stride), batch * steps, x, weight.Vectors, weight.Shape[1], bias, isGelu: true, positions, y);
    }
}
