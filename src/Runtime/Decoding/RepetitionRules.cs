namespace Handwritten.Runtime.Decoding;

/// <summary>
/// What the window already says becomes less probable: a token's positive logit is divided by the penalty, a negative one
/// multiplied. Source: faster-whisper's repetition_penalty (CTranslate2, RepetitionPenalty), after Keskar et al., CTRL.
/// </summary>
/// <param name="penalty">Above 1 against repetition, below 1 for it.</param>
public sealed class RepetitionPenalty(float penalty) : ILogitRule
{
    /// <inheritdoc/>
    public void Apply(Span<float> logits, ReadOnlySpan<int> sampled)
    {
        for (int i = 0; i < sampled.Length; i++)
        {
            int token = sampled[i];
            if (!sampled[..i].Contains(token))
            {
                logits[token] = logits[token] < 0 ? logits[token] * penalty : logits[token] / penalty;
            }
        }
    }
}

/// <summary>
/// No sequence of some tokens comes twice: a token that would complete one which the window already has is forbidden.
/// Source: faster-whisper's no_repeat_ngram_size (CTranslate2, NoRepeatNgram).
/// </summary>
/// <param name="size">Tokens of a sequence, at least 1.</param>
public sealed class NoRepeatNgram(int size) : ILogitRule
{
    /// <inheritdoc/>
    public void Apply(Span<float> logits, ReadOnlySpan<int> sampled)
    {
        if (sampled.Length < size)
        {
            return;
        }

        ReadOnlySpan<int> current = sampled[^(size - 1)..];
        for (int start = 0; start + size <= sampled.Length; start++)
        {
            if (sampled.Slice(start, size - 1).SequenceEqual(current))
            {
                logits[sampled[start + size - 1]] = float.NegativeInfinity;
            }
        }
    }
}
