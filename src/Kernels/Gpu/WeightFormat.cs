using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>How a matrix [outputs, inputs] of weights is stored, as a policy that is compiled into the kernels that read it.</summary>
internal interface IWeightFormat
{
    /// <summary>Eights of 16-bit elements that 16 bytes of a row are multiplied with.</summary>
    static abstract int Eights { get; }

    /// <summary>Adds a lane's products of one step of a skinny product, on tensor cores.</summary>
    /// <param name="tile">The sums.</param>
    /// <param name="x">The rows.</param>
    /// <param name="at">Where in the rows the step begins, in eights of elements.</param>
    /// <param name="weights">The lane's weights.</param>
    static abstract void MultiplyAdd<TTensorCore, TTile>(ref TTile tile, ArrayView<Bits128> x, int at, Bits128 weights)
        where TTensorCore : struct, ITensorCore
        where TTile : struct, ISkinnyTile;

    /// <summary>
    /// The <paramref name="index"/>-th four weights of an output, in the order of memory, as float32 without their scale.
    /// </summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="output">Which output.</param>
    /// <param name="fours">Fours of a row.</param>
    /// <param name="index">Which four.</param>
    static abstract Four LoadFour(ArrayView<Bits128> matrix, int output, int fours, int index);

    /// <summary>Which columns these are: 4 · the result and the three behind.</summary>
    static abstract int FourOf(int index);

    /// <summary>One weight as it is, scale and all.</summary>
    static abstract float LoadOne(ArrayView<Bits128> matrix, int output, int column, int outputs, int inputs);

    /// <summary>What a sum of an output's weights is multiplied with.</summary>
    static abstract float LoadScale(ArrayView<Bits128> matrix, int output, int outputs, int inputs);
}

/// <summary>Elements of the compute type.</summary>
internal readonly struct ElementWeights<TElement> : IWeightFormat
    where TElement : struct, IElement
{
    public static int Eights
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TTensorCore, TTile>(ref TTile tile, ArrayView<Bits128> x, int at, Bits128 weights)
        where TTensorCore : struct, ITensorCore
        where TTile : struct, ISkinnyTile => tile.MultiplyAdd<TTensorCore>(x, at, weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four LoadFour(ArrayView<Bits128> matrix, int output, int fours, int index) => Four.Load(matrix, (output * fours) + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FourOf(int index) => index;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne(ArrayView<Bits128> matrix, int output, int column, int outputs, int inputs) => TElement.LoadOne(matrix, (output * inputs) + column);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadScale(ArrayView<Bits128> matrix, int output, int outputs, int inputs) => 1;
}

/// <summary>An <see cref="Int8Matrix"/>.</summary>
internal readonly struct Int8Weights : IWeightFormat
{
    public static int Eights
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd<TTensorCore, TTile>(ref TTile tile, ArrayView<Bits128> x, int at, Bits128 weights)
        where TTensorCore : struct, ITensorCore
        where TTile : struct, ISkinnyTile
    {
        tile.MultiplyAdd<TTensorCore>(x, at, Widened<TTensorCore>(weights.X, weights.Y));
        tile.MultiplyAdd<TTensorCore>(x, at + 4, Widened<TTensorCore>(weights.Z, weights.W));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four LoadFour(ArrayView<Bits128> matrix, int output, int fours, int index) => Int8Matrix.Numbers(matrix.Cast<uint>()[(output * fours) + index]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FourOf(int index) => Int8Matrix.FourOf(index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne(ArrayView<Bits128> matrix, int output, int column, int outputs, int inputs) =>
        matrix.Cast<sbyte>()[(output * inputs) + Int8Matrix.Place(column)] * Int8Matrix.Scale(matrix, output, outputs, inputs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadScale(ArrayView<Bits128> matrix, int output, int outputs, int inputs) => Int8Matrix.Scale(matrix, output, outputs, inputs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Bits128 Widened<TTensorCore>(uint low, uint high)
        where TTensorCore : struct, ITensorCore
    {
        Bits64 first = TTensorCore.Widen(low), second = TTensorCore.Widen(high);
        return new Bits128(first.X, first.Y, second.X, second.Y);
    }
}
