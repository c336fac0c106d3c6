using Handwritten.Kernels;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Follows the most probable sequences side by side: every beam proposes its most probable next tokens, and of all
/// proposals the best go on, whichever beam they come from. Proposals of the end are texts; the search is over when
/// enough of them are found.
/// <code>
///     beams          proposals (log p)            next beams        finished
///     " the"  ──┬──  " the cat"   −1.2     ──>    " the cat"
///               └──  " the dog"   −1.9
///     " a"    ──┬──  " a"  end    −1.5     ─────────────────────>   " a"
///               └──  " a dog"     −1.6     ──>    " a dog"
/// </code>
/// Sums are kept in float32, as the original keeps them. Source: openai/whisper, decoding.py, BeamSearchDecoder.
/// </summary>
public sealed class BeamSearch : ISearch
{
    private readonly int _beams;
    private readonly int _endOfText;
    private readonly int _candidateLimit;
    private readonly Proposal[] _proposals;
    private readonly int[] _lanes, _parents;
    private readonly List<Candidate> _finished = [];
    private int[][] _tokens, _nextTokens;
    private float[][] _logProbabilities, _nextLogProbabilities;
    private float[] _sums, _nextSums;
    private int _length;
    private int _open = 1; // before the first choice there is one beam, the start sequence

    /// <summary>Prepares.</summary>
    /// <param name="beams">Sequences to follow.</param>
    /// <param name="patience">The search ends when beams · patience texts are found; null or 0 for 1.</param>
    /// <param name="endOfText">Id of the token that ends a sequence.</param>
    /// <param name="capacity">The most tokens a sequence can grow to.</param>
    public BeamSearch(int beams, double? patience, int endOfText, int capacity)
    {
        (_beams, _endOfText) = (beams, endOfText);
        _candidateLimit = CandidateLimit(beams, patience);
        _proposals = new Proposal[beams * (beams + 1)];
        _lanes = [.. Enumerable.Range(0, beams)];
        _parents = new int[beams];
        (_sums, _nextSums) = (new float[beams], new float[beams]);
        _tokens = [.. _lanes.Select(_ => new int[capacity])];
        _nextTokens = [.. _lanes.Select(_ => new int[capacity])];
        _logProbabilities = [.. _lanes.Select(_ => new float[capacity])];
        _nextLogProbabilities = [.. _lanes.Select(_ => new float[capacity])];
    }

    /// <inheritdoc/>
    public ReadOnlySpan<int> OpenLanes => _lanes.AsSpan(0, _open);

    /// <inheritdoc/>
    public bool Completed { get; private set; }

    /// <inheritdoc/>
    public ReadOnlySpan<int> Parents => _parents.AsSpan(0, _open);

    /// <summary>How many texts have been found.</summary>
    public int FinishedCount => _finished.Count;

    /// <summary>How many texts end a search: beams · patience, rounded to an even number where it lies between two.</summary>
    public static int CandidateLimit(int beams, double? patience) =>
        (int)Math.Round(beams * (patience is double given and not 0 ? given : 1), MidpointRounding.ToEven);

    /// <summary>Σ log p of a beam's tokens.</summary>
    public double Sum(int lane) => _sums[lane];

    /// <inheritdoc/>
    public ReadOnlySpan<int> Tokens(int lane) => _tokens[lane].AsSpan(0, _length);

    /// <inheritdoc/>
    public void Choose(Span<float> logits, int vocabulary)
    {
        int count = 0;
        for (int lane = 0; lane < _open; lane++)
        {
            count += Propose(lane, logits.Slice(lane * vocabulary, vocabulary), _proposals.AsSpan(count, _beams + 1));
        }

        GoOn(_proposals.AsSpan(0, count));
    }

    /// <summary>Chooses from tokens that somebody else has ranked.</summary>
    /// <param name="tokens">[open lanes, beams + 1]: each lane's most probable next tokens, best first; −1 where there are no more.</param>
    /// <param name="logProbabilities">[open lanes, beams + 1].</param>
    /// <exception cref="InvalidOperationException">The search is completed.</exception>
    public void Choose(ReadOnlySpan<int> tokens, ReadOnlySpan<float> logProbabilities)
    {
        int count = 0, ranks = _beams + 1;
        for (int lane = 0; lane < _open; lane++)
        {
            if (tokens[lane * ranks] < 0)
            {
                _proposals[count++] = EndOf(lane);
            }

            for (int rank = 0; rank < ranks && tokens[(lane * ranks) + rank] >= 0; rank++)
            {
                int at = (lane * ranks) + rank;
                _proposals[count++] = new Proposal(_sums[lane] + logProbabilities[at], lane, rank, tokens[at], logProbabilities[at]);
            }
        }

        GoOn(_proposals.AsSpan(0, count));
    }

