using Handwritten.Kernels.Gpu.Compilation;
using ILGPU;
using Launcher = System.Action<
    ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig,
    ILGPU.ArrayView<int>, ILGPU.ArrayView<int>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>,
    ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, int, int>;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// x[row, :] = tokenTable[token of the row, :] + positionTable[position of the row, :]. The token table has the compute type
/// or is in int8 (it is also the matrix of the logits), the position table and x are float32.
/// <code>
///     block (256 threads): one row      thread t: elements t, t + 256, ...: whole sectors in each of the three types
/// </code>
/// Bytes: an element (or a byte) and a float32 to read and a float32 to write for each of rows · width elements; bound by the launch.
/// </summary>
internal sealed class Embedding<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = 256;

    private readonly KernelForms<bool, Launcher> _kernels =
        new([false, true], isInt8 => device.Kernels.Load<Launcher>(isInt8 ? Kernel<Int8Weights> : Kernel<ElementWeights<TElement>>, Threads));

    /// <summary>Embeds the rows of a pass.</summary>
    /// <param name="rows">Their tokens and positions, which have been uploaded.</param>
    /// <param name="tokenTable">[vocabulary, width].</param>
    /// <param name="positionTable">[positions, width] float32.</param>
    /// <param name="x">[rows, width] float32.</param>
    public void Run(GpuDecoderRows rows, GpuTensor tokenTable, GpuTensor positionTable, GpuTensor x)
    {
        if (rows.Count > 0)
        {
            _kernels[tokenTable.Type == DType.I8](
                device.Stream, (rows.Count, Threads), rows.DeviceTokens, rows.DevicePositions, tokenTable.Vectors, positionTable.Vectors, x.Vectors, tokenTable.Shape[0], tokenTable.Shape[1]);
        }
    }

    private static void Kernel<TFormat>(
        ArrayView<int> tokens, ArrayView<int> positions, ArrayView<Bits128> tokenTable, ArrayView<Bits128> positionTable, ArrayView<Bits128> x, int vocabulary, int width)
        where TFormat : struct, IWeightFormat
    {
        int row = Grid.IdxX, token = tokens[row], position = positions[row] * width;
        for (int i = Group.IdxX; i < width; i += Threads)
        {
            Float32.StoreOne(x, (row * width) + i, TFormat.LoadOne(tokenTable, token, i, vocabulary, width) + Float32.LoadOne(positionTable, position + i));
        }
    }
}
