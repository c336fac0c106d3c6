using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

// y = (x − mean) / sqrt(variance + 1e-5) · gain + bias over each row; x is the float32 residual stream, y has the compute
// type.
//
//     a team of 1 to 16 warps: one row at a time     a thread: 2 fours of the row, in registers from beginning to end
//
//     row      |0    |4    ...  |128  |132  ...      fours of 16 bytes: a warp's 32 lie side by side
//     thread    0     1          0     1             so that each load takes 512 bytes in a piece
//
//     block    1 team, where rows are few (a decoder step): the row is spread over as many threads as it has fours
//              256 threads of teams, where they are many (the encoder): each team goes on from row to row
//
// One pass over memory: the row is read once, then mean and variance are computed from registers, the latter from the
// distances to the mean (the sum of squares alone would cancel). Gain and bias are read once for all rows of a team. Two
// barriers a row bring a team's sums together, added in the same order whatever the block and the grid are: a row's
// result does not depend on how many rows there are.
//
// Bytes: 4 to read and the element to write for each of rows · width elements; bound by memory. In a decoder step the
// rows are a few KB, and the time is that of one round trip to memory and a launch.
//
// The sum that comes before a norm is not in here: the product before adds to the residual stream as it stores
// (Epilogue.AddToOutput), and reads and writes 8 bytes for it. A norm that added would have to read the product's result
// and the stream, and to write the stream: 18 bytes an element for both kernels instead of 14.

/// <summary>Layer norm; see <see cref="IKernels.LayerNorm"/>.</summary>
internal sealed class LayerNormalization<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int WarpSize = NormTeam.WarpSize;
    private const int ManyThreads = 256, MaximumThreads = 512, MaximumWarps = NormTeam.MaximumWarps;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int, int, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<Bits128>, int, int, int>>(LayerNormKernel, MaximumThreads));

    /// <summary>Normalises the first rows. x: [rows, width] float32, y: [rows, width].</summary>
    /// <exception cref="ArgumentException">The width is no multiple of 8, or above 4096.</exception>
    public void Run(int rows, GpuTensor x, GpuTensor gain, GpuTensor bias, GpuTensor y)
    {
        int width = (int)gain.ElementCount, fours = width / 4, warps = NormTeam.WarpsOf(fours);
        if (width % 8 != 0 || warps > MaximumWarps)
        {
            throw new ArgumentException($"A layer norm on a GPU needs rows of a multiple of 8 elements, {4 * NormTeam.FoursOfWarp * MaximumWarps} at most, but got {width}.", nameof(gain));
        }

        if (rows == 0)
        {
            return;
        }

        int teams = rows <= 2 * device.Multiprocessors ? 1 : Math.Max(1, ManyThreads / (warps * WarpSize));
        int threads = teams * warps * WarpSize;
        int blocks = Math.Min((rows + teams - 1) / teams, Math.Max(1, device.ThreadsAtOnce / threads));
        _kernel.Value(device.Stream, (blocks, threads), x.Vectors, gain.Vectors, bias.Vectors, y.Vectors, rows, fours, warps);
    }

    private static void LayerNormKernel(ArrayView<Bits128> x, ArrayView<Bits128> gain, ArrayView<Bits128> bias, ArrayView<Bits128> y, int rows, int fours, int warps)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(MaximumWarps), squares = SharedMemory.Allocate<float>(MaximumWarps);
        NormTeam team = NormTeam.Create(fours, warps);
        NormPart gains = team.Load(gain, 0), biases = team.Load(bias, 0);
        int teams = Group.DimX / WarpSize / warps;
        for (int first = Grid.IdxX * teams; first < rows; first += Grid.DimX * teams)
        {
            int row = first + team.Number;
            NormPart part = row < rows ? team.Load(x, (long)row * fours) : default;
            part = team.Standardise(part, sums, squares).Scale(gains, biases);
            if (row < rows)
            {
                team.Store<TElement>(y, (long)row * fours, part);
            }
        }
    }
}
