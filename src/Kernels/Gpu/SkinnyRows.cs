using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>A lane's share of the sums of some rows and one output, in float32 and without tensor cores.</summary>
internal interface ISkinnyRows
{
    /// <summary>Rows.</summary>
    static abstract int Rows { get; }

    /// <summary>Finds the rows of x; those behind the end stand for the last one, and are not stored.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="fours">A row's length in fours of elements.</param>
    void Begin(int first, int rows, int fours);

    /// <summary>Adds the products of four elements of k.</summary>
    void MultiplyAdd(ArrayView<Bits128> x, int four, Four weights);

    /// <summary>Adds up the lanes' shares and stores the rows that there are.</summary>
    void Store<TFinish>(SkinnyOperands operands, int row, int output, float scale, float bias)
        where TFinish : struct, ISkinnyFinish;
}

/// <summary>One row.</summary>
internal struct OneRow : ISkinnyRows
{
    private int _from;
    private float _sum;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin(int first, int rows, int fours) => _from = IntrinsicMath.Min(first, rows - 1) * fours;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(ArrayView<Bits128> x, int four, Four weights)
    {
        Four row = Four.Load(x, _from + four);
        _sum += row.X * weights.X;
        _sum += row.Y * weights.Y;
        _sum += row.Z * weights.Z;
        _sum += row.W * weights.W;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store<TFinish>(SkinnyOperands operands, int row, int output, float scale, float bias)
        where TFinish : struct, ISkinnyFinish
    {
        float sum = WarpReduction.Sum(_sum);
        if (Warp.IsFirstLane & row < operands.Rows)
        {
            operands.Store<TFinish>(row, output, (sum * scale) + bias);
        }
    }
}

/// <summary>Twice as many rows: the compiler unrolls no loops, but it unfolds types.</summary>
internal struct TwiceRows<TRows> : ISkinnyRows
    where TRows : struct, ISkinnyRows
{
    public TRows Upper;
    public TRows Lower;

    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TRows.Rows;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin(int first, int rows, int fours)
    {
        Upper.Begin(first, rows, fours);
        Lower.Begin(first + TRows.Rows, rows, fours);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(ArrayView<Bits128> x, int four, Four weights)
    {
        Upper.MultiplyAdd(x, four, weights);
        Lower.MultiplyAdd(x, four, weights);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store<TFinish>(SkinnyOperands operands, int row, int output, float scale, float bias)
        where TFinish : struct, ISkinnyFinish
    {
        Upper.Store<TFinish>(operands, row, output, scale, bias);
        Lower.Store<TFinish>(operands, row + TRows.Rows, output, scale, bias);
    }
}
