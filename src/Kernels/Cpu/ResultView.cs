using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// Where a product goes and what happens on the way: scales, bias, GELU, positions, residual. All of it is done while the tile
/// is still in the first-level cache, so that no later pass over the activations is needed.
/// <code>
///     the sum over k comes in parts (blocks of the depth); y itself collects them:
///     t = (first part and not AddToOutput) ? tile · scale : y + tile · scale        (scale: of int8 weights, else 1)
///     last part:  t = t + bias;  Gelu: t = gelu(t);  positions: t = t + positions[row of the item]
///     y = t
/// </code>
/// </summary>
internal unsafe struct ResultView
{
    /// <summary>[rows, Outputs].</summary>
    public float* Data;
    public int Outputs;

    /// <summary>What each output's sum is multiplied with, readable up to a whole panel; or null.</summary>
    public float* Scales;

    /// <summary>[Outputs], readable up to a whole panel; or null.</summary>
    public float* Bias;

    /// <summary>[ItemRows, Outputs] or null.</summary>
    public float* Positions;
    public int ItemRows;
    public Epilogue Epilogue;

    /// <summary>Calls the memory of a tile into the cache, so that it is there when the products are done.</summary>
    public readonly void Prefetch(long firstRow, int rows, int column)
    {
        if (Sse.IsSupported)
        {
            float* y = Data + (firstRow * Outputs) + column;
            for (int r = 0; r < rows; r++, y += Outputs)
            {
                Sse.Prefetch0(y);
                Sse.Prefetch0(y + (PackedMatrix.PanelWidth / 2));
            }
        }
    }

    /// <summary>Takes one tile of partial sums.</summary>
    /// <param name="tile">[rows, 32].</param>
    /// <param name="firstRow">Row of the result.</param>
    /// <param name="rows">Rows that count.</param>
    /// <param name="column">First column of the result, a multiple of 32.</param>
    /// <param name="isFirst">Whether these are the first terms of the sums.</param>
    /// <param name="isLast">Whether these are the last terms of the sums.</param>
    public readonly void Take<TSimd>(float* tile, long firstRow, int rows, int column, bool isFirst, bool isLast)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        float* y = Data + (firstRow * Outputs) + column;
        int columns = Math.Min(PackedMatrix.PanelWidth, Outputs - column);
        long position = firstRow % ItemRows;
        Parts parts = new()
        {
            Scales = Scales is null ? null : Scales + column,
            Adds = !isFirst || Epilogue == Epilogue.AddToOutput,
            Gelu = isLast && Epilogue == Epilogue.Gelu,
            Bias = isLast && Bias is not null ? Bias + column : null,
            Positions = isLast && Positions is not null ? Positions + (position * Outputs) + column : null,
        };
        if (columns == PackedMatrix.PanelWidth && (parts.Positions is null || position + rows <= ItemRows))
        {
            Finish<TSimd>(tile, y, rows, Outputs, parts);
            return;
        }

        // Row by row: the positions begin anew within the tile, or the panel hangs over the end of the rows; then the
        // work is done on copies that have room.
        float* room = stackalloc float[2 * PackedMatrix.PanelWidth];
        int bytes = columns * sizeof(float);
        for (int r = 0; r < rows; r++, tile += PackedMatrix.PanelWidth, y += Outputs)
        {
            if (parts.Positions is not null)
            {
                parts.Positions = room + PackedMatrix.PanelWidth;
                Buffer.MemoryCopy(Positions + ((firstRow + r) % ItemRows * Outputs) + column, parts.Positions, bytes, bytes);
            }

            Buffer.MemoryCopy(y, room, bytes, bytes);
            Finish<TSimd>(tile, room, 1, 0, parts);
            Buffer.MemoryCopy(room, y, bytes, bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish<TSimd>(float* tile, float* y, int rows, long stride, Parts parts)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        for (; rows > 0; rows--, tile += PackedMatrix.PanelWidth, y += stride)
        {
            for (int j = 0; j < PackedMatrix.PanelWidth; j += TSimd.Width)
            {
                TSimd value = TSimd.Load(tile + j);
                if (parts.Scales is not null)
                {
                    value *= TSimd.Load(parts.Scales + j);
                }

                if (parts.Adds)
                {
                    value = TSimd.Load(y + j) + value;
                }

                if (parts.Bias is not null)
                {
                    value += TSimd.Load(parts.Bias + j);
                }

                if (parts.Gelu)
                {
                    value = VectorMath.Gelu(value);
                }

                if (parts.Positions is not null)
                {
                    value += TSimd.Load(parts.Positions + j);
                }

                value.Store(y + j);
            }

            parts.Positions = parts.Positions is null ? null : parts.Positions + stride;
        }
    }

    /// <summary>What happens to one tile.</summary>
    private struct Parts
    {
        public float* Scales;
        public bool Adds;
        public bool Gelu;
        public float* Bias;
        public float* Positions;
    }
}
