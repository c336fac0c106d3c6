using Handwritten.Kernels;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Draws tokens by their probability, p(token) ∝ exp(logit / temperature), for several texts side by side. Their scores
/// are sums at temperature 1, so that they can be compared. Source: openai/whisper, decoding.py, GreedyDecoder above
/// temperature 0.
/// </summary>
/// <remarks>
/// The random numbers (<see cref="TokenDraw"/>) depend on the seed, the lane and the place in the text alone: neither other
/// lanes nor other windows change what is drawn. They are not PyTorch's, so the original draws other texts from the same
/// probabilities.
/// </remarks>
public sealed class SamplingSearch : ISearch
{
    private readonly double _temperature;
    private readonly ulong _seed;
    private readonly int _endOfText;
    private readonly int[][] _tokens;
    private readonly float[][] _logProbabilities;
    private readonly int[] _counts, _open, _fromFirst;
    private readonly double[] _sums;
    private int _openCount = 1;
    private int _step;

    /// <summary>Prepares.</summary>
    /// <param name="temperature">Above 0.</param>
    /// <param name="lanes">Texts to draw.</param>
    /// <param name="seed">Where the random numbers begin.</param>
    /// <param name="endOfText">Id of the token that ends a sequence.</param>
    /// <param name="capacity">The most tokens a sequence can grow to.</param>
    public SamplingSearch(double temperature, int lanes, ulong seed, int endOfText, int capacity)
    {
        (_temperature, _seed, _endOfText) = (temperature, seed, endOfText);
        _tokens = [.. Enumerable.Range(0, lanes).Select(_ => new int[capacity])];
        _logProbabilities = [.. _tokens.Select(_ => new float[capacity])];
        (_counts, _open, _fromFirst, _sums) = (new int[lanes], new int[lanes], new int[lanes], new double[lanes]);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<int> OpenLanes => _open.AsSpan(0, _openCount);

    /// <inheritdoc/>
    public bool Completed => _openCount == 0;

    /// <inheritdoc/>
    public ReadOnlySpan<int> Parents => _step == 1 ? _fromFirst : [];

    /// <inheritdoc/>
    public ReadOnlySpan<int> Tokens(int lane) => _tokens[lane].AsSpan(0, _counts[lane]);

    /// <inheritdoc/>
    public void Choose(Span<float> logits, int vocabulary)
    {
        if (Completed)
        {
            throw new InvalidOperationException("The sequences are complete.");
        }

        // All sequences begin from the same logits.
        int lanes = _step == 0 ? _tokens.Length : _openCount;
        int stillOpen = 0;
        for (int i = 0; i < lanes; i++)
        {
            int lane = _step == 0 ? i : _open[i];
            int row = _step == 0 ? 0 : i;
            if (Draw(lane, logits.Slice(row * vocabulary, vocabulary)))
            {
                _open[stillOpen++] = lane;
            }
        }

        _openCount = stillOpen;
        _step++;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Candidate> Candidates() =>
        [.. _tokens.Select((tokens, lane) => new Candidate(tokens[.._counts[lane]], _sums[lane], _logProbabilities[lane][.._counts[lane]]))];

    /// <summary>Draws a lane's next token; false if that is the end. Where everything is forbidden, the text ends.</summary>
    private bool Draw(int lane, ReadOnlySpan<float> logits)
    {
        float normaliser = VocabularySoftmax.LogSumExp(logits);
        if (float.IsNegativeInfinity(normaliser))
        {
            return false;
        }

        int token = TokenDraw.Draw(logits, _temperature, _seed, lane, _step);
        float logProbability = logits[token] - normaliser;
        _sums[lane] += logProbability;
        if (token == _endOfText)
        {
            return false;
        }

        int place = _counts[lane]++;
        (_tokens[lane][place], _logProbabilities[lane][place]) = (token, logProbability);
        return true;
    }
}
