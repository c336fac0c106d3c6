using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// How results are stored, as a policy that is compiled into a kernel. A lane of a <see cref="IWarpTile"/> holds the columns
/// 8j + 2t and 8j + 2t + 1 of each of its rows, which are no neighbours in memory. But a product's columns may be computed
/// in any order: each policy deals the columns of the result out to those of the tile (by choosing which rows of the second
/// factor come where in shared memory), so that what a lane holds can be stored in few and wide pieces without another
/// word to its neighbours.
/// </summary>
internal interface IOutput
{
    /// <summary>Which of 32 columns of the result a column of a warp's tile computes.</summary>
    static abstract int Deal(int column);

    /// <summary>The first of the eight columns of the result that a lane's columns compute.</summary>
    static abstract int First(int lane);

    /// <summary>The bias of a lane's columns, in the order of the tile's columns; zero without one.</summary>
    /// <param name="result">Where the bias is.</param>
    /// <param name="column">The lane's first column, possibly beyond the end.</param>
    static abstract Eight LoadBias(ProductResult result, int column);

    /// <summary>Finishes the eight sums of a row that a lane holds, and stores them.</summary>
    /// <param name="result">Where to.</param>
    /// <param name="row">Row of the result, possibly beyond its end.</param>
    /// <param name="column">The lane's first column, possibly beyond the end.</param>
    /// <param name="sums">In the order of the tile's columns.</param>
    static abstract void Store<TActivation>(ProductResult result, int row, int column, Eight sums)
        where TActivation : struct, IActivation;
}

/// <summary>
/// Results of the compute type, a multiple of eight wide: a lane's eight columns are neighbours, one access; four lanes
/// write 64 bytes of a row.
/// <code>
///     tile:    0 1 | 2 3 | 4 5 | 6 7 || 8 9 | ...         lane t % 4 = 0: 0 1 8 9 16 17 24 25
///     result:  0 1 | 8 9 | 16 17 | 24 25 || 2 3 | ...                     0 1 2 3 4 5 6 7
/// </code>
/// </summary>
internal readonly struct ElementOutput<TElement> : IOutput
    where TElement : struct, IElement
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Deal(int column) => (((column >> 1) & 3) * 8) + ((column >> 3) * 2) + (column & 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int First(int lane) => 8 * (lane & 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight LoadBias(ProductResult result, int column) =>
        column < result.Outputs & result.Bias.Length > 0 ? Float32.Load(result.Bias, column / 8) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TActivation>(ProductResult result, int row, int column, Eight sums)
        where TActivation : struct, IActivation
    {
        if (row < result.Rows & column < result.Outputs)
        {
            TElement.Store(result.Y, (((long)row * result.Outputs) + column) / 8, Output.Activate<TActivation>(sums));
        }
    }
}

/// <summary>
/// float32 results, a multiple of 32 wide: a lane's eight columns are two times four neighbours; four lanes write 64 bytes
/// of a row with one instruction.
/// </summary>
internal readonly struct SingleOutput : IOutput
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Deal(int column) => (column & 16) + (((column >> 1) & 3) * 4) + ((column >> 2) & 2) + (column & 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int First(int lane) => 4 * (lane & 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight LoadBias(ProductResult result, int column) =>
        column < result.Outputs & result.Bias.Length > 0 ? Load(result.Bias, column / 4) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TActivation>(ProductResult result, int row, int column, Eight sums)
        where TActivation : struct, IActivation
    {
        if (row < result.Rows & column < result.Outputs)
        {
            int four = column / 4, fours = result.Outputs / 4;
            sums = Output.Activate<TActivation>(sums);
            if (result.Addend.Length > 0)
            {
                sums += Load(result.Addend, ((long)(row % result.AddendRows) * fours) + four);
            }

            long first = ((long)row * fours) + four;
            result.Y[first] = new Bits128(Interop.FloatAsInt(sums.X0), Interop.FloatAsInt(sums.X1), Interop.FloatAsInt(sums.X2), Interop.FloatAsInt(sums.X3));
            result.Y[first + 4] = new Bits128(Interop.FloatAsInt(sums.X4), Interop.FloatAsInt(sums.X5), Interop.FloatAsInt(sums.X6), Interop.FloatAsInt(sums.X7));
        }
    }

    /// <summary>Two times four numbers, 16 columns apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Eight Load(ArrayView<Bits128> source, long four)
    {
        Bits128 low = source[four], high = source[four + 4];
        return new Eight(
            Interop.IntAsFloat(low.X), Interop.IntAsFloat(low.Y), Interop.IntAsFloat(low.Z), Interop.IntAsFloat(low.W),
            Interop.IntAsFloat(high.X), Interop.IntAsFloat(high.Y), Interop.IntAsFloat(high.Z), Interop.IntAsFloat(high.W));
    }
}

/// <summary>
/// float32 results of any width, such as logits: rows begin at no multiple of 16 bytes, so elements are stored one by one,
/// each time four neighbours of a row by four lanes.
/// </summary>
internal readonly struct UnalignedOutput : IOutput
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Deal(int column) => (column & 24) + ((column & 1) * 4) + ((column >> 1) & 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int First(int lane) => lane & 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight LoadBias(ProductResult result, int column) => new(
        LoadOne(result, column), LoadOne(result, column + 4), LoadOne(result, column + 8), LoadOne(result, column + 12),
        LoadOne(result, column + 16), LoadOne(result, column + 20), LoadOne(result, column + 24), LoadOne(result, column + 28));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TActivation>(ProductResult result, int row, int column, Eight sums)
        where TActivation : struct, IActivation
    {
        if (row < result.Rows)
        {
            StoreOne<TActivation>(result, row, column, sums.X0);
            StoreOne<TActivation>(result, row, column + 4, sums.X1);
            StoreOne<TActivation>(result, row, column + 8, sums.X2);
            StoreOne<TActivation>(result, row, column + 12, sums.X3);
            StoreOne<TActivation>(result, row, column + 16, sums.X4);
            StoreOne<TActivation>(result, row, column + 20, sums.X5);
            StoreOne<TActivation>(result, row, column + 24, sums.X6);
            StoreOne<TActivation>(result, row, column + 28, sums.X7);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float LoadOne(ProductResult result, int column) =>
        column < result.Outputs & result.Bias.Length > 0 ? Float32.LoadOne(result.Bias, column) : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreOne<TActivation>(ProductResult result, int row, int column, float sum)
        where TActivation : struct, IActivation
    {
        if (column < result.Outputs)
        {
            sum = TActivation.Apply(sum);
            if (result.Addend.Length > 0)
            {
                sum += Float32.LoadOne(result.Addend, ((long)(row % result.AddendRows) * result.Outputs) + column);
            }

            Float32.StoreOne(result.Y, ((long)row * result.Outputs) + column, sum);
        }
    }
}

/// <summary>What the ways to store have in common.</summary>
internal static class Output
{
    /// <summary>The function of each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight Activate<TActivation>(Eight sums)
        where TActivation : struct, IActivation => new(
            TActivation.Apply(sums.X0), TActivation.Apply(sums.X1), TActivation.Apply(sums.X2), TActivation.Apply(sums.X3),
            TActivation.Apply(sums.X4), TActivation.Apply(sums.X5), TActivation.Apply(sums.X6), TActivation.Apply(sums.X7));
}
