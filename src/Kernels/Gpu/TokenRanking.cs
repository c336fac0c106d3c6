using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

// The best tokens of a row, one after the other:
//
//     scan     thread t of 1024 keeps the best of its column, the ids t, t + 1024, t + 2048, ...     (TokenScan)
//     rank     warp 0: the best of 1024 columns is the next token; then the best of that column that comes behind it
//
//              columns   . 7.1 . . 9.8 . .   ──>  9.8   ──>   . 7.1 . . 3.2 . .   ──>  7.1   ──>  ...
//
// The scan reads the row once; a rank costs 1024 reads of shared memory and the 51 logits of one column again, about a
// microsecond, without a barrier of the block. The order is exact: by logit, then by id. Bytes: 4 · vocabulary a row.

/// <summary>The most probable tokens of rows of logits; see <see cref="IKernels.TopTokens"/>.</summary>
internal sealed class TokenRanking(GpuDevice device) : IDisposable
{
    private const int WarpSize = 32, Warps = TokenScan.Threads / WarpSize;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ChoiceView, ArrayView<float>, ArrayView<int>, ArrayView<int>, ArrayView<RankedToken>, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ChoiceView, ArrayView<float>, ArrayView<int>, ArrayView<int>, ArrayView<RankedToken>, int>>(RankTokens, TokenScan.Threads, maximumRegisters: TokenScan.Registers));

    private GpuAllocation? _ranked;
    private StagingRing? _staging;

    /// <summary>A token and its log-probability.</summary>
    internal struct RankedToken
    {
        public int Token;
        public float LogProbability;
    }

    /// <summary>Ranks, and waits for the result.</summary>
    /// <param name="rows">The rows, uploaded.</param>
    /// <param name="logits">[outputs, vocabulary] float32.</param>
    /// <param name="choice">The lanes' rules and histories.</param>
    /// <param name="count">How many of each row.</param>
    /// <param name="tokens">[outputs, count].</param>
    /// <param name="logProbabilities">[outputs, count].</param>
    public unsafe void Run(GpuDecoderRows rows, GpuTensor logits, GpuTokenChoice choice, int count, Span<int> tokens, Span<float> logProbabilities)
    {
        int all = rows.OutputCount * count;
        if (all == 0)
        {
            return;
        }

        int bytes = all * sizeof(RankedToken);
        if (_ranked is null || _staging is null || _staging.BlockBytes < bytes)
        {
            Dispose();
            _ranked = device.Memory.Allocate(bytes, "token choice");
            _staging = new StagingRing(device, 1, bytes);
        }

        _kernel.Value(device.Stream, (rows.OutputCount, TokenScan.Threads), choice.View, logits.Floats, rows.DeviceOutputs, rows.DeviceLanes, _ranked.Vectors.Cast<RankedToken>(), count);
        RankedToken* read = (RankedToken*)_staging.Take();
        _staging.CopyToHost(_ranked.Address, bytes);
        for (int i = 0; i < all; i++)
        {
            (tokens[i], logProbabilities[i]) = (read[i].Token, read[i].LogProbability);
        }
    }

    public void Dispose()
    {
        _staging?.Dispose();
        _ranked?.Dispose();
    }

    private static void RankTokens(
        ChoiceView choice, ArrayView<float> logits, ArrayView<int> outputs, ArrayView<int> lanes, ArrayView<RankedToken> ranked, int count)
    {
        ArrayView<Bits128> sharedText = SharedMemory.Allocate<Bits128>(Warps), sharedTimes = SharedMemory.Allocate<Bits128>(Warps);
        ArrayView<long> best = SharedMemory.Allocate<long>(TokenScan.Threads);
        int output = Grid.IdxX, lane = lanes[outputs[output]];
        long start = (long)output * choice.Vocabulary;
        LaneRules rules = choice.Rules[lane];
        rules.InverseTemperature = 0;
        LaneState state = choice.State(lane);
        AllowedRanges ranges = TokenChooser.RangesOf(choice, rules, lane, state);
        long mask = ((2L * lane) + (state.Count == 0 ? 1 : 0)) * choice.MaskWords;

        TokenScan ownText = TokenScan.Of(logits, start, choice.Masks, mask, ranges.TextFirst, rules.TimestampBegin, rules, 0);
        TokenScan ownTimes = TokenScan.Of(logits, start, choice.Masks, mask, ranges.TimestampFirst, ranges.TimestampEnd, rules, 0);
        TokenScan text = TokenScan.OfBlock(ownText, sharedText), times = TokenScan.OfBlock(ownTimes, sharedTimes);
        bool timesOnly = TokenChooser.TimesOnly(text, times);
        float normaliser = timesOnly ? times.LogSumExp : TokenScan.Join(text, times).LogSumExp;
        ranges.TextFirst = timesOnly ? rules.TimestampBegin : ranges.TextFirst;
        best[Group.IdxX] = timesOnly ? ownTimes.Best : IntrinsicMath.Max(ownText.Best, ownTimes.Best);
        Group.Barrier();
        if (Group.IdxX >= WarpSize)
        {
            return;
        }

        long nothing = TokenScan.Candidate(float.NegativeInfinity, 0);
        for (int rank = 0; rank < count; rank++)
        {
            long winner = long.MinValue;
            for (int column = Warp.LaneIdx; column < TokenScan.Threads; column += WarpSize)
            {
                winner = IntrinsicMath.Max(winner, best[column]);
            }

            winner = LargestOfWarp(winner);
            bool found = winner > nothing;
            int token = TokenScan.Token(winner);
            if (Warp.LaneIdx == 0)
            {
                ranked[((long)output * count) + rank] = new RankedToken
                {
                    Token = found ? token : -1,
                    LogProbability = found ? TokenScan.Score(winner) - normaliser : float.NegativeInfinity,
                };
            }

            if (found)
            {
                long next = LargestOfWarp(NextOfColumn(choice, logits, start, mask, ranges, rules.TimestampBegin, winner));
                if (Warp.LaneIdx == 0)
                {
                    best[token % TokenScan.Threads] = next;
                }

                Warp.Barrier();
            }
        }
    }

    /// <summary>What a lane finds in the winner's column that comes behind the winner.</summary>
    private static long NextOfColumn(ChoiceView choice, ArrayView<float> logits, long start, long mask, AllowedRanges ranges, int begin, long winner)
    {
        long next = long.MinValue;
        int column = TokenScan.Token(winner) % TokenScan.Threads;
        for (int i = column + (Warp.LaneIdx * TokenScan.Threads); i < choice.Vocabulary; i += WarpSize * TokenScan.Threads)
        {
            bool inText = i >= ranges.TextFirst && i < begin, inTimes = i >= ranges.TimestampFirst && i < ranges.TimestampEnd;
            if ((inText || inTimes) && ((choice.Masks[mask + (i / 32)] >> (i % 32)) & 1) == 0)
            {
                long candidate = TokenScan.Candidate(logits[start + i], i);
                next = candidate < winner ? IntrinsicMath.Max(next, candidate) : next;
            }
        }

        return next;
    }

    private static long LargestOfWarp(long value)
    {
        for (int distance = WarpSize / 2; distance > 0; distance /= 2)
        {
            long other = ((long)Warp.ShuffleXor((int)(value >> 32), distance) << 32) | (uint)Warp.ShuffleXor((int)value, distance);
            value = IntrinsicMath.Max(value, other);
        }

        return value;
    }
}
