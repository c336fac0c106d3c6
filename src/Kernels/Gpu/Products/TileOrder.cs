using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Which tile of the result a block computes. Blocks run through eight tiles of rows before they go on to the next columns, so
/// that those that run at the same time meet in few rows and columns, which the L2 cache then holds.
/// <code>
///     0  8 16 24 ...
///     1  9 17 25
///     ...
///     7 15 23 31
///     next eight
/// </code>
/// </summary>
internal readonly struct TileOrder(int row, int column)
{
    private const int Group = 8;

    /// <summary>First row of the tile.</summary>
    public readonly int Row = row;

    /// <summary>First column of the tile.</summary>
    public readonly int Column = column;

    /// <summary>The tile of this block.</summary>
    /// <param name="result">What is divided into tiles.</param>
    /// <param name="height">Rows of a tile.</param>
    /// <param name="width">Columns of a tile.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TileOrder Of(ProductResult result, int height, int width)
    {
        int rowTiles = (result.Rows + height - 1) / height, columnTiles = (result.Outputs + width - 1) / width;
        int group = Grid.IdxX / (Group * columnTiles);
        int inGroup = Grid.IdxX - (group * Group * columnTiles);
        int tiles = Math.Min(Group, rowTiles - (group * Group));
        int column = inGroup / tiles;
        return new TileOrder(((group * Group) + inGroup - (column * tiles)) * height, column * width);
    }
}
