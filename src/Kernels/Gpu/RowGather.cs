using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// y[i, :] = x[outputs[i], :]: the rows whose logits are wanted, out of the residual stream; both float32.
/// <code>
///     block (128 threads): one row      thread t: elements 4t .. 4t + 3, 4(t + 128) .., ...
/// </code>
/// Bytes: 8 for each of outputs · width elements; bound by the launch.
/// </summary>
internal sealed class RowGather<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = 128;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<int>, ArrayView<Bits128>, ArrayView<Bits128>, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<int>, ArrayView<Bits128>, ArrayView<Bits128>, int>>(Kernel, Threads));

    /// <summary>Gathers the rows of a pass whose logits are wanted.</summary>
    /// <param name="rows">The pass.</param>
    /// <param name="x">[rows, width] float32.</param>
    /// <param name="y">[outputs, width] float32.</param>
    public void Run(GpuDecoderRows rows, GpuTensor x, GpuTensor y)
    {
        if (rows.OutputCount > 0)
        {
            _kernel.Value(device.Stream, (rows.OutputCount, Threads), rows.DeviceOutputs, x.Vectors, y.Vectors, x.Shape[^1] / 4);
        }
    }

    private static void Kernel(ArrayView<int> outputs, ArrayView<Bits128> x, ArrayView<Bits128> y, int vectors)
    {
        int from = outputs[Grid.IdxX] * vectors, to = Grid.IdxX * vectors;
        for (int i = Group.IdxX; i < vectors; i += Threads)
        {
            y[to + i] = x[from + i];
        }
    }
}
