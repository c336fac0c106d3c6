namespace Handwritten.Kernels;

/// <summary>
/// What a sequence may choose, and how: the rules that a step applies to the logits of one position. Plain data, made once
/// a window from the decoding options; Runtime/Decoding explains them one by one.
/// </summary>
public sealed record ChoiceRules
{
    /// <summary>The token that ends a text. It is chosen where everything is forbidden.</summary>
    public required int EndOfText { get; init; }

    /// <summary>The token whose probability at the start of the transcript says that there is no speech.</summary>
    public required int NoSpeech { get; init; }

    /// <summary>The most tokens of a sequence, end of text not counted.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Tokens that are never chosen.</summary>
    public IReadOnlyList<int> Never { get; init; } = [];

    /// <summary>Tokens that are not chosen first.</summary>
    public IReadOnlyList<int> NeverFirst { get; init; } = [];

    /// <summary>The grammar of timestamps; null for text without times.</summary>
    public TimestampGrammar? Timestamps { get; init; }

    /// <summary>0 for the most probable token; above 0, tokens are drawn with p ∝ exp(logit / temperature).</summary>
    public double Temperature { get; init; }

    /// <summary>Where the random numbers begin.</summary>
    public ulong Seed { get; init; }
}

/// <summary>
/// Timestamps begin a text, come in pairs, never decrease, and take their turn where together they are more probable than
/// any other token. Source: openai/whisper, decoding.py, ApplyTimestampRules.
/// </summary>
/// <param name="Begin">The token of 0.00 s; the later ones follow it, up to the end of the vocabulary.</param>
/// <param name="NoTimestamps">The token that would turn them off; never chosen.</param>
/// <param name="MaxInitialIndex">The latest first timestamp, counted from <paramref name="Begin"/>; null for no limit.</param>
public sealed record TimestampGrammar(int Begin, int NoTimestamps, int? MaxInitialIndex);
