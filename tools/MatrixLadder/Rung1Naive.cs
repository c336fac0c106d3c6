using ILGPU;

namespace Handwritten.MatrixLadder;

/// <summary>
/// The formula as it stands: a thread for each y[row, output] = Σ_k x[row, k] · W[output, k].
/// <code>
///     a warp:  32 outputs of a row         step k:  x[row, k]       one number for all lanes: 1 sector of 32 bytes
///                                                   W[output, k]    32 rows of W: 32 sectors for 128 bytes
/// </code>
/// Each lane walks along a row of W of its own, so what the warp asks for in one instruction lies in 32 places, and memory
/// delivers nothing smaller than 32 bytes. The next seven steps find the rest of the sectors in a cache, if they are lucky.
/// </summary>
internal static class Rung1Naive
{
    public const int Threads = 256;

    public static void Kernel(ArrayView<float> x, ArrayView<float> weight, ArrayView<float> y, int outputs, int inputs)
    {
        int output = (Grid.IdxX * 32) + (Group.IdxX & 31), row = (Grid.IdxY * 8) + (Group.IdxX >> 5);
        float sum = 0;
        for (int k = 0; k < inputs; k++)
        {
            sum += x[(row * inputs) + k] * weight[(output * inputs) + k];
        }

        y[(row * outputs) + output] = sum;
    }
}
