using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// Where a product goes and what happens on the way: bias, GELU, positions, residual. All of it is done while the tile
/// is still in the first-level cache, so that no later pass over the activations is needed.
/// <code>
///     the sum over k comes in parts (blocks of the depth); y itself collects them:
///     t = (first part and not AddToOutput) ? tile : y + tile
///     last part:  t = t + bias;  Gelu: t = gelu(t);  positions: t = t + positions[row of the item]
///     y = t
/// </code>
/// </summary>
internal unsafe struct ResultView
{
    /// <summary>[rows, Outputs].</summary>
    public float* Data;
    public int Outputs;

    /// <summary>[Outputs], readable up to a whole panel; or null.</summary>
    public float* Bias;

    /// <summary>[ItemRows, Outputs] or null.</summary>
    public float* Positions;
    public int ItemRows;
    public Epilogue Epilogue;

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
        int columns = Math.Min(PackedMatrix.PanelWidth, Outputs - column);
        bool adds = !isFirst || Epilogue == Epilogue.AddToOutput;
        float* bias = isLast && Bias is not null ? Bias + column : null;
        bool gelu = isLast && Epilogue == Epilogue.Gelu;
        float* edge = stackalloc float[2 * PackedMatrix.PanelWidth];
        for (int r = 0; r < rows; r++, tile += PackedMatrix.PanelWidth)
        {
            float* y = Data + ((firstRow + r) * Outputs) + column;
            float* positions = isLast && Positions is not null
                ? Positions + ((firstRow + r) % ItemRows * Outputs) + column
                : null;
            if (columns == PackedMatrix.PanelWidth)
            {
                Finish<TSimd>(tile, y, adds, bias, gelu, positions);
                continue;
            }

            // The last panel hangs over the row's end: work on copies that have room.
            int bytes = columns * sizeof(float);
            Buffer.MemoryCopy(y, edge, bytes, bytes);
            float* edgePositions = null;
            if (positions is not null)
            {
                edgePositions = edge + PackedMatrix.PanelWidth;
                Buffer.MemoryCopy(positions, edgePositions, bytes, bytes);
            }

            Finish<TSimd>(tile, edge, adds, bias, gelu, edgePositions);
            Buffer.MemoryCopy(edge, y, bytes, bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish<TSimd>(float* tile, float* y, bool adds, float* bias, bool gelu, float* positions)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        for (int j = 0; j < PackedMatrix.PanelWidth; j += TSimd.Width)
        {
            TSimd value = TSimd.Load(tile + j);
            if (adds)
            {
                value = TSimd.Load(y + j) + value;
            }

            if (bias is not null)
            {
                value += TSimd.Load(bias + j);
            }

            if (gelu)
            {
                value = VectorMath.Gelu(value);
            }

            if (positions is not null)
            {
                value += TSimd.Load(positions + j);
            }

            value.Store(y + j);
        }
    }
}
