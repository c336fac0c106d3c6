using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A tile of <see cref="WarpgroupProduct{TRows, TCore, TTile, TOutput, TActivation}"/>, as a policy that is compiled into the
/// kernel: how large it is, and what its size decides. Each of its warpgroups has 64 rows and all columns.
/// </summary>
internal interface IWarpgroupTile
{
    /// <summary>Rows: 64 for each warpgroup.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns, a multiple of 32.</summary>
    static abstract int Columns { get; }

    /// <summary>Stages in shared memory, at least three: one is multiplied, one still read, the others are on their way.</summary>
    static abstract int Stages { get; }

    /// <summary>Waits until only copies for later stages are under way.</summary>
    static abstract void WaitForStage();

    /// <summary>Declares the sums.</summary>
    static abstract void Declare();

    /// <summary>Begins to add a product of 16 elements of k to the sums.</summary>
    static abstract void MultiplyAdd<TCore>(ulong a, ulong b)
        where TCore : struct, IWarpgroupCore;

    /// <summary>What a thread copies of the weights.</summary>
    /// <param name="weight">W.</param>
    /// <param name="column">The tile's first column.</param>
    /// <param name="line">The thread's row of all that are copied at once.</param>
    /// <param name="outputs">Rows of W.</param>
    /// <param name="chunks">Chunks of a row.</param>
    static abstract WeightCopy Weights<TOutput>(ArrayView<Bits128> weight, int column, int line, int outputs, int chunks)
        where TOutput : struct, IOutput;

    /// <summary>Begins the copies of the weights to a stage.</summary>
    /// <param name="weights">What to copy.</param>
    /// <param name="place">Where the thread's first chunk goes.</param>
    /// <param name="chunk">Which chunk of each row.</param>
    static abstract void Copy(WeightCopy weights, int place, int chunk);

    /// <summary>Has the sums begin with the bias.</summary>
    static abstract void Fill<TOutput>(ProductResult result, int column)
        where TOutput : struct, IOutput;

    /// <summary>Finishes the sums and stores them.</summary>
    /// <param name="result">Where to.</param>
    /// <param name="row">This lane's first row of the result.</param>
    /// <param name="column">Where this lane's first columns begin, as the output policy deals them.</param>
    static abstract void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation;
}

