using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>What a skinny product does with a sum, as a policy that is compiled into its kernel.</summary>
internal interface ISkinnyFinish
{
    /// <summary>Finishes and stores one element of y.</summary>
    static abstract void Store(ArrayView<Bits128> y, long element, float sum);
}

/// <summary>y = activation(sum).</summary>
internal readonly struct Stored<TResult, TActivation> : ISkinnyFinish
    where TResult : struct, IElement
    where TActivation : struct, IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ArrayView<Bits128> y, long element, float sum) => TResult.StoreOne(y, element, TActivation.Apply(sum));
}

/// <summary>y = y + sum, float32.</summary>
internal readonly struct Added : ISkinnyFinish
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ArrayView<Bits128> y, long element, float sum) => Float32.StoreOne(y, element, Float32.LoadOne(y, element) + sum);
}

/// <summary>
/// A warp's sums of all rows and eight outputs, in the registers of tensor cores. Twice&lt;Twice&lt;SixteenRows&gt;&gt; are
/// 64 rows: the compiler unrolls no loops, but it unfolds types.
/// </summary>
internal interface ISkinnyTile
{
    /// <summary>Rows.</summary>
    static abstract int Rows { get; }

    /// <summary>Finds the rows of x; those behind the end stand for the last one, and are not stored.</summary>
    /// <param name="first">The tile's first row.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="eights">A row's length in eights of elements.</param>
    void Begin(int first, int rows, int eights);

    /// <summary>Adds the products of 32 elements of k.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="at">Where in the rows, in eights.</param>
    /// <param name="weights">Eight neighbouring elements of the lane's output.</param>
    void MultiplyAdd<TTensorCore>(ArrayView<Bits128> x, int at, Bits128 weights)
        where TTensorCore : struct, ITensorCore;

    /// <summary>
    /// Writes the sums to shared memory, those of even and of odd outputs to a plane [rows, 4] each, so that the lanes of a
    /// warp write neighbouring words.
    /// </summary>
    /// <param name="shared">The memory.</param>
    /// <param name="at">Place of the tile's first row in the even plane, plus the lane.</param>
    /// <param name="plane">From the even to the odd plane.</param>
    void Save(ArrayView<float> shared, int at, int plane);
}

/// <summary>Small pieces of the kernels of skinny products.</summary>
internal static class SkinnyTile
{
    /// <summary>Outputs of a block.</summary>
    public const int Outputs = 8;

    /// <summary>The most warps of a block.</summary>
    public const int MaximumWarps = 16;

    /// <summary>Words between the planes of sums: half the banks, so that even and odd outputs are read together.</summary>
    public const int Gap = 16;

    /// <summary>
    /// Shared memory of a block, in 16 bytes: first for the weights on their way, then for the warps' sums, whichever is more.
    /// </summary>
    /// <param name="rows">Rows of the tile.</param>
    /// <param name="warps">Warps of the block.</param>
    public static int SharedOf(int rows, int warps) => warps * Math.Max(32 * SkinnyWeights.Steps, 2 * PlaneOf(rows) / 4);

