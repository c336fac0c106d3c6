namespace Handwritten.Kernels.Gpu;

/// <summary>A size of tiles, and what a launch needs for it.</summary>
/// <param name="Rows">Rows of the result in a tile.</param>
/// <param name="Columns">Columns of the result in a tile.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="SharedChunks">Dynamic shared memory of a block, in chunks of 16 bytes.</param>
/// <param name="IsOfWarpgroups">Whether warpgroups multiply, or warps.</param>
internal readonly record struct TileSize(int Rows, int Columns, int Threads, int SharedChunks, bool IsOfWarpgroups)
{
    /// <summary>64 x 64 by four warps.</summary>
    public static readonly TileSize Small = OfWarps(64);

    /// <summary>128 x 128 by eight warps: half the traffic of the small one.</summary>
    public static readonly TileSize Large = OfWarps(128);

    /// <summary>128 x 128 by two warpgroups.</summary>
    public static readonly TileSize Square = Of<Tile128x128>();

    /// <summary>128 x 256 by two warpgroups.</summary>
    public static readonly TileSize Wide = Of<WideTile<TwoWarpgroups>>();

    /// <summary>192 x 256 by three warpgroups.</summary>
    public static readonly TileSize Widest = Of<WideTile<ThreeWarpgroups>>();

    /// <summary>Those of warpgroups.</summary>
    public static IReadOnlyList<TileSize> OfWarpgroups { get; } = [Square, Wide, Widest];

    /// <summary>Blocks that have to fit a multiprocessor at once, so that one multiplies while others load or store.</summary>
    public int BlocksAtOnce(int computeCapability) => this == Wide || this == Widest ? 1 : (computeCapability >= 80 ? 2 : 1) * (this == Small ? 2 : 1);

    private static TileSize OfWarps(int side) => new(side, side, 2 * side, TiledProduct.Stages * 2 * side * Swizzle.RowChunks, false);

    private static TileSize Of<TTile>()
        where TTile : struct, IWarpgroupTile => new(
            TTile.Rows, TTile.Columns, 2 * TTile.Rows,
            (TTile.Stages * (TTile.Rows + TTile.Columns) * SharedMatrix.RowChunks) + (SharedMatrix.Alignment / 16), true); // to begin at a multiple of that
}
