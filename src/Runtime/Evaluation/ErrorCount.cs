using System.Text;

namespace Handwritten.Runtime.Evaluation;

/// <summary>How two sequences differ: the fewest changes that make one the other.</summary>
/// <param name="Length">Elements of the reference.</param>
/// <param name="Substitutions">Elements that are others.</param>
/// <param name="Deletions">Elements that are missing.</param>
/// <param name="Insertions">Elements that are too many.</param>
public readonly record struct ErrorCount(int Length, int Substitutions, int Deletions, int Insertions)
{
    /// <summary>All changes.</summary>
    public int Errors => Substitutions + Deletions + Insertions;

    /// <summary>Changes for each element of the reference; may be above 1. Of an empty reference: 0 if nothing was added, else 1.</summary>
    public double Rate => Length > 0 ? (double)Errors / Length : Errors > 0 ? 1 : 0;

    /// <summary>Both together, as if the texts stood one behind the other.</summary>
    public static ErrorCount operator +(ErrorCount left, ErrorCount right) => new(
        left.Length + right.Length, left.Substitutions + right.Substitutions, left.Deletions + right.Deletions, left.Insertions + right.Insertions);

    /// <summary>The word errors of a text; their rate is the WER.</summary>
    /// <param name="reference">What was said, in its normal form.</param>
    /// <param name="hypothesis">What was heard, in its normal form.</param>
    public static ErrorCount OfWords(string reference, string hypothesis) =>
        Of<string>(PythonPattern.Split(reference), PythonPattern.Split(hypothesis));

    /// <summary>The character errors of a text, blanks between words included; their rate is the CER.</summary>
    /// <param name="reference">What was said, in its normal form.</param>
    /// <param name="hypothesis">What was heard, in its normal form.</param>
    public static ErrorCount OfCharacters(string reference, string hypothesis) =>
        Of<Rune>(Characters(reference), Characters(hypothesis));

    /// <summary>Counts the changes between two sequences.</summary>
    public static ErrorCount Of<T>(ReadOnlySpan<T> reference, ReadOnlySpan<T> hypothesis)
        where T : IEquatable<T>
    {
        // What is close to the diagonal of the table is enough as long as the errors are fewer than the band is wide.
        for (int band = Math.Abs(reference.Length - hypothesis.Length) + 64; ; band *= 2)
        {
            ErrorCount count = Of(reference, hypothesis, band);
            if (count.Errors <= band || band >= Math.Max(reference.Length, hypothesis.Length))
            {
                return count;
            }
        }
    }

    private static Rune[] Characters(string text) => [.. string.Join(' ', PythonPattern.Split(text)).EnumerateRunes()];

    // Levenshtein's table, of which two rows are kept: cell [i, j] is the best way from the first i elements of the
    // reference to the first j of the hypothesis.
    //
    //        j-1      j
    //  i-1   same or other element (substitution)   ↓ one is missing (deletion)
    //  i     → one too many (insertion)             the best of the three
    private static ErrorCount Of<T>(ReadOnlySpan<T> reference, ReadOnlySpan<T> hypothesis, int band)
        where T : IEquatable<T>
    {
        Cell[] above = new Cell[hypothesis.Length + 1], row = new Cell[hypothesis.Length + 1];
        for (int j = 0; j <= hypothesis.Length; j++)
        {
            above[j] = j <= band ? new Cell(j, 0, 0, j) : Cell.OutsideBand;
        }

        for (int i = 1; i <= reference.Length; i++)
        {
            int first = Math.Max(0, i - band), last = (int)Math.Min(hypothesis.Length, (long)i + band);
            if (first > 0)
            {
                row[first - 1] = Cell.OutsideBand;
            }

            for (int j = first; j <= last; j++)
            {
                Cell best = above[j] with { Errors = above[j].Errors + 1, Deletions = above[j].Deletions + 1 };
                if (j > 0)
                {
                    Cell diagonal = above[j - 1];
                    Cell kept = reference[i - 1].Equals(hypothesis[j - 1])
                        ? diagonal
                        : diagonal with { Errors = diagonal.Errors + 1, Substitutions = diagonal.Substitutions + 1 };
                    Cell inserted = row[j - 1] with { Errors = row[j - 1].Errors + 1, Insertions = row[j - 1].Insertions + 1 };
                    best = kept.Errors <= best.Errors ? kept : best;
                    best = inserted.Errors < best.Errors ? inserted : best;
                }

                row[j] = best;
            }

            if (last < hypothesis.Length)
            {
                row[last + 1] = Cell.OutsideBand;
            }

            (above, row) = (row, above);
        }

        Cell end = above[^1];
        return new ErrorCount(reference.Length, end.Substitutions, end.Deletions, end.Insertions);
    }

    private readonly record struct Cell(int Errors, int Substitutions, int Deletions, int Insertions)
    {
        // Large, but not so large that one more overflows.
        public static Cell OutsideBand { get; } = new(int.MaxValue / 2, 0, 0, 0);
    }
}