    /// <summary>Adds the warps' sums, in order, and stores what the rows that there are have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Finish<TFormat, TTile, TFinish>(ref TTile tile, ArrayView<float> sums, ArrayView<Bits128> weight, SkinnyOperands operands, int firstRow)
        where TFormat : struct, IWeightFormat
        where TTile : struct, ISkinnyTile
        where TFinish : struct, ISkinnyFinish
    {
        int plane = PlaneOf(TTile.Rows), warps = Group.DimX / 32;
        Group.Barrier(); // all have read their weights
        tile.Save(sums, (Group.IdxX / 32 * 2 * plane) + Warp.LaneIdx, plane);
        Group.Barrier();
        for (int i = Group.IdxX; i < IntrinsicMath.Min(operands.Rows - firstRow, TTile.Rows) * Outputs; i += Group.DimX)
        {
            int row = i / Outputs, column = i & (Outputs - 1), output = (Grid.IdxX * Outputs) + column;
            int at = ((column & 1) * plane) + (row * 4) + (column / 2);
            float sum = 0;
            for (int part = 0; part < warps; part++)
            {
                sum += sums[(part * 2 * plane) + at];
            }

            if (output < operands.Outputs)
            {
                float scale = TFormat.LoadScale(weight, output, operands.Outputs, 8 * operands.Eights);
                operands.Store<TFinish>(firstRow + row, output, (sum * scale) + operands.LoadBias(output));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PlaneOf(int rows) => (rows * 4) + Gap;

    /// <summary>
    /// Where a lane reads in a row, in eights: lanes 4g to 4g + 3 have row g. (x % 4 of a signed number is a division.)
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int At(int row, int rows, int eights) => (IntrinsicMath.Min(row + (Warp.LaneIdx / 4), rows - 1) * eights) + (Warp.LaneIdx & 3);
}

/// <summary>Up to eight rows: the lower half of mma.sync's rows is zero.</summary>
internal struct EightRows : ISkinnyTile
{
    private int _at;
    private Accumulator _sums;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 8;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin(int first, int rows, int eights) => _at = SkinnyTile.At(first, rows, eights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd<TTensorCore>(ArrayView<Bits128> x, int at, Bits128 weights)
        where TTensorCore : struct, ITensorCore
    {
        Bits128 row = x[_at + at];
        FragmentA a = new() { X0 = row.X, X1 = 0, X2 = row.Y, X3 = 0 };
        FragmentB b = new() { X0 = weights.X, X1 = weights.Y };
        TTensorCore.MultiplyAdd(ref _sums, ref a, ref b);
        a = new() { X0 = row.Z, X1 = 0, X2 = row.W, X3 = 0 };
        b = new() { X0 = weights.Z, X1 = weights.W };
        TTensorCore.MultiplyAdd(ref _sums, ref a, ref b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Save(ArrayView<float> shared, int at, int plane)
    {
        shared[at] = _sums.X0.Value;
        shared[at + plane] = _sums.X1.Value;
    }
}

/// <summary>Sixteen rows.</summary>
internal struct SixteenRows : ISkinnyTile
{
    private int _upper;
    private int _lower;
    private Accumulator _sums;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin(int first, int rows, int eights) => (_upper, _lower) = (SkinnyTile.At(first, rows, eights), SkinnyTile.At(first + 8, rows, eights));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd<TTensorCore>(ArrayView<Bits128> x, int at, Bits128 weights)
        where TTensorCore : struct, ITensorCore
    {
        Bits128 upper = x[_upper + at], lower = x[_lower + at];
        FragmentA a = new() { X0 = upper.X, X1 = lower.X, X2 = upper.Y, X3 = lower.Y };
        FragmentB b = new() { X0 = weights.X, X1 = weights.Y };
        TTensorCore.MultiplyAdd(ref _sums, ref a, ref b);
        a = new() { X0 = upper.Z, X1 = lower.Z, X2 = upper.W, X3 = lower.W };
        b = new() { X0 = weights.Z, X1 = weights.W };
        TTensorCore.MultiplyAdd(ref _sums, ref a, ref b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Save(ArrayView<float> shared, int at, int plane)
    {
        shared[at] = _sums.X0.Value;
        shared[at + plane] = _sums.X1.Value;
        shared[at + 32] = _sums.X2.Value;
        shared[at + 32 + plane] = _sums.X3.Value;
    }
}

/// <summary>Two tiles, one below the other.</summary>
internal struct TwiceTile<TTile> : ISkinnyTile
    where TTile : struct, ISkinnyTile
{
    public TTile Upper;
    public TTile Lower;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TTile.Rows;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin(int first, int rows, int eights)
    {
        Upper.Begin(first, rows, eights);
        Lower.Begin(first + TTile.Rows, rows, eights);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd<TTensorCore>(ArrayView<Bits128> x, int at, Bits128 weights)
        where TTensorCore : struct, ITensorCore
    {
        Upper.MultiplyAdd<TTensorCore>(x, at, weights);
        Lower.MultiplyAdd<TTensorCore>(x, at, weights);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Save(ArrayView<float> shared, int at, int plane)
    {
        Upper.Save(shared, at, plane);
        Lower.Save(shared, at + (4 * TTile.Rows), plane);
    }
}
