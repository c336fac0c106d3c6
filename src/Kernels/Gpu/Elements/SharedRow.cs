using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A row that neighbouring threads share, eight elements a thread. Each access of all threads takes one piece of memory, so
/// that sectors are used whole and no two threads ask the same bank of shared memory for different words:
/// <code>
///     16 bits    |0 ... 7|8 ... 15| ...                      thread 0, 1, ...: eight neighbours, one access
///     float32    |0..3|4..7| ... |32..35|36..39| ...         thread 0, 1, ..., and again 0, 1, ...: two times four, two accesses
/// </code>
/// </summary>
internal static class SharedRow
{
    /// <summary>Reads a thread's eight elements.</summary>
    /// <param name="source">Rows, one behind the other.</param>
    /// <param name="row">Which row.</param>
    /// <param name="thread">Which thread.</param>
    /// <param name="threads">How many share a row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight Load<TElement>(ArrayView<Bits128> source, long row, int thread, int threads)
        where TElement : struct, IElement
    {
        long first = (row * threads * TElement.Vectors) + thread;
        if (TElement.Vectors == 1)
        {
            return TElement.Load(source, first);
        }

        Four low = Four.Load(source, first), high = Four.Load(source, first + threads);
        return new Eight(low.X, low.Y, low.Z, low.W, high.X, high.Y, high.Z, high.W);
    }

    /// <summary>Writes a thread's eight elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TElement>(ArrayView<Bits128> target, long row, int thread, int threads, Eight values)
        where TElement : struct, IElement
    {
        long first = (row * threads * TElement.Vectors) + thread;
        if (TElement.Vectors == 1)
        {
            TElement.Store(target, first, values);
        }
        else
        {
            TElement.StoreFour(target, first, new Four(values.X0, values.X1, values.X2, values.X3));
            TElement.StoreFour(target, first + threads, new Four(values.X4, values.X5, values.X6, values.X7));
        }
    }
}