/// <summary>Two warpgroups of 128 columns: 64 sums a thread. Two blocks share a multiprocessor, so that one multiplies while the other one stores.</summary>
internal readonly struct Tile128x128 : IWarpgroupTile
{
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 128;
    }

    public static int Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 128;
    }

    public static int Stages
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForStage() => AsynchronousCopy.WaitForAll();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare() => Warpgroup.Declare128();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TCore>(ulong a, ulong b)
        where TCore : struct, IWarpgroupCore => TCore.MultiplyAdd128(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WeightCopy Weights<TOutput>(ArrayView<Bits128> weight, int column, int line, int outputs, int chunks)
        where TOutput : struct, IOutput
    {
        WeightCopy weights = default;
        weights.Weight = weight;
        weights.Chunks = chunks;
        int first = column + TOutput.Deal(line); // 32 rows at once
        weights.Base = first * chunks;
        weights.Left = outputs - first;
        return weights;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(WeightCopy weights, int place, int chunk)
    {
        weights.Begin(place, 0, chunk);
        weights.Begin(place + (32 * SharedMatrix.RowBytes), 32, chunk);
        weights.Begin(place + (64 * SharedMatrix.RowBytes), 64, chunk);
        weights.Begin(place + (96 * SharedMatrix.RowBytes), 96, chunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fill<TOutput>(ProductResult result, int column)
        where TOutput : struct, IOutput
    {
        ColumnSums<Sums0>.Fill<TOutput>(result, column);
        ColumnSums<Sums1>.Fill<TOutput>(result, column);
        ColumnSums<Sums2>.Fill<TOutput>(result, column);
        ColumnSums<Sums3>.Fill<TOutput>(result, column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation
    {
        ColumnSums<Sums0>.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums1>.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums2>.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums3>.Store<TOutput, TActivation>(result, row, column);
    }
}

/// <summary>Two warpgroups of 256 columns: 128 sums a thread, and a block has a multiprocessor for itself. Three quarters of the traffic for each product.</summary>
internal readonly struct Tile128x256 : IWarpgroupTile
{
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 128;
    }

    public static int Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 256;
    }

    public static int Stages
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForStage() => AsynchronousCopy.WaitForAllButOne();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare() => Warpgroup.Declare256();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TCore>(ulong a, ulong b)
        where TCore : struct, IWarpgroupCore => TCore.MultiplyAdd256(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WeightCopy Weights<TOutput>(ArrayView<Bits128> weight, int column, int line, int outputs, int chunks)
        where TOutput : struct, IOutput => Tile128x128.Weights<TOutput>(weight, column, line, outputs, chunks);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(WeightCopy weights, int place, int chunk)
    {
        Tile128x128.Copy(weights, place, chunk);
        weights.Begin(place + (128 * SharedMatrix.RowBytes), 128, chunk);
        weights.Begin(place + (160 * SharedMatrix.RowBytes), 160, chunk);
        weights.Begin(place + (192 * SharedMatrix.RowBytes), 192, chunk);
        weights.Begin(place + (224 * SharedMatrix.RowBytes), 224, chunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fill<TOutput>(ProductResult result, int column)
        where TOutput : struct, IOutput
    {
        Tile128x128.Fill<TOutput>(result, column);
        ColumnSums<Sums4>.Fill<TOutput>(result, column);
        ColumnSums<Sums5>.Fill<TOutput>(result, column);
        ColumnSums<Sums6>.Fill<TOutput>(result, column);
        ColumnSums<Sums7>.Fill<TOutput>(result, column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation
    {
        Tile128x128.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums4>.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums5>.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums6>.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums7>.Store<TOutput, TActivation>(result, row, column);
    }
}

/// <summary>Three warpgroups of 256 columns: all of a multiprocessor's registers and shared memory, for 58 % of the traffic.</summary>
internal readonly struct Tile192x256 : IWarpgroupTile
{
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 192;
    }

    public static int Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 256;
    }

    public static int Stages
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForStage() => AsynchronousCopy.WaitForAllButOne();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare() => Warpgroup.Declare256();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TCore>(ulong a, ulong b)
        where TCore : struct, IWarpgroupCore => TCore.MultiplyAdd256(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WeightCopy Weights<TOutput>(ArrayView<Bits128> weight, int column, int line, int outputs, int chunks)
        where TOutput : struct, IOutput
    {
        WeightCopy weights = default;
        weights.Weight = weight;
        weights.Chunks = chunks;
        int first = column + (line & 32) + TOutput.Deal(line & 31); // 48 rows at once: 0 to 47, 96 to 143, 192 to 239,
        int half = line + 16;                                       // and 48 to 95, 144 to 191, 240 to 255
        int other = column + 32 + (half & 32) + TOutput.Deal(half & 31);
        weights.Base = first * chunks;
        weights.Left = outputs - first;
        weights.OtherBase = other * chunks;
        weights.OtherLeft = outputs - other;
        weights.HasLast = line < 16 ? 1 : 0;
        return weights;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(WeightCopy weights, int place, int chunk)
    {
        weights.Begin(place, 0, chunk);
        weights.BeginOther(place + (48 * SharedMatrix.RowBytes), 0, chunk);
        weights.Begin(place + (96 * SharedMatrix.RowBytes), 96, chunk);
        weights.BeginOther(place + (144 * SharedMatrix.RowBytes), 96, chunk);
        weights.Begin(place + (192 * SharedMatrix.RowBytes), 192, chunk);
        weights.BeginLast(place + (240 * SharedMatrix.RowBytes), 192, chunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fill<TOutput>(ProductResult result, int column)
        where TOutput : struct, IOutput => Tile128x256.Fill<TOutput>(result, column);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation => Tile128x256.Store<TOutput, TActivation>(result, row, column);
}
