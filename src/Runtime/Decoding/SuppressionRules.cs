namespace Handwritten.Runtime.Decoding;

/// <summary>
/// The text does not begin with a blank or end before it began. Source: openai/whisper, decoding.py, SuppressBlank.
/// </summary>
/// <param name="blankTokens">The tokens of " " and the end-of-text token.</param>
public sealed class SuppressBlank(IReadOnlyList<int> blankTokens) : ILogitRule
{
    /// <inheritdoc/>
    public void Apply(Span<float> logits, ReadOnlySpan<int> sampled)
    {
        if (sampled.IsEmpty)
        {
            LogProbabilities.Forbid(logits, blankTokens);
        }
    }
}

/// <summary>
/// Some tokens are never wanted: symbols that subtitles of silence are made of, and specials that are no text.
/// Source: openai/whisper, decoding.py, SuppressTokens.
/// </summary>
/// <param name="tokens">The forbidden ids.</param>
public sealed class SuppressTokens(IReadOnlyList<int> tokens) : ILogitRule
{
    /// <inheritdoc/>
    public void Apply(Span<float> logits, ReadOnlySpan<int> sampled) => LogProbabilities.Forbid(logits, tokens);
}
