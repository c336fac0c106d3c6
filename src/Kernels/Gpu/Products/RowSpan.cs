using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// One row of a factor, as a run of 16-byte chunks in memory of which only some count: chunk c of the row is element
/// Base + c of the tensor if it is one of the Count chunks from First on, and zero elsewhere. So a tile may hang over the
/// end of a matrix, and a convolution over the end of a window.
/// </summary>
internal struct RowSpan(int @base, int first, int count)
{
    public int Base = @base;
    public int First = first;
    public int Count = count;

    /// <summary>Bytes to read of a chunk: 16, or 0 where zeros stand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int BytesOf(int chunk) => (uint)(chunk - First) < (uint)Count ? 16 : 0;
}

/// <summary>Where the rows of the first factor lie, as a policy that is compiled into a kernel.</summary>
internal interface IRows
{
    /// <summary>A row; one without chunks where there is none.</summary>
    RowSpan Row(int row);
}

/// <summary>The rows of a matrix, one behind the other.</summary>
internal struct DenseRows(int count, int chunks) : IRows
{
    public int Count = count;
    public int Chunks = chunks;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly RowSpan Row(int row) => new(row * Chunks, 0, row < Count ? Chunks : 0);
}

/// <summary>
/// The rows of a convolution of width 3 with padding 1, as a matrix product sees them: what output frame t of a window
/// listens to are the three input frames from t · stride − 1 on, and frames lie one behind the other, so that the row is
/// contiguous memory and overlaps its neighbours. What is beyond the window's ends is zero.
/// <code>
///     window:        | frame 0 | frame 1 | frame 2 | frame 3 |        stride 1
///     row 0:   0 . . . . . . . . . . . . .
///     row 1:         . . . . . . . . . . . . . . .
///     row 3:                             . . . . . . . . . . . . . 0
/// </code>
/// </summary>
internal struct ConvolutionRows(int count, int steps, int frames, int chunks, int stride) : IRows
{
    public int Count = count;   // rows: windows · steps
    public int Steps = steps;   // output frames of a window
    public int Frames = frames; // input frames of a window
    public int Chunks = chunks; // of a frame
    public int Stride = stride;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly RowSpan Row(int row)
    {
        int window = row / Steps;
        int begin = (((row - (window * Steps)) * Stride) - 1) * Chunks; // in the window; negative for its first row
        int first = Math.Max(-begin, 0);
        int end = Math.Min(3 * Chunks, (Frames * Chunks) - begin);
        return new RowSpan((window * Frames * Chunks) + begin, first, row < Count ? end - first : 0);
    }
}
