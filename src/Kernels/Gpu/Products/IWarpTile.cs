using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// The part of the result that a warp computes and holds in its registers: <see cref="Rows"/> rows of 32 columns. Whatever
/// multiplies, lane l holds, with g = l / 4 and t = l % 4, of each row g + 8i the eight columns 8j + 2t and 8j + 2t + 1,
/// j from 0 to 3: that is how mma.sync shares out its tiles.
/// </summary>
internal interface IWarpTile
{
    /// <summary>Rows, a multiple of 16.</summary>
    static abstract int Rows { get; }

    /// <summary>
    /// Where a lane reads the first factor: in 16 bytes from the warp's first row, laid out by <see cref="Swizzle"/>.
    /// </summary>
    static abstract int PlaceA(int lane);

    /// <summary>Where a lane reads the second factor.</summary>
    static abstract int PlaceB(int lane);

    /// <summary>Sets all sums to the number of their column, one for each of a lane's columns.</summary>
    void Fill(Eight columns);

    /// <summary>Adds the product of what four chunks of the factors hold.</summary>
    /// <param name="shared">Shared memory.</param>
    /// <param name="a">Where this lane reads the first factor.</param>
    /// <param name="b">Where this lane reads the second factor.</param>
    void MultiplyAdd(ArrayView<Bits128> shared, int a, int b);

    /// <summary>Finishes the sums and stores them.</summary>
    /// <param name="result">Where to.</param>
    /// <param name="row">This lane's first row of the result.</param>
    /// <param name="column">Where this lane's columns begin, as the output policy deals them.</param>
    void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation;
}

/// <summary>Rows of a warp's tile that are multiplied with the same columns: what a tile is built of.</summary>
/// <typeparam name="TColumns">The columns in registers: a piece of the second factor.</typeparam>
internal interface IStrip<TColumns>
    where TColumns : struct
{
    /// <summary>Rows, a multiple of 16.</summary>
    static abstract int Rows { get; }

    /// <inheritdoc cref="IWarpTile.Fill"/>
    void Fill(Eight columns);

    /// <summary>Adds the product with the columns.</summary>
    /// <param name="columns">The piece of the second factor.</param>
    /// <param name="shared">Shared memory.</param>
    /// <param name="a">Where this lane reads the first factor.</param>
    void MultiplyAdd(ref TColumns columns, ArrayView<Bits128> shared, int a);

    /// <inheritdoc cref="IWarpTile.Store"/>
    void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation;
}

/// <summary>
/// Two strips, one below the other. The compiler unrolls no loops and keeps no arrays in registers, but it unfolds types:
/// Two&lt;Two&lt;Strip&gt;&gt; are four strips in named registers.
/// </summary>
internal struct Two<TStrip, TColumns> : IStrip<TColumns>
    where TStrip : struct, IStrip<TColumns>
    where TColumns : struct
{
    public TStrip Upper;
    public TStrip Lower;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TStrip.Rows;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(Eight columns)
    {
        Upper.Fill(columns);
        Lower.Fill(columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(ref TColumns columns, ArrayView<Bits128> shared, int a)
    {
        Upper.MultiplyAdd(ref columns, shared, a);
        Lower.MultiplyAdd(ref columns, shared, a + (TStrip.Rows * Swizzle.RowChunks));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation
    {
        Upper.Store<TOutput, TActivation>(result, row, column);
        Lower.Store<TOutput, TActivation>(result, row + TStrip.Rows, column);
    }
}
