namespace Handwritten.Runtime.Transcription.Words;

/// <summary>
/// The cheapest way through a matrix from its first element to its last, going down, right or both at once:
/// <code>
///     cost[i, j] = x[i, j] + min(cost[i−1, j−1], cost[i−1, j], cost[i, j−1])
///
///              frames ─>                    Each token (row) gets the frames (columns) in which its row is walked
///     tokens   ■ ■ · · · ·                  along: where the way steps down, the next token begins.
///       │      · · ■ · · ·
///       v      · · · ■ ■ ■
/// </code>
/// Time and memory: rows · columns; sums in float64. Source: openai/whisper, timing.py, dtw_cpu.
/// </summary>
internal static class DynamicTimeWarping
{
    private enum Step : byte
    {
        Both,
        Down,
        Right,
    }

    /// <summary>Row and column of each element of the way, first to last.</summary>
    /// <param name="x">[rows, columns], the price of each element.</param>
    /// <param name="rows">At least 1.</param>
    /// <param name="columns">At least 1.</param>
    public static (int[] Rows, int[] Columns) Path(ReadOnlySpan<float> x, int rows, int columns)
    {
        // A border of infinite costs before the first row and column; only one column of costs is ever looked back at.
        Step[,] steps = new Step[rows, columns];
        double[] left = new double[rows + 1], current = new double[rows + 1];
        Array.Fill(left, double.PositiveInfinity);
        left[0] = 0;
        for (int j = 0; j < columns; j++)
        {
            current[0] = double.PositiveInfinity;
            for (int i = 0; i < rows; i++)
            {
                double both = left[i], down = current[i], right = left[i + 1];

                // Ties go right, even where both other ways are equal and cheaper, as in the original.
                (double cost, steps[i, j]) = both < down && both < right ? (both, Step.Both)
                    : down < both && down < right ? (down, Step.Down)
                    : (right, Step.Right);
                current[i + 1] = x[(i * columns) + j] + cost;
            }

            (left, current) = (current, left);
        }

        return WalkBack(steps);
    }

    private static (int[] Rows, int[] Columns) WalkBack(Step[,] steps)
    {
        int i = steps.GetLength(0) - 1, j = steps.GetLength(1) - 1;
        List<int> rows = [i], columns = [j];
        while (i > 0 || j > 0)
        {
            // At an edge there is one way only.
            Step step = i == 0 ? Step.Right : j == 0 ? Step.Down : steps[i, j];
            i -= step == Step.Right ? 0 : 1;
            j -= step == Step.Down ? 0 : 1;
            rows.Add(i);
            columns.Add(j);
        }

        rows.Reverse();
        columns.Reverse();
        return ([.. rows], [.. columns]);
    }
}
