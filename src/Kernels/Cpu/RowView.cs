using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// The rows on the left side of a product, as windows on memory that may overlap and may hang over the ends:
/// row r of item b covers <see cref="Length"/> floats from r · <see cref="Stride"/> + <see cref="Offset"/> within the
/// item's <see cref="ItemLength"/> floats; outside of these it is zero.
/// <code>
///     a matrix:        one item; stride = length = inputs; offset 0
///     a convolution:   items are audio windows, frames of c channels; a row is three frames in a line:
///                      length = 3c, stride = (1 or 2)·c, offset = −c, so that the first row starts in the padding
///         item:          [ f0 ][ f1 ][ f2 ][ f3 ] ...
///         row 0:  [ 0  ][ f0 ][ f1 ]
///         row 1:         [ f0 ][ f1 ][ f2 ]
/// </code>
/// </summary>
internal unsafe struct RowView
{
    public float* Data;
    public int Length;
    public long ItemLength;
    public int ItemRows;
    public long Stride;
    public long Offset;

    /// <summary>The rows of a matrix [rows, inputs] whose rows lie <paramref name="stride"/> floats apart.</summary>
    public static RowView OfMatrix(float* data, int rows, int inputs, long stride) => new()
    {
        Data = data,
        Length = inputs,
        ItemLength = (rows - 1) * stride + inputs,
        ItemRows = rows,
        Stride = stride,
    };

    /// <summary>
    /// Packs rows for <see cref="TileKernel"/>: result[k][r] = row (first + r)[start + k], zero for r ≥ count.
    /// </summary>
    /// <param name="first">First row, counted over all items.</param>
    /// <param name="count">Rows to take.</param>
    /// <param name="tileRows">Rows of the result, at most 32.</param>
    /// <param name="start">First column.</param>
    /// <param name="depth">Columns.</param>
    /// <param name="packed">Result [depth, tileRows].</param>
    /// <param name="spare">Room for [tileRows, depth] floats, for rows that hang over an end.</param>
    public readonly void Pack(long first, int count, int tileRows, int start, int depth, float* packed, float* spare)
    {
        float** rows = stackalloc float*[tileRows];
        for (int r = 0; r < tileRows; r++)
        {
            rows[r] = spare + ((long)r * depth);
            if (r >= count)
            {
                new Span<float>(rows[r], depth).Clear();
                continue;
            }

            (long item, long row) = Math.DivRem(first + r, (long)ItemRows);
            long from = (row * Stride) + Offset + start;
            float* origin = Data + (item * ItemLength);
            if (from >= 0 && from + depth <= ItemLength)
            {
                rows[r] = origin + from;
                continue;
            }

            for (int k = 0; k < depth; k++)
            {
                rows[r][k] = from + k >= 0 && from + k < ItemLength ? origin[from + k] : 0f;
            }
        }

        Interleave(rows, tileRows, depth, packed);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Interleave(float** rows, int tileRows, int depth, float* packed)
    {
        int r = 0;
        for (; r + 4 <= tileRows; r += 4)
        {
            float* a = rows[r], b = rows[r + 1], c = rows[r + 2], d = rows[r + 3], to = packed + r;
            for (int k = 0; k < depth; k++, to += tileRows)
            {
                Vector128.Create(a[k], b[k], c[k], d[k]).Store(to);
            }
        }

        for (; r < tileRows; r++)
        {
            float* a = rows[r], to = packed + r;
            for (int k = 0; k < depth; k++, to += tileRows)
            {
                *to = a[k];
            }
        }
    }
}
