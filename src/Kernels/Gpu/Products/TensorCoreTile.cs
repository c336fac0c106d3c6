using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A warp's tile on tensor cores: four chunks are 32 elements deep, two steps of mma.sync. A step of a 64 x 32 tile reads
/// 6 · 512 bytes of shared memory by ldmatrix for 16 mma.sync.
/// </summary>
internal struct TensorCoreTile<TStrip> : IWarpTile
    where TStrip : struct, IStrip<TensorCoreColumns>
{
    public TStrip Strip;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TStrip.Rows;
    }

    /// <summary>The rows of ldmatrix's four tiles: 0 to 15 of the first chunk, then of the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PlaceA(int lane) => Swizzle.Place(lane & 15, lane >> 4);

    /// <summary>Both chunks of rows 0 to 7, then of rows 8 to 15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PlaceB(int lane) => Swizzle.Place((lane & 7) + ((lane & 16) >> 1), (lane >> 3) & 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(Eight columns) => Strip.Fill(columns);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(ArrayView<Bits128> shared, int a, int b)
    {
        Step(shared, a, b);
        Step(shared, a ^ 2, b ^ 2); // two chunks on
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation =>
        Strip.Store<TOutput, TActivation>(result, row, column);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Step(ArrayView<Bits128> shared, int a, int b)
    {
        int addressB = SharedAddress.Of(shared) + (16 * b);
        TensorCoreColumns columns = default;
        MatrixLoad.Load(ref columns.B0, ref columns.B1, addressB);
        MatrixLoad.Load(ref columns.B2, ref columns.B3, addressB + (16 * 16 * Swizzle.RowChunks));
        Strip.MultiplyAdd(ref columns, shared, a);
    }
}

/// <summary>32 columns of the second factor, 16 elements deep.</summary>
internal struct TensorCoreColumns
{
    public FragmentB B0;
    public FragmentB B1;
    public FragmentB B2;
    public FragmentB B3;
}

/// <summary>16 rows of 32 columns in four accumulators.</summary>
internal struct TensorCoreStrip<TTensorCore> : IStrip<TensorCoreColumns>
    where TTensorCore : struct, ITensorCore
{
    public StripSums Sums;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(Eight columns) => Sums.Fill(columns);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(ref TensorCoreColumns columns, ArrayView<Bits128> shared, int a)
    {
        FragmentA rows = default;
        MatrixLoad.Load(ref rows, SharedAddress.Of(shared) + (16 * a));
        TTensorCore.MultiplyAdd(ref Sums.C0, ref rows, ref columns.B0);
        TTensorCore.MultiplyAdd(ref Sums.C1, ref rows, ref columns.B1);
        TTensorCore.MultiplyAdd(ref Sums.C2, ref rows, ref columns.B2);
        TTensorCore.MultiplyAdd(ref Sums.C3, ref rows, ref columns.B3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation =>
        Sums.Store<TOutput, TActivation>(result, row, column);
}

/// <summary>A warp's sums of 16 rows and 32 columns: what a lane has of two rows, eight apart.</summary>
internal struct StripSums
{
    public Accumulator C0;
    public Accumulator C1;
    public Accumulator C2;
    public Accumulator C3;

    /// <inheritdoc cref="IWarpTile.Fill"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(Eight columns)
    {
        Fill(ref C0, columns.X0, columns.X1);
        Fill(ref C1, columns.X2, columns.X3);
        Fill(ref C2, columns.X4, columns.X5);
        Fill(ref C3, columns.X6, columns.X7);
    }

    /// <inheritdoc cref="IWarpTile.Store"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation
    {
        TOutput.Store<TActivation>(result, row, column, new Eight(
            C0.X0.Value, C0.X1.Value, C1.X0.Value, C1.X1.Value, C2.X0.Value, C2.X1.Value, C3.X0.Value, C3.X1.Value));
        TOutput.Store<TActivation>(result, row + 8, column, new Eight(
            C0.X2.Value, C0.X3.Value, C1.X2.Value, C1.X3.Value, C2.X2.Value, C2.X3.Value, C3.X2.Value, C3.X3.Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fill(ref Accumulator sums, float even, float odd)
    {
        sums.X0.Value = even;
        sums.X1.Value = odd;
        sums.X2.Value = even;
        sums.X3.Value = odd;
    }
}
