using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Two warpgroups of 128 columns: 64 sums a thread. Two blocks share a multiprocessor, so that one multiplies while the other
/// one stores.
/// </summary>
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
