using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// Matrices as mma spreads them over the lanes of a warp, and their product. All of mma's layouts are one, in blocks of
/// eight rows: lane 4r + t of a register has row r of the block, and of that row the t-th word; a word holds e elements
/// (e = 1, 2, 4 for 32, 16, 8 bits). So a register, as it lies in the frame, is eight rows of 16 bytes:
///
///               k = 0 … e-1   e … 2e-1   2e … 3e-1   3e … 4e-1
///     row 0    │  lane 0   │  lane 1   │  lane 2   │  lane 3   │     A: rows are rows of A, k goes along them;
///     row 1    │  lane 4   │  lane 5   │  lane 6   │  lane 7   │        registers: rows 0-7, rows 8-15, then the next 4e k
///       …                                                            B: the same of Bᵀ: "rows" are the columns n
///     row 7    │  lane 28  │  lane 29  │  lane 30  │  lane 31  │     C, D: lane 4r + t has columns 2t (in one register)
///                                                                       and 2t + 1 (in the next, or the upper half)
///
/// Registers are decoded to float tiles of 32 numbers, one tile for each of the e elements:
///
///     A, C    tile[4·row + t]                        the lanes' order
///     B       tile[8·t + n'], n' = 0 2 4 6 1 3 5 7   transposed; n' is the order in which C's two registers have the columns
///
/// <c>Multiply</c> adds the products in the order of k, one fused multiply-add after another, beginning with C:
///
///     d = fma(a[K-1], b[K-1], … fma(a[1], b[1], fma(a[0], b[0], c)))
///
/// Each product is exact, each sum is rounded to nearest float32. (Tensor cores add several products at once, with fewer
/// bits and an order that the manual leaves open: a result may differ from theirs in its last bits.)
/// </summary>
internal static unsafe class MatrixTiles
{
    /// <summary>Numbers of a tile.</summary>
    public const int Length = 32;

    /// <summary>Decodes a register of A or C: <typeparamref name="TElement"/>'s PerWord tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode<TElement>(byte* register, float* tiles)
        where TElement : struct, IMatrixElement
    {
        Vector512<uint> low = Lanes.Load<uint>(register, 0);
        Vector512<uint> high = Lanes.Load<uint>(register, 1);
        for (int i = 0; i < TElement.PerWord; i++)
        {
            TElement.Decode(low, i).Store(tiles + Length * i);
            TElement.Decode(high, i).Store(tiles + Length * i + 16);
        }
    }

    /// <summary>Brings the words of a register of B into the order of B's tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(byte* register, uint* words)
    {
        for (int n = 0; n < 8; n++)
        {
            uint* row = (uint*)register + 4 * n;
            uint* column = words + n / 2 + 4 * (n % 2);
            column[0] = row[0];
            column[8] = row[1];
            column[16] = row[2];
            column[24] = row[3];
        }
    }

    /// <summary>c += a · b, for matrices of float tiles.</summary>
    /// <param name="a">[k blocks][row blocks][perWord] tiles.</param>
    /// <param name="b">[k blocks][perWord] tiles.</param>
    /// <param name="c">[row blocks][2] tiles: even columns, odd columns.</param>
    /// <param name="rowBlocks">Rows of A and C, in eights.</param>
    /// <param name="kBlocks">Registers along k.</param>
    /// <param name="perWord">Elements of a word.</param>
    public static void Multiply(float* a, float* b, float* c, int rowBlocks, int kBlocks, int perWord)
    {
        for (int block = 0; block < rowBlocks; block++)
        {
            float* even = c + 2 * Length * block;
            float* odd = even + Length;
            Vector256<float> sum0 = Vector256.Create(Vector128.Load(even), Vector128.Load(odd));
            Vector256<float> sum1 = Vector256.Create(Vector128.Load(even + 4), Vector128.Load(odd + 4));
            Vector256<float> sum2 = Vector256.Create(Vector128.Load(even + 8), Vector128.Load(odd + 8));
            Vector256<float> sum3 = Vector256.Create(Vector128.Load(even + 12), Vector128.Load(odd + 12));
            Vector256<float> sum4 = Vector256.Create(Vector128.Load(even + 16), Vector128.Load(odd + 16));
            Vector256<float> sum5 = Vector256.Create(Vector128.Load(even + 20), Vector128.Load(odd + 20));
            Vector256<float> sum6 = Vector256.Create(Vector128.Load(even + 24), Vector128.Load(odd + 24));
            Vector256<float> sum7 = Vector256.Create(Vector128.Load(even + 28), Vector128.Load(odd + 28));
            for (int k = 0; k < kBlocks; k++)
            {
                float* columns = a + Length * perWord * (k * rowBlocks + block);
                float* rows = b + Length * perWord * k;
                for (int t = 0; t < 4; t++, columns++, rows += 8)
                {
                    for (int i = 0; i < perWord; i++)
                    {
                        float* column = columns + Length * i;
                        Vector256<float> row = Vector256.Load(rows + Length * i);
                        sum0 = Vector256.FusedMultiplyAdd(Vector256.Create(column[0]), row, sum0);
                        sum1 = Vector256.FusedMultiplyAdd(Vector256.Create(column[4]), row, sum1);
                        sum2 = Vector256.FusedMultiplyAdd(Vector256.Create(column[8]), row, sum2);
                        sum3 = Vector256.FusedMultiplyAdd(Vector256.Create(column[12]), row, sum3);
                        sum4 = Vector256.FusedMultiplyAdd(Vector256.Create(column[16]), row, sum4);
                        sum5 = Vector256.FusedMultiplyAdd(Vector256.Create(column[20]), row, sum5);
                        sum6 = Vector256.FusedMultiplyAdd(Vector256.Create(column[24]), row, sum6);
                        sum7 = Vector256.FusedMultiplyAdd(Vector256.Create(column[28]), row, sum7);
                    }
                }
            }

            Put(sum0, even, odd);
            Put(sum1, even + 4, odd + 4);
            Put(sum2, even + 8, odd + 8);
            Put(sum3, even + 12, odd + 12);
            Put(sum4, even + 16, odd + 16);
            Put(sum5, even + 20, odd + 20);
            Put(sum6, even + 24, odd + 24);
            Put(sum7, even + 28, odd + 28);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector256<float> sum, float* even, float* odd)
    {
        sum.GetLower().Store(even);
        sum.GetUpper().Store(odd);
    }
}
