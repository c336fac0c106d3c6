using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Gpu;

/// <summary>The sums of 32 columns, between their registers and memory.</summary>
internal static class ColumnSums<TRegisters>
    where TRegisters : struct, ISumRegisters
{
    /// <inheritdoc cref="IWarpgroupTile.Fill"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fill<TOutput>(ProductResult result, int column)
        where TOutput : struct, IOutput
    {
        StripSums sums = default;
        sums.Fill(TOutput.LoadBias(result, column + TRegisters.First));
        TRegisters.Write(ref sums);
    }

    /// <inheritdoc cref="IWarpgroupTile.Store"/>
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