    /// <summary>The finished texts in the order of their finding; if they are too few, the best beams as well.</summary>
    public IReadOnlyList<Candidate> Candidates()
    {
        List<Candidate> all = [.. _finished];
        foreach (int lane in _lanes.Take(_open).OrderByDescending(lane => _sums[lane]).Take(_beams - all.Count))
        {
            all.Add(ToCandidate(lane, _sums[lane]));
        }

        return all;
    }

    /// <summary>A beam's most probable next tokens, one more than there are beams: the end may be among them.</summary>
    private int Propose(int lane, ReadOnlySpan<float> logits, Span<Proposal> best)
    {
        float normaliser = VocabularySoftmax.LogSumExp(logits);
        if (float.IsNegativeInfinity(normaliser))
        {
            best[0] = EndOf(lane);
            return 1;
        }

        int count = 0;
        float least = float.NegativeInfinity;
        for (int token = 0; token < logits.Length; token++)
        {
            if (logits[token] <= least)
            {
                continue;
            }

            // Insert it in descending order; of equals, the first stays before.
            int place = count < best.Length ? count++ : count - 1;
            for (; place > 0 && logits[best[place - 1].Token] < logits[token]; place--)
            {
                best[place] = best[place - 1];
            }

            best[place] = new Proposal(0, lane, 0, token, 0);
            least = count == best.Length ? logits[best[^1].Token] : float.NegativeInfinity;
        }

        for (int rank = 0; rank < count; rank++)
        {
            int token = best[rank].Token;
            float logProbability = logits[token] - normaliser;
            best[rank] = new Proposal(_sums[lane] + logProbability, lane, rank, token, logProbability);
        }

        return count;
    }

    /// <summary>What a beam proposes where everything is forbidden: the text ends.</summary>
    private Proposal EndOf(int lane) => new(_sums[lane], lane, 0, _endOfText, 0);

    /// <summary>The best proposals become the beams; ends among them are texts, up to the limit.</summary>
    private void GoOn(Span<Proposal> proposals)
    {
        if (Completed)
        {
            throw new InvalidOperationException("The search is over.");
        }

        proposals.Sort();
        int open = 0;
        foreach (Proposal proposal in proposals)
        {
            if (proposal.Token == _endOfText)
            {
                if (_finished.Count < _candidateLimit)
                {
                    _finished.Add(ToCandidate(proposal.Lane, proposal.Sum));
                }

                continue;
            }

            Tokens(proposal.Lane).CopyTo(_nextTokens[open]);
            _logProbabilities[proposal.Lane].AsSpan(0, _length).CopyTo(_nextLogProbabilities[open]);
            (_nextTokens[open][_length], _nextLogProbabilities[open][_length]) = (proposal.Token, proposal.LogProbability);
            (_parents[open], _nextSums[open]) = (proposal.Lane, proposal.Sum);
            if (++open == _beams)
            {
                break;
            }
        }

        (_tokens, _nextTokens) = (_nextTokens, _tokens);
        (_logProbabilities, _nextLogProbabilities) = (_nextLogProbabilities, _logProbabilities);
        (_sums, _nextSums) = (_nextSums, _sums);
        _length++;
        _open = open;
        Completed = _finished.Count >= _candidateLimit || open == 0;
    }

    private Candidate ToCandidate(int lane, float sum) => new(Tokens(lane).ToArray(), sum, _logProbabilities[lane][.._length]);

    /// <summary>A possible next token; in descending order of the sums, of equals the earlier beam and the better rank first.</summary>
    private readonly record struct Proposal(float Sum, int Lane, int Rank, int Token, float LogProbability) : IComparable<Proposal>
    {
        public int CompareTo(Proposal other)
        {
            int bySum = other.Sum.CompareTo(Sum);
            return bySum != 0 ? bySum : (Lane, Rank).CompareTo((other.Lane, other.Rank));
        }
    }
}
