namespace Handwritten.Kernels.Cpu;

/// <summary>
/// A vector of float32 lanes as wide as one register: 4, 8 or 16 of them. Every kernel body is written once against
/// this interface and compiled three times, because the runtime makes separate machine code for each struct type
/// argument and turns the members below into single instructions:
/// <code>
///     static TSimd Fma&lt;TSimd&gt;(TSimd x, TSimd y, TSimd z) => TSimd.MultiplyAdd(x, y, z);
///         Simd512 -> vfmadd231ps zmm, zmm, zmm      Simd128 -> vfmadd231ps xmm / fmla v.4s
/// </code>
/// <see cref="VectorRoutines"/> picks the widest one that the machine has.
/// </summary>
internal unsafe interface ISimd<TSelf>
    where TSelf : unmanaged, ISimd<TSelf>
{
    /// <summary>Lanes: floats in one vector.</summary>
    static abstract int Width { get; }

    /// <summary>
    /// Rows of the largest register tile: two accumulators a row, two vectors of weights and one broadcast must fit the
    /// register file, so 12 rows for 32 registers and 6 for 16.
    /// </summary>
    static abstract int TileRows { get; }

    /// <summary>Loads <see cref="Width"/> floats; any alignment.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Loads <see cref="Width"/> words of two IEEE half-precision numbers each and widens them, exactly.</summary>
    static abstract void LoadHalfPairs(uint* source, out TSelf low, out TSelf high);

    /// <summary>Loads <see cref="Width"/> words of two bfloat16 numbers each and widens them, exactly.</summary>
    static abstract void LoadBrainFloatPairs(uint* source, out TSelf low, out TSelf high);

    /// <summary>Loads <see cref="Width"/> 8-bit integers, and no byte behind them, as floats.</summary>
    static abstract TSelf LoadInt8(sbyte* source);

    /// <summary>The same value in every lane.</summary>
    static abstract TSelf Broadcast(float value);

    /// <summary>Writes the lanes to memory; any alignment.</summary>
    void Store(float* destination);

    /// <summary>Lane by lane.</summary>
    static abstract TSelf operator +(TSelf left, TSelf right);

    /// <summary>Lane by lane.</summary>
    static abstract TSelf operator -(TSelf left, TSelf right);

    /// <summary>Lane by lane.</summary>
    static abstract TSelf operator *(TSelf left, TSelf right);

    /// <summary>left · right + addend, rounded once where the machine can.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf addend);

    /// <summary>The larger of each pair of lanes; NaN where <paramref name="right"/> is NaN.</summary>
    static abstract TSelf Max(TSelf left, TSelf right);

    /// <summary>The smaller of each pair of lanes.</summary>
    static abstract TSelf Min(TSelf left, TSelf right);

    /// <summary>Magnitudes.</summary>
    static abstract TSelf Abs(TSelf value);

    /// <summary>
    /// value · 2ⁿ by adding n to the exponent bits, for <paramref name="rounded"/> = 1.5 · 2²³ + n: a float of that
    /// size has no fraction, so its lowest bits are the integer n in two's complement.
    /// </summary>
    static abstract TSelf ScaleByPowerOfTwo(TSelf value, TSelf rounded);

    /// <summary>Sum of the lanes.</summary>
    static abstract float Sum(TSelf value);

    /// <summary>Largest lane.</summary>
    static abstract float Largest(TSelf value);
}

/// <summary>
/// How half-precision numbers become float32 with integer operations, since .NET offers no instruction for it. They come
/// in pairs, one in each half of a 32-bit word, so that no lanes need to move:
/// <code>
///     half in the upper 16 bits   s eeeee mmmmmmmmmm ................
///     shift right by 3            s sss eeeee mmmmmmmmmm ............   (arithmetic: the sign fills up)
///     mask                        s 000 eeeee mmmmmmmmmm 0000000000000  a float32 but for the exponent's bias,
///     multiply by 2¹¹²                                                  which is 15 where 127 belongs
/// </code>
/// The multiplication normalises subnormal halves by itself, and is exact. Infinities and NaN, which no weight is, would
/// come out as large finite numbers. For bfloat16, the upper half of a float32, the mask alone does it.
/// </summary>
internal static class HalfBits
{
    public const int Shift = 3;
    public const int Mask = unchecked((int)0x8FFFE000);
    public const float Rebias = 5192296858534827628530496329220096f; // 2¹¹²
}
