namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// The 64 bits by which wgmma finds a matrix in shared memory. All offsets are in units of 16 bytes:
///
///     bit  0 … 13         16 … 29                32 … 45               49 … 51        62 … 63
///          start address  leading byte offset    stride byte offset    base offset    swizzle: 0 none, 1 128, 2 64, 3 32 bytes
///
/// A matrix is made of pieces of 8 x 8 elements: eight chunks of 16 bytes. Along rows of k (K-major, as mma has both factors)
/// a chunk is eight elements of k, and the chunks of a piece are rows; transposed (MN-major) it is eight rows, and the chunks
/// are elements of k. With a swizzle of w bytes (16 without one) there are w bytes from one chunk of a piece to the next, and
///
///     K-major      next eight rows: stride offset       next eight of k: 16 bytes on, without swizzle leading offset
///     MN-major     next eight rows: 16 bytes on, and after each w bytes leading offset (without swizzle: stride offset)
///                                                       next eight of k: stride offset, without swizzle leading offset
///
/// A swizzle exchanges the chunks within w bytes, by the number of the 128-byte line that they are in: bits 4, 5, 6 of the
/// address are combined with bits 7, 8, 9 by exclusive or (128 bytes; the lower two pairs, or one, for 64 and 32). Lines
/// count from where the base offset says that the pattern begins.
///     PTX ISA 8.8, 9.7.15.5.1, "Register Fragments and Shared Memory Matrix Layouts"
/// </summary>
internal readonly record struct MatrixDescriptor(ulong Bits)
{
    /// <summary>Bytes of a chunk.</summary>
    public const int ChunkBytes = 16;

    private int Start => Field(0, 14) * ChunkBytes;

    private int Leading => Field(16, 14) * ChunkBytes;

    private int Stride => Field(32, 14) * ChunkBytes;

    private int BaseOffset => Field(49, 3);

    // Chunks that the swizzle exchanges with each other.
    private int Exchanged => Field(62, 2) switch
    {
        0 => 1,
        var mode => 16 >> mode,
    };

    /// <summary>The shared address of a chunk.</summary>
    /// <param name="isTransposed">Whether the matrix is MN-major.</param>
    /// <param name="rows">Which eight rows (columns, for the second factor).</param>
    /// <param name="depth">Which eight of k: 0 or 1.</param>
    /// <param name="chunk">Which chunk of that piece, from 0 to 7.</param>
    public int Place(bool isTransposed, int rows, int depth, int chunk)
    {
        int exchanged = Exchanged;
        bool isPlain = exchanged == 1;
        (int alongRows, int alongDepth) = (isPlain, isTransposed) switch
        {
            (true, _) => (rows * Stride, depth * Leading),
            (false, false) => (rows * Stride, depth * ChunkBytes),
            (false, true) => (rows % exchanged * ChunkBytes + rows / exchanged * Leading, depth * Stride),
        };
        int address = Start + alongRows + alongDepth + chunk * exchanged * ChunkBytes;
        return address ^ ((((address >> 7) - BaseOffset) & (exchanged - 1)) * ChunkBytes);
    }

    private int Field(int first, int bits) => (int)(Bits >> first) & ((1 << bits) - 1);
}
