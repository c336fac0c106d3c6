namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Which of several texts is the best: the sum of log-probabilities grows with the length, so it is divided by
/// <code>
///     the number of tokens                              without a length penalty
///     ((5 + tokens) / 6) ^ penalty                      with one: 0 compares the bare sums, 1 nearly the means
/// </code>
/// Source: openai/whisper, decoding.py, MaximumLikelihoodRanker.
/// </summary>
/// <remarks>The original fails with a division by zero for a text without tokens; here it counts as one token, its end.</remarks>
public static class SequenceRanker
{
    /// <summary>Index of the best text, the first one on a tie.</summary>
    public static int Best(IReadOnlyList<Candidate> candidates, double? lengthPenalty)
    {
        int best = 0;
        for (int i = 1; i < candidates.Count; i++)
        {
            if (Score(candidates[i], lengthPenalty) > Score(candidates[best], lengthPenalty))
            {
                best = i;
            }
        }

        return best;
    }

    /// <summary>What is compared.</summary>
    public static double Score(Candidate candidate, double? lengthPenalty)
    {
        int length = candidate.Tokens.Count;
        return candidate.SumLogProbability / (lengthPenalty is double penalty ? Math.Pow((5 + length) / 6.0, penalty) : Math.Max(1, length));
    }
}
