namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Always the most probable token: one sequence that grows until it chooses the end of the text. A search sees only
/// logits, already filtered by the rules; it knows nothing of audio or text. Source: openai/whisper, decoding.py,
/// GreedyDecoder at temperature 0.
/// </summary>
/// <param name="endOfText">Id of the token that ends the sequence.</param>
/// <param name="capacity">The most tokens it can grow to.</param>
public sealed class GreedySearch(int endOfText, int capacity)
{
    private readonly int[] _tokens = new int[capacity];
    private int _count;

    /// <summary>The tokens chosen so far, without the end-of-text token.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, _count);

    /// <summary>Σ log p of all choices, that of the end-of-text token included.</summary>
    public double SumLogProbability { get; private set; }

    /// <summary>Whether the end of the text has been chosen.</summary>
    public bool Completed { get; private set; }

    /// <summary>Starts a new sequence.</summary>
    public void Clear() => (_count, SumLogProbability, Completed) = (0, 0, false);

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">[vocabulary], filtered.</param>
    /// <returns>The chosen token.</returns>
    /// <exception cref="InvalidOperationException">The sequence is already complete.</exception>
    public int Choose(ReadOnlySpan<float> logits)
    {
        if (Completed)
        {
            throw new InvalidOperationException("The sequence is complete.");
        }

        int token = LogProbabilities.ArgMax(logits);
        SumLogProbability += logits[token] - LogProbabilities.LogSumExp(logits);
        if (token == endOfText)
        {
            Completed = true;
        }
        else
        {
            _tokens[_count++] = token;
        }

        return token;
    }
}
