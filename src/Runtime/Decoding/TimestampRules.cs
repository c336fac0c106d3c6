using Handwritten.Kernels;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// The grammar of timestamps. A window reads
/// <code>
///     &lt;|0.00|&gt; text text &lt;|2.40|&gt;&lt;|2.40|&gt; text &lt;|5.12|&gt; ... end
/// </code>
/// so: it begins with a timestamp (at most the initial limit); timestamps come in pairs except at the two ends; they
/// never decrease, and a closing one lies behind its opening one; and where all timestamps together are more probable
/// than any single other token, it is a timestamp's turn. Source: openai/whisper, decoding.py, ApplyTimestampRules.
/// </summary>
/// <param name="special">Where the timestamps begin and the text ends in the vocabulary.</param>
/// <param name="maxInitialIndex">The latest first timestamp, in steps of 0.02 s; null for no limit.</param>
public sealed class TimestampRules(SpecialTokens special, int? maxInitialIndex) : ILogitRule
{
    /// <inheritdoc/>
    public void Apply(Span<float> logits, ReadOnlySpan<int> sampled)
    {
        int timestampBegin = special.TimestampBegin;
        logits[special.NoTimestamps] = float.NegativeInfinity;

        if (sampled.IsEmpty)
        {
            logits[..timestampBegin].Fill(float.NegativeInfinity);
            if (maxInitialIndex is int limit && timestampBegin + limit + 1 < logits.Length)
            {
                logits[(timestampBegin + limit + 1)..].Fill(float.NegativeInfinity);
            }
        }
        else
        {
            bool afterTimestamp = sampled[^1] >= timestampBegin;
            bool pairIsComplete = sampled.Length < 2 || sampled[^2] >= timestampBegin;
            if (afterTimestamp && pairIsComplete)
            {
                logits[timestampBegin..].Fill(float.NegativeInfinity);
            }
            else if (afterTimestamp)
            {
                logits[..special.EndOfText].Fill(float.NegativeInfinity);
            }

            int lastTimestamp = sampled.LastIndexOfAnyInRange(timestampBegin, int.MaxValue);
            if (lastTimestamp >= 0)
            {
                // A segment that has just been closed may be followed by one that opens at the same time; any other
                // timestamp must be later than the last, or the window could repeat itself for ever.
                int earliest = sampled[lastTimestamp] + (afterTimestamp && !pairIsComplete ? 0 : 1);
                logits[timestampBegin..Math.Min(earliest, logits.Length)].Fill(float.NegativeInfinity);
            }
        }

        float timestamps = VocabularySoftmax.LogSumExp(logits[timestampBegin..]);
        if (timestamps > VocabularySoftmax.Max(logits[..timestampBegin]))
        {
            logits[..timestampBegin].Fill(float.NegativeInfinity);
        }
    }
}
