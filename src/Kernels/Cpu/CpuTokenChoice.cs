using System.Runtime.InteropServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// Token choice on the CPU, a row of logits at a time: the rules set what is forbidden to minus infinity in a copy of the
/// row, then the largest is taken, or one is drawn (<see cref="TokenDraw"/>).
/// </summary>
internal sealed class CpuTokenChoice : TokenChoice
{
    private readonly int[] _lines;
    private readonly LaneRules[] _rules;
    private readonly int[][] _never, _neverFirst;

    public CpuTokenChoice(int lanes, int length, int vocabulary)
        : base(lanes, length, vocabulary)
    {
        _lines = new int[Snapshot.Length];
        _rules = new LaneRules[lanes];
        _never = new int[lanes][];
        _neverFirst = new int[lanes][];
        Start(new ChoiceRules { EndOfText = 0, NoSpeech = 0, MaxTokens = length }, 0, lanes);
    }

    public void Start(ChoiceRules rules, int firstLane, int lanes)
    {
        int[] never = [.. rules.Never, .. rules.Timestamps is { NoTimestamps: int token } ? [token] : Array.Empty<int>()];
        int[] neverFirst = [.. rules.NeverFirst];
        for (int i = 0; i < lanes; i++)
        {
            int lane = firstLane + i;
            _rules[lane] = LaneRules.Of(rules, Vocabulary, i, lanes);
            (_never[lane], _neverFirst[lane]) = (never, neverFirst);
            Live(lane) = LaneState.Initial;
        }
    }

    public void Read() => _lines.CopyTo(Snapshot, 0);

    public void Write(int lane, ReadOnlySpan<int> tokens)
    {
        ref LaneState state = ref Live(lane);
        state.Count = tokens.Length;
        state.LastTimestamp = LastTimestamp(tokens, _rules[lane].TimestampBegin);
        tokens.CopyTo(History(lane));
    }

    /// <summary>Chooses from one row of logits; different outputs may be worked on at the same time.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="output">Which of their outputs.</param>
    /// <param name="logits">[vocabulary].</param>
    /// <param name="work">[vocabulary].</param>
    public void Choose(DecoderRows rows, int output, ReadOnlySpan<float> logits, Span<float> work)
    {
        int row = rows.Outputs[output], lane = rows.Lanes[row];
        (bool first, bool last) = rows.PlaceOfOutput(output);
        if (!last)
        {
            SetNoSpeech(first, lane, logits);
            return;
        }

        if (Live(lane).Status != (int)ChoiceStatus.Open)
        {
            return;
        }

        bool begins = Live(lane).Count == 0;
        SetNoSpeech(first && begins, lane, logits);
        float normaliser = Allow(lane, logits, work);
        int followers = begins ? _rules[lane].Candidates - 1 : 0;
        for (int candidate = 0; candidate <= Math.Max(0, followers); candidate++)
        {
            Take(lane + candidate, work, normaliser, rows.Positions[row]);
        }

        if (Live(lane).Status == (int)ChoiceStatus.Open)
        {
            rows.Move(row, History(lane)[Live(lane).Count - 1], Live(lane).NextPosition);
        }
    }

    public void Follow(DecoderRows rows)
    {
        for (int row = 0; row < rows.Count; row++)
        {
            int lane = rows.Lanes[row], count = Live(lane).Count;
            if (count > 0)
            {
                rows.Move(row, History(lane)[count - 1], Live(lane).NextPosition);
            }
        }
    }

    /// <summary>The most probable tokens of one row of logits.</summary>
    public void Top(int lane, ReadOnlySpan<float> logits, Span<float> work, Span<int> tokens, Span<float> logProbabilities)
    {
        float normaliser = Allow(lane, logits, work);
        for (int rank = 0; rank < tokens.Length; rank++)
        {
            int token = VocabularySoftmax.ArgMax(work);
            bool allowed = work[token] != float.NegativeInfinity;
            tokens[rank] = allowed ? token : -1;
            logProbabilities[rank] = allowed ? work[token] - normaliser : float.NegativeInfinity;
            work[token] = float.NegativeInfinity;
        }
    }

