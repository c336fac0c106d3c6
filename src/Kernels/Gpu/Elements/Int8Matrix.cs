using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// How a matrix of int8 weights (<see cref="Int8Quantization"/>) lies in device memory: [outputs, inputs] codes, one byte each,
/// and behind them [outputs] float32 scales, so that one view has both. Within 64 codes of a row, each of four lanes finds in
/// one access of 16 bytes what it takes of 16-bit elements in two (see <see cref="SkinnyProduct{TElement}"/>):
/// <code>
///     in memory:    lane 0            lane 1             lane 2              lane 3
///     codes k:      0..7, 32..39      8..15, 40..47      16..23, 48..55      24..31, 56..63
/// </code>
/// So a step of int8 weights reads x as two steps of 16-bit weights do, in whole sectors and without bank conflicts.
/// </summary>
internal static class Int8Matrix
{
    /// <summary>Codes of a block; rows are made of whole ones.</summary>
    public const int Block = 64;

    /// <summary>
    /// The most outputs of a matrix that is widened for products of many rows: see
    /// <see cref="MatrixProduct{TElement}.Reserve"/>.
    /// </summary>
    public const int MostWidenedOutputs = 8192;

    private const int CodesOfHalf = 8, Lanes = 4;

    /// <summary>Bytes of a matrix.</summary>
    public static long BytesOf(long outputs, long inputs) => outputs * (inputs + sizeof(float));

    /// <summary>Where a code lies in its row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Place(int column) => (column & ~(Block - 1)) + (2 * CodesOfHalf * ((column >> 3) & 3)) + (CodesOfHalf * ((column >> 5) & 1)) + (column & 7);

    /// <summary>Brings a row into the order of <see cref="Place"/>, eight codes at a time.</summary>
    /// <param name="codes">Whole blocks.</param>
    /// <param name="row">Receives them.</param>
    public static void Arrange(ReadOnlySpan<sbyte> codes, Span<byte> row)
    {
        ReadOnlySpan<ulong> from = MemoryMarshal.Cast<sbyte, ulong>(codes);
        Span<ulong> to = MemoryMarshal.Cast<byte, ulong>(row);
        for (int i = 0; i < from.Length; i++)
        {
            to[Place(CodesOfHalf * i) / CodesOfHalf] = from[i];
        }
    }

    /// <summary>Which four columns, beginning with 4 · the result, the codes of a word of a row are of.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FourOf(int word) => (word & ~15) + (8 * ((word >> 1) & 1)) + (2 * ((word >> 2) & (Lanes - 1))) + (word & 1);

    /// <summary>An output's scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(ArrayView<Bits128> matrix, int output, int outputs, int inputs) => matrix.Cast<float>()[(outputs * (inputs / 4)) + output];

    /// <summary>Four neighbouring codes as numbers: a byte in the last place of a float of 2²³, less 2²³ and the bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four Numbers(uint codes)
    {
        uint biased = codes ^ 0x80808080; // code + 128
        return new Four(Number(biased & 255), Number((biased >> 8) & 255), Number((biased >> 16) & 255), Number(biased >> 24));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Number(uint biased) => Interop.IntAsFloat(0x4B000000 | biased) - 8388736f;
}
