namespace Handwritten.Runtime.Decoding;

/// <summary>
/// A rule about what may come next: it sets the logits of forbidden tokens to minus infinity. Rules are applied in
/// order before a search looks at the logits.
/// </summary>
public interface ILogitRule
{
    /// <summary>Applies the rule.</summary>
    /// <param name="logits">[vocabulary], changed in place.</param>
    /// <param name="sampled">The tokens chosen so far in this window; the prompt is not part of it.</param>
    void Apply(Span<float> logits, ReadOnlySpan<int> sampled);
}
