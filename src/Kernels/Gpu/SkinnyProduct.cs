using Handwritten.Kernels.Gpu.Compilation;
using ILGPU;
using Launcher = System.Action<
    ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig,
    ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>,
    ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, int, int, int>;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// y = x Wᵀ + b for 1 to 64 rows: the products of a decoding step. Their time is that of reading W, once; everything serves
/// to have as much of it as possible on its way. A multiprocessor's tensor cores multiply much faster than its share of the
/// weights arrives, so with 16-bit elements they do it even for one row.
/// <code>
///     block: 8 outputs             W   k ──────────────────────────────────────────►     step: 32 elements of k
///                          output 0   │warp 0│warp 1│ ... │warp 0│warp 1│ ...            64 contiguous bytes of
///     warp w: the steps           1   │  "      "           "      "                     each output, 16 a thread
///     w, w + warps, ...           …   │
///                                 7   │              four steps in flight a warp
///
///     mma.sync: 16 or fewer rows of x · 8 outputs, 16 deep; then the warps' sums are added in shared memory, in order
/// </code>
/// <para>
/// No element passes through shared memory. An mma.sync wants of lane 4g + t the elements 2t, 2t + 1, 2t + 8, 2t + 9 of k of
/// row g of x and of output g. But the order of k is free as long as both factors have the same: a lane reads its eight
/// neighbouring elements k = 8t.. 8t + 7 with one access, and hands them to two mma.sync in pairs.
/// </para>
/// Bytes: W once, x and y; x is read by every warp, out of the L1 cache. 2 flops for each weight and row. How k is shared out
/// depends on k alone, so a row's result is the same bit by bit for any number of rows. float32 has no tensor cores here:
/// see <see cref="MultiplyAdd"/>.
/// </summary>
internal sealed class SkinnyProduct<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    /// <summary>The most rows.</summary>
    public const int MaximumRows = 64;

    private const int OutputsOfBlock = 8;
    private const int Step = 32;
    private const int StepsInFlight = 4;
    private const int MaximumWarps = 16;
    private const int MultiplyAddThreads = 32 * OutputsOfBlock;

    private readonly KernelForms<(int Tile, Epilogue Epilogue, DType Result), Launcher> _kernels = new(Forms(device), form => Load(device, form.Tile, form.Epilogue, form.Result));

    private readonly int[] _tiles = Tiles(device);

    /// <summary>Whether this is the class for so many rows of so many elements.</summary>
    public static bool Fits(int rows, int inputs) => rows is >= 1 and <= MaximumRows && inputs % Step == 0;

    /// <summary>Multiplies.</summary>
    /// <param name="rows">1 to 64.</param>
    /// <param name="x">[rows, inputs]; inputs are a multiple of 32.</param>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs] float32, or none.</param>
    /// <param name="y">[rows, outputs], of the compute type or float32.</param>
    /// <param name="epilogue">What is stored.</param>
    /// <exception cref="ArgumentException">Sums go to a y that is not float32, or the sizes are others.</exception>
    public void Run(int rows, GpuTensor x, GpuTensor weight, GpuTensor? bias, GpuTensor y, Epilogue epilogue)
    {
        int outputs = weight.Shape[0], inputs = weight.Shape[1];
        if (!Fits(rows, inputs))
        {
            throw new ArgumentException($"A skinny product is made for 1 to {MaximumRows} rows of a multiple of {Step} elements, not for {rows} of {inputs}.");
        }

        bool isSingle = TElement.Type == DType.F32;
        int tile = TileFor(rows);
        Launcher kernel = _kernels[(tile, epilogue, y.Type)];

        int blocks = (outputs + OutputsOfBlock - 1) / OutputsOfBlock;
        KernelConfig grid = isSingle
            ? new(new Index2D(blocks, (rows + tile - 1) / tile), new Index2D(MultiplyAddThreads, 1))
            : new(new Index2D(blocks, (rows + tile - 1) / tile), new Index2D(32 * WarpsFor(inputs / Step), 1));
        ArrayView<Bits128> biases = bias is null ? ArrayView<Bits128>.Empty : bias.Vectors;
        kernel(device.Stream, grid, x.Vectors, weight.Vectors, biases, y.Vectors, rows, inputs / 8, outputs);
    }

    /// <summary>Every form that <see cref="Run"/> asks for.</summary>
    private static IEnumerable<(int Tile, Epilogue Epilogue, DType Result)> Forms(GpuDevice device) =>
        from tile in Tiles(device)
        from end in ((Epilogue Epilogue, DType Result)[])[(Epilogue.None, TElement.Type), (Epilogue.None, DType.F32), (Epilogue.Gelu, TElement.Type), (Epilogue.Gelu, DType.F32), (Epilogue.AddToOutput, DType.F32)]
        group end by (tile, end.Epilogue, end.Result) into form
        select form.Key;

    /// <summary>Rows of a block, ascending. More rows than the last are several blocks, which find the weights in the L2 cache.</summary>
    private static int[] Tiles(GpuDevice device) => TElement.Type == DType.F32
        ? [1, 2, 4, 8]
        : device.ComputeCapability >= 80 ? [8, 16, 32, 64] : [8, 16, 32]; // Turing's instructions keep more registers busy

    private int TileFor(int rows)
    {
        int i = 0;
        while (i < _tiles.Length - 1 && _tiles[i] < rows)
        {
            i++;
        }

        return _tiles[i];
    }

    /// <summary>Warps that need as few rounds of <see cref="StepsInFlight"/> steps as the largest block does, and no more than that takes.</summary>
    private static int WarpsFor(int steps)
    {
        int rounds = (steps + (StepsInFlight * MaximumWarps) - 1) / (StepsInFlight * MaximumWarps);
        return (steps + (StepsInFlight * rounds) - 1) / (StepsInFlight * rounds);
    }

    private static Launcher Load(GpuDevice device, int tile, Epilogue epilogue, DType result) => (epilogue, result) switch
    {
        (Epilogue.None, DType.F32) => Load<Stored<Float32, Identity>>(device, tile),
        (Epilogue.None, _) => Load<Stored<TElement, Identity>>(device, tile),
        (Epilogue.Gelu, DType.F32) => Load<Stored<Float32, Gelu>>(device, tile),
        (Epilogue.Gelu, _) => Load<Stored<TElement, Gelu>>(device, tile),
        (Epilogue.AddToOutput, DType.F32) => Load<Added>(device, tile),
        _ => throw new ArgumentException($"A product's sums go to a float32 tensor, not to one of {result}."),
    };

    private static Launcher Load<TFinish>(GpuDevice device, int tile)
        where TFinish : struct, ISkinnyFinish => TElement.Type switch
        {
            DType.F32 => tile switch
            {
                1 => LoadMultiplyAdd<OneRow, TFinish>(device),
                2 => LoadMultiplyAdd<TwiceRows<OneRow>, TFinish>(device),
                4 => LoadMultiplyAdd<TwiceRows<TwiceRows<OneRow>>, TFinish>(device),
                _ => LoadMultiplyAdd<TwiceRows<TwiceRows<TwiceRows<OneRow>>>, TFinish>(device),
            },
            DType.BF16 => LoadTensorCore<AmpereBFloat16, TFinish>(device, tile),
            _ when device.ComputeCapability >= 80 => LoadTensorCore<AmpereFloat16, TFinish>(device, tile),
            _ => LoadTensorCore<TuringFloat16, TFinish>(device, tile),
        };

    private static Launcher LoadTensorCore<TTensorCore, TFinish>(GpuDevice device, int tile)
        where TTensorCore : struct, ITensorCore
        where TFinish : struct, ISkinnyFinish => tile switch
        {
            8 => device.Kernels.Load<Launcher>(TensorCore<TTensorCore, EightRows, TFinish>, 32 * MaximumWarps),
            16 => device.Kernels.Load<Launcher>(TensorCore<TTensorCore, SixteenRows, TFinish>, 32 * MaximumWarps),
            32 => device.Kernels.Load<Launcher>(TensorCore<TTensorCore, TwiceTile<SixteenRows>, TFinish>, 32 * MaximumWarps),
            _ => device.Kernels.Load<Launcher>(TensorCore<TTensorCore, TwiceTile<TwiceTile<SixteenRows>>, TFinish>, 32 * MaximumWarps),
        };

    private static Launcher LoadMultiplyAdd<TRows, TFinish>(GpuDevice device)
        where TRows : struct, ISkinnyRows
        where TFinish : struct, ISkinnyFinish =>
        device.Kernels.Load<Launcher>(MultiplyAdd<TRows, TFinish>, MultiplyAddThreads);

    private static void TensorCore<TTensorCore, TTile, TFinish>(
        ArrayView<Bits128> x, ArrayView<Bits128> weight, ArrayView<Bits128> bias, ArrayView<Bits128> y, int rows, int eights, int outputs)
        where TTensorCore : struct, ITensorCore
        where TTile : struct, ISkinnyTile
        where TFinish : struct, ISkinnyFinish
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(MaximumWarps * 2 * ((TTile.Rows * 4) + SkinnyTile.Gap));
        int warp = Group.IdxX / 32, warps = Group.DimX / 32, lane = Warp.LaneIdx;
        int steps = eights / 4, firstOutput = Grid.IdxX * OutputsOfBlock;
        int from = (IntrinsicMath.Min(firstOutput + (lane / 4), outputs - 1) * eights) + (lane & 3);
        TTile tile = default;
        int firstRow = Grid.IdxY * TTile.Rows;
        tile.Begin(firstRow, rows, eights);
        for (int step = warp; step < steps; step += StepsInFlight * warps)
        {
            // Steps behind the end stand for the last one again, with weights of zero.
            int step1 = step + warps, step2 = step1 + warps, step3 = step2 + warps;
            int at1 = 4 * IntrinsicMath.Min(step1, steps - 1), at2 = 4 * IntrinsicMath.Min(step2, steps - 1), at3 = 4 * IntrinsicMath.Min(step3, steps - 1);
            Bits128 w0 = weight[from + (4 * step)], w1 = weight[from + at1], w2 = weight[from + at2], w3 = weight[from + at3];
            Warp.Barrier(); // nothing to wait for, but the compiler would move loads down to where they are used, to save registers
            tile.MultiplyAdd<TTensorCore>(x, 4 * step, w0);
            tile.MultiplyAdd<TTensorCore>(x, at1, SkinnyTile.If(step1 < steps, w1));
            tile.MultiplyAdd<TTensorCore>(x, at2, SkinnyTile.If(step2 < steps, w2));
            tile.MultiplyAdd<TTensorCore>(x, at3, SkinnyTile.If(step3 < steps, w3));
        }

        int plane = (TTile.Rows * 4) + SkinnyTile.Gap;
        tile.Save(shared, (warp * 2 * plane) + lane, plane);
        Group.Barrier();
        for (int i = Group.IdxX; i < IntrinsicMath.Min(rows - firstRow, TTile.Rows) * OutputsOfBlock; i += Group.DimX)
        {
            int row = i / OutputsOfBlock, column = i & (OutputsOfBlock - 1), output = firstOutput + column;
            int at = ((column & 1) * plane) + (row * 4) + (column / 2);
            float sum = 0;
            for (int part = 0; part < warps; part++)
            {
                sum += shared[(part * 2 * plane) + at];
            }

            if (output < outputs)
            {
                TFinish.Store(y, ((long)(firstRow + row) * outputs) + output, sum + SkinnyTile.Bias(bias, output));
            }
        }
    }

    /// <summary>
    /// float32: a warp has one output and up to eight rows. Its lanes share out k, 4 elements each, and add what they have at
    /// the end by shuffles.
    /// </summary>
    private static void MultiplyAdd<TRows, TFinish>(
        ArrayView<Bits128> x, ArrayView<Bits128> weight, ArrayView<Bits128> bias, ArrayView<Bits128> y, int rows, int eights, int outputs)
        where TRows : struct, ISkinnyRows
        where TFinish : struct, ISkinnyFinish
    {
        int output = (Grid.IdxX * OutputsOfBlock) + (Group.IdxX / 32), fours = 2 * eights;
        if (output >= outputs)
        {
            return;
        }

        int firstRow = Grid.IdxY * TRows.Rows, from = output * fours;
        TRows sums = default;
        sums.Begin(firstRow, rows, fours);
        for (int four = Warp.LaneIdx; four < fours; four += 32)
        {
            sums.MultiplyAdd(x, four, weight[from + four]);
        }

        sums.Store<TFinish>(y, firstRow, rows, output, outputs, SkinnyTile.Bias(bias, output));
    }
}
