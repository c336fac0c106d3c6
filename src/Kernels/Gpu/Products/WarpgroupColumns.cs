using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// The columns of a tile of <see cref="WarpgroupProduct{TRows, TCore, TColumns, TOutput, TActivation}"/>, as a policy that is
/// compiled into the kernel: how many there are, and what has to be done for each 32 of them.
/// </summary>
internal interface ITileColumns
{
    /// <summary>How many: outputs of a tile.</summary>
    static abstract int Count { get; }

    /// <summary>Stages in shared memory.</summary>
    static abstract int Stages { get; }

    /// <summary>Waits until only the copies for stages that come later are under way.</summary>
    static abstract void WaitForStage();

    /// <summary>Declares the sums.</summary>
    static abstract void Declare();

    /// <summary>Begins to add a product of 16 elements of k to the sums.</summary>
    static abstract void MultiplyAdd<TCore>(ulong a, ulong b)
        where TCore : struct, IWarpgroupCore;

    /// <summary>Begins the copies of the columns' weights to a stage.</summary>
    static abstract void Copy(WeightCopy copy, int place, int chunk);

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

/// <summary>What a thread copies of the weights: of each 32 outputs of a tile, one row's chunk.</summary>
internal struct WeightCopy(ArrayView<Bits128> weight, int output, int outputs, int chunks)
{
    public ArrayView<Bits128> Weight = weight;
    public int Outputs = outputs - output; // so many are left, from the thread's first on
    public int Chunks = chunks;            // of a row
    public int Base = output * chunks;     // where the thread's first row begins

    /// <summary>Begins the copy for 32 of the outputs.</summary>
    /// <param name="place">Address in shared memory, for the tile's first outputs.</param>
    /// <param name="first">The first of the 32, in the tile.</param>
    /// <param name="chunk">Which chunk of the row; beyond its end, zeros.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Begin(int place, int first, int chunk) => AsynchronousCopy.Copy(
        place + (first * SharedMatrix.RowBytes), Weight, Base + (first * Chunks) + chunk, first < Outputs & chunk < Chunks ? 16 : 0);
}

/// <summary>128 columns: 64 sums a thread. Two blocks share a multiprocessor, so that one multiplies while the other one stores.</summary>
internal readonly struct Columns128 : ITileColumns
{
    public static int Count
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
    public static void Copy(WeightCopy copy, int place, int chunk)
    {
        copy.Begin(place, 0, chunk);
        copy.Begin(place, 32, chunk);
        copy.Begin(place, 64, chunk);
        copy.Begin(place, 96, chunk);
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

/// <summary>256 columns: 128 sums a thread, and a multiprocessor for each block. A third less has to come from the L2 cache.</summary>
internal readonly struct Columns256 : ITileColumns
{
    public static int Count
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
    public static void Copy(WeightCopy copy, int place, int chunk)
    {
        Columns128.Copy(copy, place, chunk);
        copy.Begin(place, 128, chunk);
        copy.Begin(place, 160, chunk);
        copy.Begin(place, 192, chunk);
        copy.Begin(place, 224, chunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fill<TOutput>(ProductResult result, int column)
        where TOutput : struct, IOutput
    {
        Columns128.Fill<TOutput>(result, column);
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
        Columns128.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums4>.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums5>.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums6>.Store<TOutput, TActivation>(result, row, column);
        ColumnSums<Sums7>.Store<TOutput, TActivation>(result, row, column);
    }
}

/// <summary>The sums of 32 columns, between their registers and memory.</summary>
internal static class ColumnSums<TRegisters>
    where TRegisters : struct, ISumRegisters
{
    /// <inheritdoc cref="ITileColumns.Fill"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fill<TOutput>(ProductResult result, int column)
        where TOutput : struct, IOutput
    {
        StripSums sums = default;
        sums.Fill(TOutput.LoadBias(result, column + TRegisters.First));
        TRegisters.Write(ref sums);
    }

    /// <inheritdoc cref="ITileColumns.Store"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation
    {
        StripSums sums = default;
        TRegisters.Read(ref sums);
        sums.Store<TOutput, TActivation>(result, row, column + TRegisters.First);
    }
}
