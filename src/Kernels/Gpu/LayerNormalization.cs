using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// y = (x − mean) / sqrt(variance + 1e-5) · gain + bias over each row; x is the float32 residual stream, y has the compute
/// type.
/// <code>
///     block (32 threads = one warp): one row      thread t: elements 8t.. 8t+7, 8(t + 32).., ...
/// </code>
/// Reads the row three times (mean, variance, result): the second and third time out of the L1 cache. Bytes: 4 to read and
/// the element to write, for each of rows · width elements; bound by memory.
/// </summary>
internal sealed class LayerNormalization<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = 32;
    private const float Epsilon = 1e-5f;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int>>(Kernel, Threads));

    /// <summary>Normalises the first rows. x: [rows, width] float32, y: [rows, width].</summary>
    public void Run(int rows, GpuTensor x, GpuTensor gain, GpuTensor bias, GpuTensor y) =>
        _kernel.Value(device.Stream, (rows, Threads), x.Vectors, gain.Vectors, bias.Vectors, y.Vectors, (int)gain.ElementCount / 8);

    private static void Kernel(ArrayView<Bits128> x, ArrayView<Bits128> gain, ArrayView<Bits128> bias, ArrayView<Bits128> y, int eights)
    {
        int row = Grid.IdxX * eights;
        float sum = 0;
        for (int i = Warp.LaneIdx; i < eights; i += Threads)
        {
            sum += Float32.Load(x, row + i).Sum();
        }

        float mean = WarpReduction.Sum(sum) / (8 * eights);
        float squares = 0;
        for (int i = Warp.LaneIdx; i < eights; i += Threads)
        {
            Eight centred = Float32.Load(x, row + i) - mean;
            squares += Eight.Dot(centred, centred);
        }

        float scale = 1 / MathF.Sqrt((WarpReduction.Sum(squares) / (8 * eights)) + Epsilon);
        for (int i = Warp.LaneIdx; i < eights; i += Threads)
        {
            Eight centred = Float32.Load(x, row + i) - mean;
            TElement.Store(y, row + i, (centred * scale * Float32.Load(gain, i)) + Float32.Load(bias, i));
        }
    }
}
