using Handwritten.Kernels.Gpu;
using ILGPU;

namespace Handwritten.MatrixLadder;

/// <summary>
/// The same, but each lane reads 16 bytes at a time: four steps of k by one instruction.
/// <code>
///     W[output, k .. k + 3]    32 sectors for 512 bytes instead of four times 32 for 128
/// </code>
/// A quarter of the loads, and half of each sector is used at once. Nothing else changed: every number of x and W still comes
/// from memory, or a cache, once for each product it is in.
/// </summary>
internal static class Rung2Wide
{
    public const int Threads = Rung1Naive.Threads;

    public static void Kernel(ArrayView<float> x, ArrayView<float> weight, ArrayView<float> y, int outputs, int inputs)
    {
        int output = (Grid.IdxX * 32) + (Group.IdxX & 31), row = (Grid.IdxY * 8) + (Group.IdxX >> 5);
        ArrayView<Bits128> chunksOfX = x.Cast<Bits128>(), chunksOfW = weight.Cast<Bits128>();
        float sum = 0;
        for (int k = 0; k < inputs / 4; k++)
        {
            sum += (Four.Load(chunksOfX, (row * inputs / 4) + k) * Four.Load(chunksOfW, (output * inputs / 4) + k)).Sum();
        }

        y[(row * outputs) + output] = sum;
    }
}