    protected override void Dispose(bool disposing)
    {
    }

    private static int LastTimestamp(ReadOnlySpan<int> tokens, int begin)
    {
        int place = tokens.LastIndexOfAnyInRange(begin, int.MaxValue);
        return place < 0 ? -1 : tokens[place];
    }

    private ref LaneState Live(int lane) => ref MemoryMarshal.Cast<int, LaneState>(_lines.AsSpan(lane * Stride, Stride))[0];

    private Span<int> History(int lane) => _lines.AsSpan((lane * Stride) + LaneState.Ints, Length);

    private ref float LogProbability(int lane, int place) => ref MemoryMarshal.Cast<int, float>(_lines.AsSpan((lane * Stride) + LaneState.Ints + Length, Length))[place];

    private void SetNoSpeech(bool known, int lane, ReadOnlySpan<float> logits)
    {
        if (known)
        {
            float probability = MathF.Exp(logits[_rules[lane].NoSpeech] - VocabularySoftmax.LogSumExp(logits));
            for (int candidate = 0; candidate < Math.Max(1, _rules[lane].Candidates); candidate++)
            {
                Live(lane + candidate).NoSpeechProbability = probability;
            }
        }
    }

    /// <summary>Copies what a lane's rules allow, and minus infinity for the rest.</summary>
    /// <returns>The logarithm of the sum of its exponentials.</returns>
    private float Allow(int lane, ReadOnlySpan<float> logits, Span<float> work)
    {
        LaneRules rules = _rules[lane];
        LaneState state = Live(lane);
        ReadOnlySpan<int> history = History(lane)[..state.Count];
        AllowedRanges ranges = AllowedRanges.After(
            rules, state.Count, state.Count > 0 ? history[^1] : 0, state.Count > 1 ? history[^2] : 0, state.LastTimestamp);
        logits.CopyTo(work);
        VocabularySoftmax.Forbid(work, _never[lane]);
        VocabularySoftmax.Forbid(work, state.Count == 0 ? _neverFirst[lane] : []);
        Span<float> text = work[..rules.TimestampBegin], times = work[rules.TimestampBegin..];
        text[..ranges.TextFirst].Fill(float.NegativeInfinity);
        times[..(Math.Min(ranges.TimestampFirst, Vocabulary) - rules.TimestampBegin)].Fill(float.NegativeInfinity);
        work[ranges.TimestampEnd..].Fill(float.NegativeInfinity);
        if (VocabularySoftmax.LogSumExp(times) > VocabularySoftmax.Max(text))
        {
            text.Fill(float.NegativeInfinity); // it is a timestamp's turn
        }

        return VocabularySoftmax.LogSumExp(work);
    }

    private void Take(int lane, ReadOnlySpan<float> allowed, float normaliser, int position)
    {
        ref LaneState state = ref Live(lane);
        LaneRules rules = _rules[lane];
        bool nothing = float.IsNegativeInfinity(normaliser);
        int token = nothing ? rules.EndOfText
            : rules.InverseTemperature > 0 ? TokenDraw.Draw(rules, allowed, state.Count)
            : VocabularySoftmax.ArgMax(allowed);
        float logProbability = nothing ? 0 : allowed[token] - normaliser;
        state.SumLogProbability += logProbability;
        if (token == rules.EndOfText)
        {
            state.Status = (int)ChoiceStatus.EndOfText;
            return;
        }

        History(lane)[state.Count] = token;
        LogProbability(lane, state.Count) = logProbability;
        state.Count++;
        state.LastTimestamp = token >= rules.TimestampBegin ? token : state.LastTimestamp;
        state.NextPosition = Math.Min(position + 1, Length - 1);
        state.Status = (int)(state.Count == rules.MaxTokens || position + 1 == Length ? ChoiceStatus.Full : ChoiceStatus.Open);
    }
}
