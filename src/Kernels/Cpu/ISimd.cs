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

    /// <summary>Loads <see cref="Width"/> IEEE half-precision numbers and widens them, exactly.</summary>
    static abstract TSelf LoadHalf(ushort* source);

    /// <summary>Loads <see cref="Width"/> bfloat16 numbers and widens them, exactly.</summary>
    static abstract TSelf LoadBrainFloat(ushort* source);

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

    /// <summary>The larger of each pair of lanes.</summary>
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
/// How 16-bit floats become 32-bit ones with integer operations; .NET offers no instruction for it.
/// <code>
///     half   s eeeee mmmmmmmmmm            sign-extend to 32 bits, shift left by 13, clear the copies of the sign:
///     float  s 000eeeee mmmmmmmmmm 0...0   the exponent's bias is then 15 where 127 belongs: multiply by 2¹¹²
///     bfloat16 is the upper half of a float32: shift left by 16
/// </code>
/// The multiplication normalises subnormal halves by itself and is exact. Infinities and NaN, which no weight is, would
/// come out as large finite numbers.
/// </summary>
internal static class HalfBits
{
    public const int Shift = 13;
    public const int Mask = unchecked((int)0x8FFFE000);
    public const float Rebias = 5192296858534827628530496329220096f; // 2¹¹²
}
