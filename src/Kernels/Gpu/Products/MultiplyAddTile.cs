using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A warp's tile of float32 without tensor cores: four chunks are 16 elements deep. Each lane multiplies its rows with its
/// eight columns, four elements of k at a time: for a 64 x 32 tile 16 reads of 16 bytes and 256 fused multiply-adds.
/// </summary>
internal struct MultiplyAddTile<TStrip> : IWarpTile
    where TStrip : struct, IStrip<MultiplyAddColumns>
{
    public TStrip Strip;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TStrip.Rows;
    }

    /// <summary>Row g; the others are eight apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PlaceA(int lane) => Swizzle.Place(lane >> 2, 0);

    /// <summary>Column 2t; the others are one or eight apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PlaceB(int lane) => Swizzle.Place(2 * (lane & 3), 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(Eight columns) => Strip.Fill(columns);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(ArrayView<Bits128> shared, int a, int b)
    {
        for (int chunk = 0; chunk < Swizzle.RowChunks; chunk++)
        {
            MultiplyAddColumns columns = MultiplyAddColumns.Load(shared, b ^ chunk);
            Strip.MultiplyAdd(ref columns, shared, a ^ chunk);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation =>
        Strip.Store<TOutput, TActivation>(result, row, column);
}

/// <summary>One chunk, four elements, of each of a lane's eight columns.</summary>
internal struct MultiplyAddColumns
{
    public Bits128 B0;
    public Bits128 B1;
    public Bits128 B2;
    public Bits128 B3;
    public Bits128 B4;
    public Bits128 B5;
    public Bits128 B6;
    public Bits128 B7;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MultiplyAddColumns Load(ArrayView<Bits128> shared, int b) => new()
    {
        B0 = shared[b],
        B1 = shared[b + Swizzle.RowChunks],
        B2 = shared[b + (8 * Swizzle.RowChunks)],
        B3 = shared[b + (9 * Swizzle.RowChunks)],
        B4 = shared[b + (16 * Swizzle.RowChunks)],
        B5 = shared[b + (17 * Swizzle.RowChunks)],
        B6 = shared[b + (24 * Swizzle.RowChunks)],
        B7 = shared[b + (25 * Swizzle.RowChunks)],
    };
}

/// <summary>16 rows of 32 columns: two rows of eight sums a lane.</summary>
internal struct MultiplyAddStrip : IStrip<MultiplyAddColumns>
{
    public Eight Upper;
    public Eight Lower;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(Eight columns)
    {
        Upper = columns;
        Lower = columns;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(ref MultiplyAddColumns columns, ArrayView<Bits128> shared, int a)
    {
        MultiplyAdd(ref Upper, shared[a], ref columns);
        MultiplyAdd(ref Lower, shared[a + (8 * Swizzle.RowChunks)], ref columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation
    {
        TOutput.Store<TActivation>(result, row, column, Upper);
        TOutput.Store<TActivation>(result, row + 8, column, Lower);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(ref Eight sums, Bits128 a, ref MultiplyAddColumns columns)
    {
        sums.X0 = MultiplyAdd(sums.X0, a, columns.B0);
        sums.X1 = MultiplyAdd(sums.X1, a, columns.B1);
        sums.X2 = MultiplyAdd(sums.X2, a, columns.B2);
        sums.X3 = MultiplyAdd(sums.X3, a, columns.B3);
        sums.X4 = MultiplyAdd(sums.X4, a, columns.B4);
        sums.X5 = MultiplyAdd(sums.X5, a, columns.B5);
        sums.X6 = MultiplyAdd(sums.X6, a, columns.B6);
        sums.X7 = MultiplyAdd(sums.X7, a, columns.B7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float MultiplyAdd(float sum, Bits128 a, Bits128 b)
    {
        sum += Interop.IntAsFloat(a.X) * Interop.IntAsFloat(b.X);
        sum += Interop.IntAsFloat(a.Y) * Interop.IntAsFloat(b.Y);
        sum += Interop.IntAsFloat(a.Z) * Interop.IntAsFloat(b.Z);
        sum += Interop.IntAsFloat(a.W) * Interop.IntAsFloat(b.W);
        return sum;
    }
}
