using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// What a warp holds in registers. Fields with names where others have arrays: they are all known at compile time, and so
/// become registers; calls are written out where others have loops.
/// </summary>
internal static partial class EncoderAttentionTensor<TCore, TCopy>
{
    /// <summary>32 rows x 64 elements as the first factor of a product: the queries, or the weights.</summary>
    private struct WarpFactor
    {
        public FactorColumns C0;
        public FactorColumns C1;
        public FactorColumns C2;
        public FactorColumns C3;

        /// <summary>Loads rows of shared memory.</summary>
        /// <param name="address">The first row, with the lane's offset.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(int address)
        {
            C0.Load(address);
            C1.Load(address ^ 32);
            C2.Load(address ^ 64);
            C3.Load(address ^ 96);
        }
    }

    /// <summary>32 rows x 16 elements of a first factor.</summary>
    private struct FactorColumns
    {
        public FragmentA Upper;
        public FragmentA Lower;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(int address)
        {
            MatrixLoad.Load(ref Upper, address);
            MatrixLoad.Load(ref Lower, address + (16 * RowBytes));
        }
    }

    /// <summary>32 rows x 64 columns of sums: the scores of 64 keys, or the result.</summary>
    private struct WarpTile
    {
        public TileColumns C0;
        public TileColumns C1;
        public TileColumns C2;
        public TileColumns C3;

        /// <summary>Adds the products of queries and 64 keys.</summary>
        /// <param name="q">The queries.</param>
        /// <param name="keys">The first key, with the lane's offset.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddScores(ref WarpFactor q, int keys)
        {
            C0.AddScores(ref q, keys);
            C1.AddScores(ref q, keys + (16 * RowBytes));
            C2.AddScores(ref q, keys + (32 * RowBytes));
            C3.AddScores(ref q, keys + (48 * RowBytes));
        }

        /// <summary>Adds the products of weights and the values of 64 keys.</summary>
        /// <param name="p">The weights.</param>
        /// <param name="values">The value of the first key, with the lane's offset.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddValues(ref WarpFactor p, int values)
        {
            C0.AddValues(ref p, values);
            C1.AddValues(ref p, values ^ 32);
            C2.AddValues(ref p, values ^ 64);
            C3.AddValues(ref p, values ^ 96);
        }

        /// <summary>The largest score of each row.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public RowValues Largest() =>
            RowValues.Max(RowValues.Max(C0.Largest(), C1.Largest()), RowValues.Max(C2.Largest(), C3.Largest())).MaxOfFourLanes();

        /// <summary>Turns scores into weights, 2^(s · Scale - largest).</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Weigh(ref WarpFactor p, RowValues largest)
        {
            C0.Weigh(ref p.C0, largest);
            C1.Weigh(ref p.C1, largest);
            C2.Weigh(ref p.C2, largest);
            C3.Weigh(ref p.C3, largest);
        }

        /// <summary>Multiplies rows with a factor each.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Scale(RowValues factor)
        {
            C0.Scale(factor);
            C1.Scale(factor);
            C2.Scale(factor);
            C3.Scale(factor);
        }

        /// <summary>
        /// Stores the rows before <paramref name="end"/>; the lane's are 0, 8, 16 and 24, <paramref name="stride"/> chunks
        /// apart.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store(ArrayView<Bits128> y, int index, int stride, int end)
        {
            StoreRow(C0.Upper(), C1.Upper(), C2.Upper(), C3.Upper(), y, index, 0 < end);
            StoreRow(C0.UpperBelow(), C1.UpperBelow(), C2.UpperBelow(), C3.UpperBelow(), y, index + stride, 8 < end);
            StoreRow(C0.Lower(), C1.Lower(), C2.Lower(), C3.Lower(), y, index + (2 * stride), 16 < end);
            StoreRow(C0.LowerBelow(), C1.LowerBelow(), C2.LowerBelow(), C3.LowerBelow(), y, index + (3 * stride), 24 < end);
        }
    }

    /// <summary>32 rows x 16 columns of sums.</summary>
    private struct TileColumns
    {
        public Accumulator UpperLeft;
        public Accumulator UpperRight;
        public Accumulator LowerLeft;
        public Accumulator LowerRight;

