using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A tile in shared memory as wgmma reads it: rows of 64 16-bit elements, eight chunks of 16 bytes, in which chunks change
/// places by the number of their row ("128-byte swizzle"). Eight rows are 1024 bytes and begin at a multiple of that.
/// <code>
///     row 0:   0 1 2 3 4 5 6 7        a row fills all 32 banks; so does a column of eight rows,
///     row 1:   1 0 3 2 5 4 7 6        which is what the tensor cores read
///     row 2:   2 3 0 1 6 7 4 5
///     row 3:   3 2 1 0 7 6 5 4
///     ...
///     row 7:   7 6 5 4 3 2 1 0
///
///     bit of the descriptor    0 .. 13          16 .. 29            32 .. 45                          62, 63
///                              address / 16     not used here: 1    from eight rows to the next: 64    1: swizzle of 128 bytes
/// </code>
/// </summary>
internal static class SharedMatrix
{
    /// <summary>Chunks in a row.</summary>
    public const int RowChunks = 8;

    /// <summary>Bytes of a row.</summary>
    public const int RowBytes = 16 * RowChunks;

    /// <summary>The bytes that the pattern of changed places repeats after: tiles begin at multiples.</summary>
    public const int Alignment = 8 * RowBytes;

    private const ulong Swizzle128 = 1ul << 62, NextEightRows = (ulong)(Alignment / 16) << 32, NotUsed = 1ul << 16;

    /// <summary>Bytes from a tile's beginning to a chunk.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Place(int row, int chunk) => (row * RowBytes) + (16 * (chunk ^ (row & 7)));

    /// <summary>
    /// Describes the tile at an address; its rows begin with the tile's. 16 elements of k further on are two chunks: places are
    /// changed as addresses are computed, so that to add 2 to a descriptor is enough.
    /// </summary>
    /// <param name="address">In shared memory; a multiple of <see cref="Alignment"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Describe(int address) => (uint)address / 16 | NotUsed | NextEightRows | Swizzle128;
}
