using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Where chunks of 16 bytes lie in shared memory, for tiles whose rows are four chunks long. Shared memory delivers 128
/// bytes at a time if they fall into different banks, and tiles are read by columns, eight rows of one chunk at a time:
/// without a permutation, two rows fill the banks and the third falls upon the first.
/// <code>
///     row 0, 1:   0 1 2 3   0 1 2 3         eight rows of chunk 0: all eight places of 16 bytes
///     row 2, 3:   1 0 3 2   1 0 3 2
///     row 4, 5:   2 3 0 1   2 3 0 1
///     row 6, 7:   3 2 1 0   3 2 1 0
/// </code>
/// </summary>
internal static class Swizzle
{
    /// <summary>Chunks in a row of a tile.</summary>
    public const int RowChunks = 4;

    /// <summary>The place of a chunk, in units of 16 bytes from the tile's beginning.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Place(int row, int chunk) => (row * RowChunks) + (chunk ^ ((row >> 1) & 3));
}
