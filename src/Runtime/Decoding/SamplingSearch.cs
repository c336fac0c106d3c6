namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Draws tokens by their probability, p(token) ∝ exp(logit / temperature), for several texts side by side. Their scores
/// are sums at temperature 1, so that they can be compared. Source: openai/whisper, decoding.py, GreedyDecoder above
/// temperature 0.
/// </summary>
/// <remarks>
/// The random numbers depend on the seed, the lane and the place in the text alone: neither other lanes nor other windows
/// change what is drawn. They are not PyTorch's, so the original draws other texts from the same probabilities.
/// </remarks>
public sealed class SamplingSearch : ISearch
{
    private readonly double _temperature;
    private readonly long _seed;
    private readonly int _endOfText;
    private readonly int[][] _tokens;
    private readonly int[] _counts, _open, _fromFirst;
    private readonly double[] _sums;
    private float[] _weights = [];
    private int _openCount = 1;
    private int _step;

    /// <summary>Prepares.</summary>
    /// <param name="temperature">Above 0.</param>
    /// <param name="lanes">Texts to draw.</param>
    /// <param name="seed">Where the random numbers begin.</param>
    /// <param name="endOfText">Id of the token that ends a sequence.</param>
    /// <param name="capacity">The most tokens a sequence can grow to.</param>
    public SamplingSearch(double temperature, int lanes, long seed, int endOfText, int capacity)
    {
        (_temperature, _seed, _endOfText) = (temperature, seed, endOfText);
        _tokens = [.. Enumerable.Range(0, lanes).Select(_ => new int[capacity])];
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
        [.. _tokens.Select((tokens, lane) => new Candidate(tokens[.._counts[lane]], _sums[lane]))];

    /// <summary>Draws a lane's next token; false if that is the end. Where everything is forbidden, the text ends.</summary>
    private bool Draw(int lane, ReadOnlySpan<float> logits)
    {
        float normaliser = LogProbabilities.LogSumExp(logits);
        if (float.IsNegativeInfinity(normaliser))
        {
            return false;
        }

        int token = Pick(logits, RandomNumbers.Uniform(_seed, lane, _step));
        _sums[lane] += logits[token] - normaliser;
        if (token == _endOfText)
        {
            return false;
        }

        _tokens[lane][_counts[lane]++] = token;
        return true;
    }

    /// <summary>The first token whose share of the probabilities, laid side by side on [0, 1), ends behind a point.</summary>
    private int Pick(ReadOnlySpan<float> logits, double point)
    {
        if (_weights.Length < logits.Length)
        {
            _weights = new float[logits.Length];
        }

        double total = LogProbabilities.Weigh(logits, _temperature, _weights);
        double sum = 0;
        int last = 0;
        for (int token = 0; token < logits.Length; token++)
        {
            if (_weights[token] > 0)
            {
                sum += _weights[token];
                last = token;
                if (sum > point * total)
                {
                    return token;
                }
            }
        }

        return last;
    }
}

/// <summary>Random numbers that depend on where they are used, not on how many were taken before.</summary>
internal static class RandomNumbers
{
    /// <summary>A number in [0, 1) for a place of a lane: the SplitMix64 generator's, one stream for each seed and lane.</summary>
    public static double Uniform(long seed, int lane, int place)
    {
        ulong stream = Mix(Mix((ulong)seed) + (ulong)lane);
        return (Mix(stream + (ulong)place) >> 11) * (1.0 / (1UL << 53));
    }

    private static ulong Mix(ulong x)
    {
        ulong z = x + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
