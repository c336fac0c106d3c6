using Handwritten.Kernels.Gpu.Compilation;
using ILGPU;

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
///                                 7   │              four steps on their way to shared memory
///
///     mma.sync: 16 or fewer rows of x · 8 outputs, 16 deep; then the warps' sums are added in shared memory, in order
/// </code>
/// <para>
/// Weights are asked for before the kernels in front are done (<see cref="PreviousKernels"/>): no kernel writes them. The
/// first four steps go to shared memory, the others to the L2 cache; what remains behind the wait is small. Few rows of x
/// come to shared memory, once for a block, so that behind the wait there is one round trip to the L2 cache, and a layer norm
/// may be done on the way (<see cref="ISkinnySource"/>). More rows are read by every warp, out of the L1 cache.
/// </para>
/// <para>
/// An mma.sync wants of lane 4g + t the elements 2t, 2t + 1, 2t + 8, 2t + 9 of k of row g of x and of output g. But the order
/// of k is free as long as both factors have the same: a lane reads its eight neighbouring elements k = 8t .. 8t + 7 with one
/// access, and hands them to two mma.sync in pairs.
/// </para>
/// <para>
/// Int8 weights (<see cref="Int8Matrix"/>) come the same way, 64 elements of k a step: a lane widens its 16 codes to elements in
/// registers, 20 instructions for float16 and 32 for bfloat16, hands them to four mma.sync, and the sum is scaled at the end.
/// That is half the bytes of float16, by blocks of half as many warps, of which twice as many wait at once.
/// </para>
/// Bytes: W once, x and y. 2 flops for each weight and row. How k is shared out depends on k alone, so a row's result is the
/// same bit by bit for any number of rows. float32 has no tensor cores here: see <see cref="MultiplyAdd"/>.
/// </summary>
internal sealed partial class SkinnyProduct<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    /// <summary>The most rows for which this is the right class; more are several blocks, which read the weights again.</summary>
    public const int MaximumRows = 64;

    private const int OutputsOfBlock = SkinnyTile.Outputs;
    private const int Step = 32;
    private const int MaximumWarps = SkinnyTile.MaximumWarps;
    private const int StagedRows = 8, StagedBytes = 24 << 10;
    private const int MultiplyAddThreads = 32 * OutputsOfBlock;

    private readonly KernelForms<Form, SkinnyLaunch> _kernels = new(Forms(device), form => Load(device, form));
    private readonly int[] _tiles = Tiles(device);

    /// <summary>Whether this is the class for a number of rows, and for their length.</summary>
    public static bool Fits(int rows, int inputs) => rows is >= 1 and <= MaximumRows && inputs % Step == 0;

    /// <summary>Multiplies.</summary>
    /// <param name="rows">1 or more.</param>
    /// <param name="x">[rows, inputs]; inputs are a multiple of 32, or of 64 with int8 weights.</param>
    /// <param name="weight">[outputs, inputs], of the compute type or an <see cref="Int8Matrix"/>.</param>
    /// <param name="bias">[outputs] float32, or none.</param>
    /// <param name="y">[rows, outputs], of the compute type or float32.</param>
    /// <param name="epilogue">What is stored.</param>
    /// <exception cref="ArgumentException">
    /// Sums go to a y that is not float32, there is no row, or rows are not made of whole steps.
    /// </exception>
    public void Run(int rows, GpuTensor x, GpuTensor weight, GpuTensor? bias, GpuTensor y, Epilogue epilogue)
    {
        int outputs = weight.Shape[0], inputs = weight.Shape[1];
        if (rows < 1 || inputs % StepOf(weight) != 0)
        {
            throw new ArgumentException($"A skinny product is made for rows of a multiple of {StepOf(weight)} elements, not for {rows} of {inputs}.");
        }

        bool isStaged = CanStage(rows, inputs);
        Launch(isStaged ? Source.Copied : Source.InPlace, isStaged ? StagedRows : TileFor(rows), rows, x, null, null, weight, bias, y, epilogue);
    }

    /// <summary>
    /// Whether to normalise rows in the product that takes them: every block does it anew, and reads the rows, gains and
    /// biases for it out of the L2 cache, which gives a multiprocessor 64 bytes a cycle. Up to 200 KB that is less than the 2 us
    /// of another launch: any product of a layer of large-v3 with up to 6 rows, and not the logits, whose blocks are thousands.
    /// </summary>
    public bool FitsNormed(int rows, GpuTensor weight)
    {
        int outputs = weight.Shape[0], inputs = weight.Shape[1];
        return CanStage(rows, inputs) && NormTeam.WarpsOf(inputs / 4) <= WarpsFor(inputs / StepOf(weight))
            && (long)Blocks(outputs) * ((4 * rows) + 8) * inputs <= (200L << 10) * device.Multiprocessors;
    }

    /// <summary>
    /// Multiplies what a layer norm makes of x, [rows, inputs] float32, where <see cref="FitsNormed"/>: the same bits as by
    /// two kernels.
    /// </summary>
    public void RunNormed(int rows, GpuTensor x, GpuTensor gain, GpuTensor shift, GpuTensor weight, GpuTensor? bias, GpuTensor y, Epilogue epilogue) =>
        Launch(Source.Normalised, StagedRows, rows, x, gain, shift, weight, bias, y, epilogue);

    private void Launch(Source source, int tile, int rows, GpuTensor x, GpuTensor? gain, GpuTensor? shift, GpuTensor weight, GpuTensor? bias, GpuTensor y, Epilogue epilogue)
    {
        int outputs = weight.Shape[0], inputs = weight.Shape[1];
        SkinnyLaunch kernel = _kernels[new Form(source, tile, weight.Type == DType.I8, epilogue, y.Type)];
        bool isSingle = TElement.Type == DType.F32;
        int warps = isSingle ? MultiplyAddThreads / 32 : WarpsFor(inputs / StepOf(weight));
        int staged = source == Source.InPlace ? 0 : rows * SkinnySource.Pitch(inputs / 8);
        SharedMemoryConfig shared = isSingle ? default : SharedMemoryConfig.RequestDynamic<Bits128>(SkinnyTile.SharedOf(tile, warps) + staged);
        KernelConfig grid = new(new Index2D(Blocks(outputs), (rows + tile - 1) / tile), new Index2D(32 * warps, 1), shared);
        kernel(device.Stream, grid, x.Vectors, weight.Vectors, new SkinnyOperands
        {
            Gain = VectorsOf(gain),
            Shift = VectorsOf(shift),
            Bias = VectorsOf(bias),
            Y = y.Vectors,
            Rows = rows,
            Eights = inputs / 8,
            Outputs = outputs,
        });
    }

    private static bool CanStage(int rows, int inputs) =>
        TElement.Type != DType.F32 && Fits(rows, inputs) && rows <= StagedRows && 16 * rows * SkinnySource.Pitch(inputs / 8) <= StagedBytes;

    private static int StepOf(GpuTensor weight) => weight.Type == DType.I8 ? Int8Matrix.Block : Step;

    private static int Blocks(int outputs) => (outputs + OutputsOfBlock - 1) / OutputsOfBlock;

    private static ArrayView<Bits128> VectorsOf(GpuTensor? tensor) => tensor is null ? ArrayView<Bits128>.Empty : tensor.Vectors;

    private int TileFor(int rows)
    {
        int i = 0;
        while (i < _tiles.Length - 1 && _tiles[i] < rows)
        {
            i++;
        }

        return _tiles[i];
    }

    /// <summary>
    /// Warps that need as few rounds of <see cref="SkinnyWeights.Steps"/> steps as the largest block does, and no more than
    /// that takes.
    /// </summary>
    private static int WarpsFor(int steps)
    {
        int rounds = (steps + (SkinnyWeights.Steps * MaximumWarps) - 1) / (SkinnyWeights.Steps * MaximumWarps);
        return (steps + (SkinnyWeights.Steps * rounds) - 1) / (SkinnyWeights.Steps * rounds);
    }

    private static void TensorCore<TCopy, TTensorCore, TFormat, TSource, TTile, TFinish>(ArrayView<Bits128> x, ArrayView<Bits128> weight, SkinnyOperands operands)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore
        where TFormat : struct, IWeightFormat
        where TSource : struct, ISkinnySource
        where TTile : struct, ISkinnyTile
        where TFinish : struct, ISkinnyFinish
    {
        ArrayView<Bits128> shared = SharedMemory.GetDynamic<Bits128>();
        SkinnyWeights weights = SkinnyWeights.Create<TFormat>(operands.Eights, operands.Outputs);
        weights.Load<TCopy>(weight, shared);
        weights.PrefetchOthers(weight);
        PreviousKernels.Wait();

        int end = SkinnyTile.SharedOf(TTile.Rows, Group.DimX / 32), firstRow = Grid.IdxY * TTile.Rows;
        ArrayView<Bits128> rows = TSource.Bring(x, shared.SubView(end), operands);
        TTile tile = default;
        tile.Begin(firstRow, operands.Rows, TSource.Pitch(operands.Eights));
        weights.MultiplyAll<TCopy, TTensorCore, TFormat, TTile>(ref tile, rows, weight, shared);
        SkinnyTile.Finish<TFormat, TTile, TFinish>(ref tile, shared.Cast<float>(), weight, operands, firstRow);
    }

    /// <summary>
    /// float32: a warp has one output and up to eight rows. Its lanes share out k, 4 elements each, and add what they have at
    /// the end by shuffles.
    /// </summary>
    private static void MultiplyAdd<TFormat, TRows, TFinish>(ArrayView<Bits128> x, ArrayView<Bits128> weight, SkinnyOperands operands)
        where TFormat : struct, IWeightFormat
        where TRows : struct, ISkinnyRows
        where TFinish : struct, ISkinnyFinish
    {
        int output = (Grid.IdxX * OutputsOfBlock) + (Group.IdxX / 32), fours = 2 * operands.Eights;
        if (output >= operands.Outputs)
        {
            return;
        }

        int firstRow = Grid.IdxY * TRows.Rows;
        TRows sums = default;
        sums.Begin(firstRow, operands.Rows, fours);
        PreviousKernels.Wait();
        for (int i = Warp.LaneIdx; i < fours; i += 32)
        {
            sums.MultiplyAdd(x, TFormat.FourOf(i), TFormat.LoadFour(weight, output, fours, i));
        }

        sums.Store<TFinish>(operands, firstRow, output, TFormat.LoadScale(weight, output, operands.Outputs, 4 * fours), operands.LoadBias(output));
    }
}
