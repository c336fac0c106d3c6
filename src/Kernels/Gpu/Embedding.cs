using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// x[row, :] = tokenTable[token of the row, :] + positionTable[position of the row, :]. The token table has the compute type
/// (it is also the matrix of the logits), the position table and x are float32.
/// <code>
///     block (256 threads): one row      thread t: elements t, t + 256, ...: whole sectors in each of the three types
/// </code>
/// Bytes: an element and a float32 to read and a float32 to write for each of rows · width elements; bound by the launch.
/// </summary>
internal sealed class Embedding<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = 256;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<int>, ArrayView<int>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<int>, ArrayView<int>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int>>(Kernel, Threads));

    /// <summary>Embeds the rows of a pass.</summary>
    /// <param name="rows">Their tokens and positions, which have been uploaded.</param>
    /// <param name="tokenTable">[vocabulary, width].</param>
    /// <param name="positionTable">[positions, width] float32.</param>
    /// <param name="x">[rows, width] float32.</param>
    public void Run(GpuDecoderRows rows, GpuTensor tokenTable, GpuTensor positionTable, GpuTensor x)
    {
        if (rows.Count > 0)
        {
            _kernel.Value(device.Stream, (rows.Count, Threads), rows.DeviceTokens, rows.DevicePositions, tokenTable.Vectors, positionTable.Vectors, x.Vectors, tokenTable.Shape[^1]);
        }
    }

    private static void Kernel(ArrayView<int> tokens, ArrayView<int> positions, ArrayView<Bits128> tokenTable, ArrayView<Bits128> positionTable, ArrayView<Bits128> x, int width)
    {
        int row = Grid.IdxX;
        int token = tokens[row] * width, position = positions[row] * width;
        for (int i = Group.IdxX; i < width; i += Threads)
        {
            Float32.StoreOne(x, (row * width) + i, TElement.LoadOne(tokenTable, token + i) + Float32.LoadOne(positionTable, position + i));
        }
    }
}
