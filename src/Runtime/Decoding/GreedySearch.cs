using Handwritten.Kernels;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Always the most probable token: one sequence that grows until it chooses the end of the text. Where everything is
/// forbidden, the text ends. Source: openai/whisper, decoding.py, GreedyDecoder at temperature 0.
/// </summary>
/// <param name="endOfText">Id of the token that ends the sequence.</param>
/// <param name="capacity">The most tokens it can grow to.</param>
public sealed class GreedySearch(int endOfText, int capacity) : ISearch
{
    private static readonly int[] OnlyLane = [0];

    private readonly int[] _tokens = new int[capacity];
    private readonly float[] _logProbabilities = new float[capacity];
    private int _count;

    /// <inheritdoc/>
    public ReadOnlySpan<int> OpenLanes => Completed ? [] : OnlyLane;

    /// <inheritdoc/>
    public bool Completed { get; private set; }

    /// <inheritdoc/>
    public ReadOnlySpan<int> Parents => [];

    /// <summary>Σ log p of all choices, that of the end-of-text token included.</summary>
    public double SumLogProbability { get; private set; }

    /// <inheritdoc/>
    public ReadOnlySpan<int> Tokens(int lane) => _tokens.AsSpan(0, _count);

    /// <inheritdoc/>
    public void Choose(Span<float> logits, int vocabulary)
    {
        if (Completed)
        {
            throw new InvalidOperationException("The sequence is complete.");
        }

        float normaliser = VocabularySoftmax.LogSumExp(logits);
        int token = float.IsNegativeInfinity(normaliser) ? endOfText : VocabularySoftmax.ArgMax(logits);
        float logProbability = float.IsNegativeInfinity(normaliser) ? 0 : logits[token] - normaliser;
        SumLogProbability += logProbability;
        if (token == endOfText)
        {
            Completed = true;
        }
        else
        {
            (_tokens[_count], _logProbabilities[_count]) = (token, logProbability);
            _count++;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Candidate> Candidates() => [new Candidate(_tokens[.._count], SumLogProbability, _logProbabilities[.._count])];
}
