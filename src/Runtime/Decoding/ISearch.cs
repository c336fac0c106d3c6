namespace Handwritten.Runtime.Decoding;

/// <summary>
/// A way to choose a text from probabilities, token by token. A search follows one sequence or several, each in a lane of
/// its own. It sees only logits, already filtered by the rules; it knows nothing of audio or text.
/// <code>
///     Choose(one row)         all lanes begin from the same logits: those behind the start sequence
///     Choose(a row a lane)    each lane that is still open grows by a token; lane i goes on from lane Parents[i]
///     ...                     until the search is completed, or the caller has enough
///     Candidates()            the texts to choose from
/// </code>
/// Source: openai/whisper, decoding.py, TokenDecoder.
/// </summary>
public interface ISearch
{
    /// <summary>The lanes whose sequences go on; each wants logits. Lane 0 alone before the first choice.</summary>
    ReadOnlySpan<int> OpenLanes { get; }

    /// <summary>Whether the search has what it looked for.</summary>
    bool Completed { get; }

    /// <summary>
    /// After a choice: for each open lane the one whose sequence it continues. Empty where every lane continued its own.
    /// </summary>
    ReadOnlySpan<int> Parents { get; }

    /// <summary>The tokens that a lane's sequence has so far, without the end-of-text token.</summary>
    ReadOnlySpan<int> Tokens(int lane);

    /// <summary>Chooses.</summary>
    /// <param name="logits">[open lanes, vocabulary], filtered; may be overwritten.</param>
    /// <param name="vocabulary">Tokens there are.</param>
    /// <exception cref="InvalidOperationException">The search is completed.</exception>
    void Choose(Span<float> logits, int vocabulary);

    /// <summary>The texts found, at least one; those that never ended count as they are.</summary>
    IReadOnlyList<Candidate> Candidates();
}

/// <summary>A text that a search found.</summary>
/// <param name="Tokens">Its tokens, without the end-of-text token.</param>
/// <param name="SumLogProbability">Σ log p of all choices, that of the end-of-text token included.</param>
/// <param name="LogProbabilities">log p of each of the tokens, at temperature 1 and among what the rules allowed.</param>
public sealed record Candidate(IReadOnlyList<int> Tokens, double SumLogProbability, IReadOnlyList<float> LogProbabilities);

/// <summary>Makes the search that options ask for.</summary>
internal static class Searches
{
    /// <summary>Greedy, sampling or beam search. Source: openai/whisper, decoding.py, DecodingTask.__init__.</summary>
    public static ISearch For(DecodingOptions options, int endOfText, int capacity) => options switch
    {
        { BeamSize: int beams } => new BeamSearch(beams, options.Patience, endOfText, capacity),
        { Temperature: > 0 } => new SamplingSearch(options.Temperature, options.BestOf ?? 1, options.Seed, endOfText, capacity),
        _ => new GreedySearch(endOfText, capacity),
    };
}