        /// <summary>Adds the products with 16 keys: their elements 0 .. 15, then 16 .. 31, ...</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddScores(ref WarpFactor q, int keys)
        {
            AddScores(ref q.C0, keys);
            AddScores(ref q.C1, keys ^ 32);
            AddScores(ref q.C2, keys ^ 64);
            AddScores(ref q.C3, keys ^ 96);
        }

        /// <summary>Adds the products with 16 elements of the values: those of keys 0 .. 15, then 16 .. 31, ...</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddValues(ref WarpFactor p, int values)
        {
            AddValues(ref p.C0, values);
            AddValues(ref p.C1, values + (16 * RowBytes));
            AddValues(ref p.C2, values + (32 * RowBytes));
            AddValues(ref p.C3, values + (48 * RowBytes));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public RowValues Largest() => new(
            MathF.Max(MathF.Max(UpperLeft.X0.Value, UpperLeft.X1.Value), MathF.Max(UpperRight.X0.Value, UpperRight.X1.Value)),
            MathF.Max(MathF.Max(UpperLeft.X2.Value, UpperLeft.X3.Value), MathF.Max(UpperRight.X2.Value, UpperRight.X3.Value)),
            MathF.Max(MathF.Max(LowerLeft.X0.Value, LowerLeft.X1.Value), MathF.Max(LowerRight.X0.Value, LowerRight.X1.Value)),
            MathF.Max(MathF.Max(LowerLeft.X2.Value, LowerLeft.X3.Value), MathF.Max(LowerRight.X2.Value, LowerRight.X3.Value)));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Weigh(ref FactorColumns p, RowValues largest)
        {
            p.Upper.X0.Value = Weights(UpperLeft.X0.Value, UpperLeft.X1.Value, largest.X0);
            p.Upper.X1.Value = Weights(UpperLeft.X2.Value, UpperLeft.X3.Value, largest.X1);
            p.Upper.X2.Value = Weights(UpperRight.X0.Value, UpperRight.X1.Value, largest.X0);
            p.Upper.X3.Value = Weights(UpperRight.X2.Value, UpperRight.X3.Value, largest.X1);
            p.Lower.X0.Value = Weights(LowerLeft.X0.Value, LowerLeft.X1.Value, largest.X2);
            p.Lower.X1.Value = Weights(LowerLeft.X2.Value, LowerLeft.X3.Value, largest.X3);
            p.Lower.X2.Value = Weights(LowerRight.X0.Value, LowerRight.X1.Value, largest.X2);
            p.Lower.X3.Value = Weights(LowerRight.X2.Value, LowerRight.X3.Value, largest.X3);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Scale(RowValues factor)
        {
            ScaleRows(ref UpperLeft, factor.X0, factor.X1);
            ScaleRows(ref UpperRight, factor.X0, factor.X1);
            ScaleRows(ref LowerLeft, factor.X2, factor.X3);
            ScaleRows(ref LowerRight, factor.X2, factor.X3);
        }

        /// <summary>The lane's elements of its first row, two columns of the left and two of the right half.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (uint Left, uint Right) Upper() => (TCore.Pack(UpperLeft.X0.Value, UpperLeft.X1.Value), TCore.Pack(UpperRight.X0.Value, UpperRight.X1.Value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (uint Left, uint Right) UpperBelow() => (TCore.Pack(UpperLeft.X2.Value, UpperLeft.X3.Value), TCore.Pack(UpperRight.X2.Value, UpperRight.X3.Value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (uint Left, uint Right) Lower() => (TCore.Pack(LowerLeft.X0.Value, LowerLeft.X1.Value), TCore.Pack(LowerRight.X0.Value, LowerRight.X1.Value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (uint Left, uint Right) LowerBelow() => (TCore.Pack(LowerLeft.X2.Value, LowerLeft.X3.Value), TCore.Pack(LowerRight.X2.Value, LowerRight.X3.Value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void AddScores(ref FactorColumns q, int keys)
        {
            FragmentB left = default, right = default;
            MatrixLoad.Load(ref left, ref right, keys);
            Add(ref q, ref left, ref right);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void AddValues(ref FactorColumns p, int values)
        {
            FragmentB left = default, right = default;
            MatrixLoad.LoadTransposed(ref left, ref right, values);
            Add(ref p, ref left, ref right);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Add(ref FactorColumns a, ref FragmentB left, ref FragmentB right)
        {
            TCore.MultiplyAdd(ref UpperLeft, ref a.Upper, ref left);
            TCore.MultiplyAdd(ref UpperRight, ref a.Upper, ref right);
            TCore.MultiplyAdd(ref LowerLeft, ref a.Lower, ref left);
            TCore.MultiplyAdd(ref LowerRight, ref a.Lower, ref right);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static uint Weights(float s0, float s1, float largest) =>
            TCore.Pack(FlushToZero.Exp2((s0 * ScoreScale) - largest), FlushToZero.Exp2((s1 * ScoreScale) - largest));
    }

    /// <summary>The sums of the weights of 32 queries, eight times each: a column of the result whose values are all 1.</summary>
    private struct SumTile
    {
        public Accumulator Upper;
        public Accumulator Lower;

        /// <summary>Adds the weights of the keys whose value is 1.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(ref WarpFactor p, ref Ones ones)
        {
            Add(ref p.C0, ref ones.K0);
            Add(ref p.C1, ref ones.K1);
            Add(ref p.C2, ref ones.K2);
            Add(ref p.C3, ref ones.K3);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Scale(RowValues factor)
        {
            ScaleRows(ref Upper, factor.X0, factor.X1);
            ScaleRows(ref Lower, factor.X2, factor.X3);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public RowValues Reciprocal() => new(
            Approximate.Reciprocal(Upper.X0.Value), Approximate.Reciprocal(Upper.X2.Value), Approximate.Reciprocal(Lower.X0.Value), Approximate.Reciprocal(Lower.X2.Value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Add(ref FactorColumns p, ref FragmentB ones)
        {
            TCore.MultiplyAdd(ref Upper, ref p.Upper, ref ones);
            TCore.MultiplyAdd(ref Lower, ref p.Lower, ref ones);
        }
    }

    /// <summary>The column of ones of 64 keys; 0 behind the last.</summary>
    private struct Ones
    {
        public FragmentB K0;
        public FragmentB K1;
        public FragmentB K2;
        public FragmentB K3;

        /// <summary>Sets the ones of the keys before <paramref name="frames"/>.</summary>
        /// <param name="key">The lane's first key.</param>
        /// <param name="frames">How many keys there are.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Set(int key, int frames)
        {
            Set(ref K0, key, frames);
            Set(ref K1, key + 16, frames);
            Set(ref K2, key + 32, frames);
            Set(ref K3, key + 48, frames);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Set(ref FragmentB ones, int key, int frames)
        {
            ones.X0.Value = TCore.Pack(One(key, frames), One(key + 1, frames));
            ones.X1.Value = TCore.Pack(One(key + 8, frames), One(key + 9, frames));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static float One(int key, int frames) => key < frames ? 1f : 0f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleRows(ref Accumulator tile, float upper, float lower)
    {
        tile.X0.Value *= upper;
        tile.X1.Value *= upper;
        tile.X2.Value *= lower;
        tile.X3.Value *= lower;
    }

    /// <summary>
    /// Stores a row that four lanes hold, each two elements of every eight. The lanes exchange them, so that each comes to
    /// have whole chunks, its own of the left four and of the right four.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow((uint Left, uint Right) c0, (uint Left, uint Right) c1, (uint Left, uint Right) c2, (uint Left, uint Right) c3, ArrayView<Bits128> y, int index, bool exists)
    {
        Bits128 left = WarpTranspose.Words(new Bits128(c0.Left, c0.Right, c1.Left, c1.Right));
        Bits128 right = WarpTranspose.Words(new Bits128(c2.Left, c2.Right, c3.Left, c3.Right));
        if (exists)
        {
            y[index] = left;
            y[index + 4] = right;
        }
    }
}
