using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Warpgroups of 256 columns: 128 sums a thread, and a block has a multiprocessor for itself. Two of them have three quarters of
/// the traffic of <see cref="Tile128x128"/> for each product, three have 58 %, and take all registers and shared memory there are.
/// </summary>
/// <typeparam name="TTeam">How many warpgroups, and how they share the copying.</typeparam>
internal readonly struct WideTile<TTeam> : IWarpgroupTile
    where TTeam : struct, IWarpgroupTeam
{
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TTeam.Rows;
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
        where TOutput : struct, IOutput => TTeam.Weights<TOutput>(weight, column, line, outputs, chunks);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(WeightCopy weights, int place, int chunk) => TTeam.Copy(weights, place, chunk);

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

/// <summary>The warpgroups of a <see cref="WideTile{TTeam}"/>, which copy its weights together.</summary>
internal interface IWarpgroupTeam
{
    /// <inheritdoc cref="IWarpgroupTile.Rows"/>
    static abstract int Rows { get; }

    /// <inheritdoc cref="IWarpgroupTile.Weights"/>
    static abstract WeightCopy Weights<TOutput>(ArrayView<Bits128> weight, int column, int line, int outputs, int chunks)
        where TOutput : struct, IOutput;

    /// <inheritdoc cref="IWarpgroupTile.Copy"/>
    static abstract void Copy(WeightCopy weights, int place, int chunk);
}

/// <summary>256 threads, which copy 32 rows of 128 bytes at once: eight times.</summary>
internal readonly struct TwoWarpgroups : IWarpgroupTeam
{
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 128;
    }

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
}

/// <summary>384 threads, which copy 48 rows at once: five times, and a third of them once more.</summary>
internal readonly struct ThreeWarpgroups : IWarpgroupTeam
{
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 192;
    }

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
}
