using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// W = scale · codes, in the compute type: what a product of many rows reads instead of int8 weights. Its tiles are bound by the
/// multiplications, and copy weights to shared memory without looking at them; to widen them there would be work for every tile
/// of rows, and here it is done once.
/// <code>
///     thread: four words of four codes, 256 words apart      1024 words of a block, in the order of memory
/// </code>
/// Bytes: one to read and an element to write for each weight; bound by memory. The matrix goes to one piece of memory, made
/// for the largest when weights are loaded, out of which the product behind reads it before the next one is widened: that is at
/// most 13 MB of float16 (large-v3's), so it hardly leaves an L2 cache of 50 MB.
/// </summary>
internal sealed class Int8Widening<TElement>(GpuDevice device) : IDisposable
    where TElement : struct, IElement
{
    private const int Threads = 256, WordsOfBlock = 4 * Threads;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, int, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, int, int>>(Kernel, Threads));

    // The last is the largest; those before stay, since a recorded pass may hold their address.
    private readonly List<GpuTensor> _memory = [];

    /// <summary>Makes room for a matrix: while weights are loaded, not later.</summary>
    public void Reserve(int outputs, int inputs)
    {
        if (_memory.Count == 0 || _memory[^1].ElementCount < (long)outputs * inputs)
        {
            _memory.Add(new GpuTensor(device, TElement.Type, [outputs, inputs], "widened weights"));
        }
    }

    /// <summary>Widens a matrix.</summary>
    /// <param name="matrix">An <see cref="Int8Matrix"/> for which there is room.</param>
    /// <returns>[outputs, inputs] of the compute type, until the next is widened.</returns>
    public ArrayView<Bits128> Run(GpuTensor matrix)
    {
        int outputs = matrix.Shape[0], words = matrix.Shape[1] / 4;
        ArrayView<Bits128> widened = _memory[^1].Vectors;
        _kernel.Value(device.Stream, (((outputs * words) + WordsOfBlock - 1) / WordsOfBlock, Threads), matrix.Vectors, widened, outputs, words);
        return widened;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.ForEach(memory => memory.Dispose());

    private static void Kernel(ArrayView<Bits128> matrix, ArrayView<Bits128> widened, int outputs, int words)
    {
        int first = (Grid.IdxX * WordsOfBlock) + Group.IdxX, count = outputs * words;
        Four a = Load(matrix, first, outputs, words), b = Load(matrix, first + Threads, outputs, words);
        Four c = Load(matrix, first + (2 * Threads), outputs, words), d = Load(matrix, first + (3 * Threads), outputs, words);
        PreviousKernels.Wait(); // which may still read what was widened last
        Store(widened, first, count, a);
        Store(widened, first + Threads, count, b);
        Store(widened, first + (2 * Threads), count, c);
        Store(widened, first + (3 * Threads), count, d);
    }

    /// <summary>Four weights; those of the last word behind the end.</summary>
    private static Four Load(ArrayView<Bits128> matrix, int word, int outputs, int words)
    {
        word = IntrinsicMath.Min(word, (outputs * words) - 1);
        return Int8Matrix.Numbers(matrix.Cast<uint>()[word]) * Int8Matrix.Scale(matrix, word / words, outputs, 4 * words);
    }

    /// <summary>Rows are whole blocks of 16 words, so words are in the same order within all rows together.</summary>
    private static void Store(ArrayView<Bits128> widened, int word, int count, Four weights)
    {
        if (word < count)
        {
            TElement.StoreFour(widened, Int8Matrix.FourOf(word), weights);
        }
    }
}
