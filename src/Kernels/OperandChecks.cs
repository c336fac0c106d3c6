namespace Handwritten.Kernels;

/// <summary>
/// What every back end checks in front of an operation, since behind it there are only pointers. The messages tell both sides
/// of a contradiction.
/// </summary>
internal static class OperandChecks
{
    /// <summary>Rows must be as wide as an operation takes them.</summary>
    /// <exception cref="ArgumentException">They are not.</exception>
    public static void RequireWidth(int width, int needed, string what)
    {
        if (width != needed)
        {
            throw new ArgumentException($"{what} that is {needed} wide got rows of {width}.");
        }
    }

    /// <summary>Heads must share a width evenly.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    public static void RequireHeads(int heads, int width)
    {
        if (heads < 1 || width % heads != 0)
        {
            throw new ArgumentException($"A width of {width} cannot be shared out to {heads} heads.", nameof(heads));
        }
    }

    /// <summary>Frames of a spectrogram [any, mels] must fit one of the windows [batch, frames, mels].</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    public static void RequireFrames(Tensor mel, int first, int count, Tensor windows, int index)
    {
        int mels = windows.Shape[^1], frames = windows.Shape[^2];
        if (mel.Shape[^1] != mels || first < 0 || count < 0 || count > frames || index < 0)
        {
            throw new ArgumentException($"{count} frames of {mel.Shape[^1]} mel bands from frame {first} do not fit a window of {frames} frames of {mels}.");
        }
    }

    /// <summary>The rows of a pass must name tokens and positions that the tables have.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A token or a position is in no table.</exception>
    public static void RequireEmbeddings(DecoderRows rows, int tokens, int positions)
    {
        for (int row = 0; row < rows.Count; row++)
        {
            if ((uint)rows.Tokens[row] >= (uint)tokens)
            {
                throw new ArgumentOutOfRangeException(nameof(rows), rows.Tokens[row], $"There are {tokens} tokens.");
            }

            if ((uint)rows.Positions[row] >= (uint)positions)
            {
                throw new ArgumentOutOfRangeException(nameof(rows), rows.Positions[row], $"There are {positions} positions.");
            }
        }
    }

    /// <summary>A cache must have an entry of a lane.</summary>
    /// <exception cref="ArgumentException">It does not.</exception>
    public static void RequireEntry(int lane, int entry, int lanes, int length)
    {
        if ((uint)lane >= (uint)lanes || (uint)entry >= (uint)length)
        {
            throw new ArgumentException($"Entry {entry} of lane {lane} is outside a cache of {lanes} lanes of {length} entries.");
        }
    }

    /// <summary>A cache must have the audio windows that the rows of a pass listen to.</summary>
    /// <exception cref="ArgumentException">It does not.</exception>
    public static void RequireWindows(DecoderRows rows, int lanes, int length)
    {
        foreach (int window in rows.Windows)
        {
            RequireEntry(window, length - 1, lanes, length);
        }
    }
}
