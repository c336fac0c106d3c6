using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

// From logits to the next token, and on to the next pass, without the host:
//
//     block (1024 threads): 4096 ids of one row of logits, in turn for text and for times
//
//     lane's rules and history ──> allowed ids ──> scan text ── all threads ──> scan of the block ─┐
//                                  (ranges, mask)  scan times ─ all threads ──> scan of the block ─┴─> 16 bytes each
//
//     the row's last block (LastBlock), a warp: joins the blocks' scans
//
//     are all times together more probable than the best text?  token, log p  ──> the lane's line;  the row: token, position
//
// The rules are those of Runtime/Decoding: what they forbid is not read. Text and timestamps are scanned apart because
// the grammar compares them. A lane's rows of a prompt: the first of two wanted rows says whether there is speech, the
// last one is chosen from.
//
// Bytes: 4 · vocabulary a row (207 KB) and 6 KB of mask, out of the L2 cache, where the product before has left them. One
// block would read them in 13 turns, each of which waits for the mask and then for the logits (32 us on an H100); 13 blocks
// do it in one.

/// <summary>Chooses tokens; see <see cref="IKernels.Choose"/>.</summary>
internal sealed class TokenChooser(GpuDevice device)
{
    private const int WarpSize = 32, Warps = TokenScan.Threads / WarpSize;
    private const int FollowThreads = 64;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ChoiceView, ArrayView<float>, ArrayView<int>, ArrayView<int>, ArrayView<int>, ArrayView<int>, int>> _choose =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ChoiceView, ArrayView<float>, ArrayView<int>, ArrayView<int>, ArrayView<int>, ArrayView<int>, int>>(ChooseTokens, TokenScan.Threads, maximumRegisters: TokenScan.Registers));

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ChoiceView, ArrayView<int>, ArrayView<int>, ArrayView<int>, int>> _follow =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ChoiceView, ArrayView<int>, ArrayView<int>, ArrayView<int>, int>>(FollowChoice, FollowThreads));

    /// <summary>Chooses from each lane's last output.</summary>
    /// <param name="rows">The rows, uploaded; those of the outputs move on.</param>
    /// <param name="logits">[outputs, vocabulary] float32.</param>
    /// <param name="choice">What the lanes have chosen.</param>
    public void Run(GpuDecoderRows rows, GpuTensor logits, GpuTokenChoice choice)
    {
        if (rows.OutputCount > 0)
        {
            _choose.Value(
                device.Stream, new(new Index2D(rows.OutputCount, choice.Parts), new Index2D(TokenScan.Threads, 1)),
                choice.View, logits.Floats, rows.DeviceOutputs, rows.DeviceLanes, rows.DeviceTokens, rows.DevicePositions, rows.OutputCount);
        }
    }

    /// <summary>Gives the rows their lanes' last tokens.</summary>
    public void Follow(GpuDecoderRows rows, GpuTokenChoice choice)
    {
        if (rows.Count > 0)
        {
            _follow.Value(
                device.Stream, ((rows.Count + FollowThreads - 1) / FollowThreads, FollowThreads),
                choice.View, rows.DeviceLanes, rows.DeviceTokens, rows.DevicePositions, rows.Count);
        }
    }

    private static void ChooseTokens(
        ChoiceView choice, ArrayView<float> logits, ArrayView<int> outputs, ArrayView<int> lanes, ArrayView<int> tokens, ArrayView<int> positions, int outputCount)
    {
        ArrayView<Bits128> sharedText = SharedMemory.Allocate<Bits128>(Warps), sharedTimes = SharedMemory.Allocate<Bits128>(Warps);
        int output = Grid.IdxX, part = Grid.IdxY, row = outputs[output], lane = lanes[row];
        int from = part * TokenScan.BlockTokens, end = IntrinsicMath.Min(from + TokenScan.BlockTokens, choice.Vocabulary);
        long start = (long)output * choice.Vocabulary;
        int place = PlaceOfOutput(outputs, lanes, output, outputCount, lane);
        bool first = (place & 1) == 0, last = (place & 2) == 0;
        if (!first && !last)
        {
            return;
        }

        LaneState state = choice.State(lane); // another block writes it, if this output is not the lane's last: not used then
        bool begins = state.Count == 0, hears = first && (!last || (begins && state.Status == 0));
        int candidates = begins ? IntrinsicMath.Max(1, choice.Rules[lane].Candidates) : 1;
        candidates = last && state.Status == 0 ? candidates : 0;

        if (hears)
        {
            TokenScan all = TokenScan.OfBlock(TokenScan.OfAll(logits, start, from, end), sharedText);
            if (Group.IdxX == 0)
            {
                choice.SetScan(choice.WholeRow(lane), part, all);
            }
        }

        for (int candidate = lane; candidate < lane + candidates; candidate++)
        {
            LaneRules own = choice.Rules[candidate];
            AllowedRanges ranges = RangesOf(choice, own, candidate, state);
            long mask = ((2L * lane) + (begins ? 1 : 0)) * choice.MaskWords;
            int textFirst = IntrinsicMath.Max(from, ranges.TextFirst), textEnd = IntrinsicMath.Min(end, own.TimestampBegin);
            int timesFirst = IntrinsicMath.Max(from, ranges.TimestampFirst), timesEnd = IntrinsicMath.Min(end, ranges.TimestampEnd);
            Group.Barrier(); // shared memory may still be read
            TokenScan text = TokenScan.OfBlock(TokenScan.Of(logits, start, choice.Masks, mask, textFirst, textEnd, own, state.Count), sharedText);
            TokenScan times = TokenScan.OfBlock(TokenScan.Of(logits, start, choice.Masks, mask, timesFirst, timesEnd, own, state.Count), sharedTimes);
            if (Group.IdxX == 0)
            {
                choice.SetScan(2 * candidate, part, text);
                choice.SetScan((2 * candidate) + 1, part, times);
            }
        }

        if (Group.IdxX < WarpSize && LastBlock.IsThis(ref choice.Tickets[(2 * lane) + (last ? 1 : 0)], Grid.DimY))
        {
            if (hears)
            {
                Hear(choice, logits, start, lane);
            }

            int position = positions[row];
            for (int candidate = lane; candidate < lane + candidates; candidate++)
            {
                LaneState next = Choose(choice, logits, start, candidate, position);
                if (Warp.IsFirstLane && candidate == lane && next.Status == 0)
                {
                    tokens[row] = choice.Lines[choice.Place(lane, next.Count - 1)];
                    positions[row] = next.NextPosition;
                }
            }
        }
    }

    /// <summary>The probability that there is no speech, from a whole row before any rule; by a warp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Hear(ChoiceView choice, ArrayView<float> logits, long start, int lane)
    {
        TokenScan all = choice.Scan(choice.WholeRow(lane));
        if (Warp.IsFirstLane)
        {
            LaneRules rules = choice.Rules[lane];
            float probability = Approximate.Exp2((logits[start + rules.NoSpeech] - all.LogSumExp) * 1.44269504f);
            for (int candidate = 0; candidate < IntrinsicMath.Max(1, rules.Candidates); candidate++)
            {
                choice.SetNoSpeech(lane + candidate, probability);
            }
        }
    }

    /// <summary>A lane's next token; by a warp, whose first lane gets the lane's state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static LaneState Choose(ChoiceView choice, ArrayView<float> logits, long start, int lane, int position)
    {
        TokenScan text = choice.Scan(2 * lane), times = choice.Scan((2 * lane) + 1);
        if (!Warp.IsFirstLane)
        {
            return default;
        }

        LaneRules rules = choice.Rules[lane];
        TokenScan allowed = TimesOnly(text, times) ? times : TokenScan.Join(text, times);
        int token = allowed.IsEmpty ? rules.EndOfText : TokenScan.Token(allowed.Best);
        double logProbability = allowed.IsEmpty ? 0 : logits[start + token] - allowed.LogSumExp;
        return Take(choice, rules, lane, token, logProbability, position);
    }

    private static void FollowChoice(ChoiceView choice, ArrayView<int> lanes, ArrayView<int> tokens, ArrayView<int> positions, int rows)
    {
        int row = (Grid.IdxX * FollowThreads) + Group.IdxX;
        if (row < rows)
        {
            LaneState state = choice.State(lanes[row]);
            if (state.Count > 0)
            {
                tokens[row] = choice.Lines[choice.Place(lanes[row], state.Count - 1)];
                positions[row] = state.NextPosition;
            }
        }
    }

    /// <summary>Which ids the lane's history leaves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static AllowedRanges RangesOf(ChoiceView choice, LaneRules rules, int lane, LaneState state)
    {
        int count = state.Count;
        int lastToken = count > 0 ? choice.Lines[choice.Place(lane, count - 1)] : 0;
        int beforeLast = count > 1 ? choice.Lines[choice.Place(lane, count - 2)] : 0;
        return AllowedRanges.After(rules, count, lastToken, beforeLast, state.LastTimestamp);
    }

    /// <summary>
    /// Whether it is a timestamp's turn: all of them together are more probable than the best text. Not where there is NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool TimesOnly(TokenScan text, TokenScan times) => times.LogSumExp > text.Largest && text.Sum >= 0;

    /// <summary>1 if the lane has an output before this one, plus 2 if it has one behind; found by every warp for itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PlaceOfOutput(ArrayView<int> outputs, ArrayView<int> lanes, int output, int outputCount, int lane)
    {
        int place = 0;
        for (int other = Warp.LaneIdx; other < outputCount; other += WarpSize)
        {
            bool same = lanes[outputs[other]] == lane;
            place |= (same && other < output ? 1 : 0) | (same && other > output ? 2 : 0);
        }

        for (int distance = WarpSize / 2; distance > 0; distance /= 2)
        {
            place |= Warp.ShuffleXor(place, distance);
        }

        return place;
    }

    /// <summary>Adds a token to a lane; returns the lane's state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static LaneState Take(ChoiceView choice, LaneRules rules, int lane, int token, double logProbability, int position)
    {
        LaneState state = choice.State(lane);
        state.SumLogProbability += logProbability;
        if (token == rules.EndOfText)
        {
            state.Status = (int)ChoiceStatus.EndOfText;
        }
        else
        {
            choice.SetToken(lane, state.Count, token, (float)logProbability);
            state.Count++;
            state.LastTimestamp = token >= rules.TimestampBegin ? token : state.LastTimestamp;
            state.NextPosition = IntrinsicMath.Min(position + 1, choice.Length - 1);
            state.Status = state.Count == rules.MaxTokens || position + 1 == choice.Length ? (int)ChoiceStatus.Full : (int)ChoiceStatus.Open;
        }

        choice.SetState(lane, state);
        return state;
    }
}
