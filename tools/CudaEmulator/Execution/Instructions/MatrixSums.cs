using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// What mma adds products to. A block of eight rows of C becomes two tiles (even columns, odd columns); the product is added
/// to them in float32; and D is made of what they then are.
/// </summary>
internal unsafe interface IMatrixSum
{
    /// <summary>Registers of a block of eight rows.</summary>
    static abstract int Registers { get; }

    /// <summary>C to tiles.</summary>
    static abstract void Load(byte* f, int* c, float* tiles);

    /// <summary>Tiles to D.</summary>
    static abstract void Store(float* tiles, byte* f, int* d);
}

/// <summary>.f32: registers are tiles.</summary>
internal readonly unsafe struct SingleSum : IMatrixSum
{
    public static int Registers => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* f, int* c, float* tiles)
    {
        for (int part = 0; part < 4; part++)
        {
            Lanes.Load<float>(f + c[part / 2], part % 2).Store(tiles + 16 * part);
        }
    }

    // A NaN is always 0x7fffffff.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* tiles, byte* f, int* d)
    {
        for (int part = 0; part < 4; part++)
        {
            Vector512<float> sum = Vector512.Load(tiles + 16 * part);
            Vector512<float> known = Vector512.ConditionalSelect(Vector512.Equals(sum, sum), sum, Vector512.Create(0x7fffffffu).AsSingle());
            Lanes.Store32(known, f + d[part / 2], part % 2, Lanes.All);
        }
    }
}

/// <summary>.f16: added in float32 like the others, and rounded once at the end.</summary>
internal readonly unsafe struct HalfSum : IMatrixSum
{
    public static int Registers => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* f, int* c, float* tiles) => MatrixTiles.Decode<HalfElement<Float16>>(f + *c, tiles);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* tiles, byte* f, int* d)
    {
        for (int part = 0; part < 2; part++)
        {
            Vector512<uint> even = Float16.Encode(Vector512.Load(tiles + 16 * part));
            Vector512<uint> odd = Float16.Encode(Vector512.Load(tiles + MatrixTiles.Length + 16 * part));
            Lanes.Store32(even | (odd << 16), f + *d, part, Lanes.All);
        }
    }
}

/// <summary>
/// .s32: the product's tiles begin as zeros, and C, kept behind them, is added at the end, wrapping around or saturating.
/// The product is exact in float32, for 32 products of two bytes are less than 2^24.
/// </summary>
internal readonly unsafe struct IntegerSum<TAdd> : IMatrixSum
    where TAdd : struct, IBinary<int>
{
    public static int Registers => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* f, int* c, float* tiles)
    {
        for (int part = 0; part < 4; part++)
        {
            Vector512<float>.Zero.Store(tiles + 16 * part);
            Lanes.Load<float>(f + c[part / 2], part % 2).Store(tiles + MatrixMultiply.Kept + 16 * part);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* tiles, byte* f, int* d)
    {
        for (int part = 0; part < 4; part++)
        {
            Vector512<int> product = Vector512.ConvertToInt32(Vector512.Load(tiles + 16 * part));
            Vector512<int> c = Vector512.Load((int*)tiles + MatrixMultiply.Kept + 16 * part);
            Lanes.Store32(TAdd.Apply(c, product), f + d[part / 2], part % 2, Lanes.All);
        }
    }
}
