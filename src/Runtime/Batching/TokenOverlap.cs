namespace Handwritten.Runtime.Batching;

/// <summary>A token, and when the word was said that it is part of; zeros where that is not known.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Start">Beginning of the word in the recording, in seconds.</param>
/// <param name="End">End of the word in the recording, in seconds.</param>
/// <param name="Probability">Mean probability of the word's tokens.</param>
internal readonly record struct TimedToken(int Token, double Start = 0, double End = 0, double Probability = 0);

/// <summary>
/// Puts texts together of which each begins with what the one before ends with, more or less. One text slides along the
/// other; where the largest share of the tokens under each other is equal, that is the overlap, and its left half is taken
/// from the left text, its right half from the right one, each farther from its window's edge.
/// <code>
///     a b c d e f X              X and Y are mistakes at the edges of the windows
///           Y e f g h            overlap: d e f X | Y e f g, of which e and f are equal
///     a b c d e │ f g h
/// </code>
/// Source: Hugging Face transformers, tokenization_whisper.py, _find_longest_common_sequence. The original demands, if it
/// looks for words, that the times of equal tokens be in order as well; here the text is the same with words and without.
/// </summary>
internal static class TokenOverlap
{
    /// <summary>Long overlaps are favoured a little: by this for each token.</summary>
    private const double BonusPerToken = 1e-4;

    /// <summary>Puts together.</summary>
    /// <param name="texts">The texts in order, at least one.</param>
    public static TimedToken[] Merge(IReadOnlyList<TimedToken[]> texts)
    {
        List<TimedToken> merged = [];
        ReadOnlySpan<TimedToken> left = texts[0];
        for (int i = 1; i < texts.Count; i++)
        {
            TimedToken[] right = texts[i];
            (int leftMiddle, int rightMiddle) = FindMiddle(left, right);
            merged.AddRange(left[..leftMiddle]);
            left = right.AsSpan(rightMiddle);
        }

        merged.AddRange(left);
        return [.. merged];
    }

    /// <summary>The middle of the overlap in the left and in the right text; the left one's end and 0 if there is none.</summary>
    private static (int Left, int Right) FindMiddle(ReadOnlySpan<TimedToken> left, ReadOnlySpan<TimedToken> right)
    {
        (int Left, int Right) middle = (left.Length, 0);
        double best = 0;
        for (int shift = 1; shift < left.Length + right.Length; shift++)
        {
            // The right text's first token lies under the left one's token Length − shift.
            int leftStart = Math.Max(0, left.Length - shift), leftEnd = Math.Min(left.Length, left.Length + right.Length - shift);
            int rightStart = Math.Max(0, shift - left.Length), rightEnd = Math.Min(right.Length, shift);
            int equal = 0;
            for (int i = 0; i < leftEnd - leftStart; i++)
            {
                equal += left[leftStart + i].Token == right[rightStart + i].Token ? 1 : 0;
            }

            double score = ((double)equal / shift) + (shift * BonusPerToken);
            if (equal > 1 && score > best)
            {
                best = score;
                middle = ((leftStart + leftEnd) / 2, (rightStart + rightEnd) / 2);
            }
        }

        return middle;
    }
}
