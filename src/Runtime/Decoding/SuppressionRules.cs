using Handwritten.Kernels;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// The text does not begin with a blank or end before it began. Source: openai/whisper, decoding.py, SuppressBlank.
/// </summary>
/// <param name="blankTokens">The tokens of " " and the end-of-text token.</param>
public sealed class SuppressBlank(IEnumerable<int> blankTokens) : ILogitRule
{
    private readonly int[] _blankTokens = [.. blankTokens];

    /// <inheritdoc/>
    public void Apply(Span<float> logits, ReadOnlySpan<int> sampled)
    {
        if (sampled.IsEmpty)
        {
            VocabularySoftmax.Forbid(logits, _blankTokens);
        }
    }
}

/// <summary>
/// Some tokens are never wanted: symbols that subtitles of silence are made of, and specials that are no text.
/// Source: openai/whisper, decoding.py, SuppressTokens.
/// </summary>
/// <param name="tokens">The forbidden ids.</param>
public sealed class SuppressTokens(IEnumerable<int> tokens) : ILogitRule
{
    private readonly int[] _tokens = [.. tokens];

    /// <inheritdoc/>
    public void Apply(Span<float> logits, ReadOnlySpan<int> sampled) => VocabularySoftmax.Forbid(logits, _tokens);
}
