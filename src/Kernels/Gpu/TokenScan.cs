using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

// One pass over a row of logits by a block of 1024 threads:
//
//     ids      0 ... 1023 | 1024 ... 2047 | 2048 ... 3071 | 3072 ... 4095 | 4096 ...        a thread: one id of each
//     thread   0 ... 1023     0 ... 1023      0 ... 1023      0 ... 1023      0 ...          1024, four loads under way
//
// Rows begin anywhere (a vocabulary is an odd number of floats), so threads read 4 bytes each, a warp 128 in a piece. What a
// thread keeps is three numbers: the largest logit, Σ exp(logit − largest), rescaled when a larger one comes (the online
// softmax of Milakov and Gimelshein, arXiv:1805.02867), and the best candidate so far. Then the threads' numbers are
// brought together, by shuffles in a warp and through shared memory between the 32 warps, always in the same order.

/// <summary>What a scan of logits finds.</summary>
internal struct TokenScan
{
    /// <summary>Threads of a block that scans.</summary>
    public const int Threads = Philox.TokenStride;

    /// <summary>Registers of such a thread: a multiprocessor has 65536.</summary>
    public const int Registers = 65536 / Threads;

    /// <summary>Ids of a step of the block.</summary>
    public const int BlockTokens = 4 * Threads;

    private const int WarpSize = 32;
    private const float Log2E = 1.44269504f, Ln2 = 0.693147181f;

    /// <summary>The largest logit; float.MinValue where there is none, which is far from overflow in a difference.</summary>
    public float Largest;

    /// <summary>Σ exp(logit − largest).</summary>
    public float Sum;

    /// <summary>The best candidate: see <see cref="Candidate"/>.</summary>
    public long Best;

    /// <summary>Nothing seen.</summary>
    public static TokenScan Empty => new() { Largest = float.MinValue, Sum = 0, Best = long.MinValue };

    /// <summary>ln Σ exp(logit).</summary>
    public readonly float LogSumExp
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Largest + (Approximate.Log2(Sum) * Ln2);
    }

    /// <summary>Whether anything was allowed: something that is larger than minus infinity.</summary>
    public readonly bool IsEmpty => Sum == 0;

    /// <summary>
    /// A score and an id as one integer: larger where the score is, and of equal scores where the id is smaller. NaN is
    /// above all, as it is the largest for the CPU.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Candidate(float score, int token)
    {
        int bits = (int)Interop.FloatAsInt(score);
        int magnitude = bits & 0x7FFFFFFF;
        int key = magnitude > 0x7F800000 ? 0x7FFFFFFF : magnitude == 0 ? 0 : bits ^ ((bits >> 31) & 0x7FFFFFFF);
        return ((long)key << 32) | (uint)~token;
    }

    /// <summary>The score of a candidate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Score(long candidate)
    {
        int key = (int)(candidate >> 32);
        return Interop.IntAsFloat((uint)(key ^ ((key >> 31) & 0x7FFFFFFF)));
    }

    /// <summary>The token of a candidate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Token(long candidate) => ~(int)candidate;

    /// <summary>What a thread finds among the allowed ids from <paramref name="from"/> to before <paramref name="end"/>.</summary>
    /// <param name="logits">[rows, vocabulary].</param>
    /// <param name="start">Where the row begins.</param>
    /// <param name="masks">Forbidden ids as bits.</param>
    /// <param name="mask">Where the mask begins.</param>
    /// <param name="from">The first id.</param>
    /// <param name="end">The id behind the last.</param>
    /// <param name="rules">Whether and how to draw.</param>
    /// <param name="step">The place in the text.</param>
    public static TokenScan Of(ArrayView<float> logits, long start, ArrayView<uint> masks, long mask, int from, int end, LaneRules rules, int step)
    {
        TokenScan scan = Empty;
        for (int i = (from / BlockTokens * BlockTokens) + Group.IdxX; i < end; i += BlockTokens)
        {
            uint bit = 1u << (i % 32);
            long word = mask + (i / 32);
            uint forbidden0 = masks[word] & bit, forbidden1 = masks[word + (Threads / 32)] & bit;
            uint forbidden2 = masks[word + (2 * Threads / 32)] & bit, forbidden3 = masks[word + (3 * Threads / 32)] & bit;
            float a = Allowed(logits, start, i, forbidden0, from, end), b = Allowed(logits, start, i + Threads, forbidden1, from, end);
            float c = Allowed(logits, start, i + (2 * Threads), forbidden2, from, end), d = Allowed(logits, start, i + (3 * Threads), forbidden3, from, end);
            scan.AddLogits(a, b, c, d);
            if (rules.InverseTemperature > 0)
            {
                Philox bits = Philox.OfTokens(rules, step, i);
                a = (a * rules.InverseTemperature) + Noise(bits.X);
                b = (b * rules.InverseTemperature) + Noise(bits.Y);
                c = (c * rules.InverseTemperature) + Noise(bits.Z);
                d = (d * rules.InverseTemperature) + Noise(bits.W);
            }

            long low = IntrinsicMath.Max(Candidate(a, i), Candidate(b, i + Threads));
            long high = IntrinsicMath.Max(Candidate(c, i + (2 * Threads)), Candidate(d, i + (3 * Threads)));
            scan.Best = IntrinsicMath.Max(scan.Best, IntrinsicMath.Max(low, high));
        }

        return scan;
    }

    /// <summary>
    /// What a thread finds among all ids from <paramref name="from"/>, a multiple of <see cref="BlockTokens"/>, on, before any
    /// rule; no candidates.
    /// </summary>
    public static TokenScan OfAll(ArrayView<float> logits, long start, int from, int end)
    {
        TokenScan scan = Empty;
        for (int i = from + Group.IdxX; i < end; i += BlockTokens)
        {
            float a = Allowed(logits, start, i, 0, 0, end), b = Allowed(logits, start, i + Threads, 0, 0, end);
            float c = Allowed(logits, start, i + (2 * Threads), 0, 0, end), d = Allowed(logits, start, i + (3 * Threads), 0, 0, end);
            scan.AddLogits(a, b, c, d);
        }

        return scan;
    }

    /// <summary>Both together.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TokenScan Join(TokenScan a, TokenScan b)
    {
        float largest = MathF.Max(a.Largest, b.Largest);
        return new TokenScan
        {
            Largest = largest,
            Sum = (a.Sum * Exp(a.Largest - largest)) + (b.Sum * Exp(b.Largest - largest)),
            Best = IntrinsicMath.Max(a.Best, b.Best),
        };
    }

    /// <summary>What all threads of the block found, in each of them. One barrier; shared: one element for each warp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TokenScan OfBlock(TokenScan scan, ArrayView<Bits128> shared)
    {
        scan = OfWarp(scan);
        if (Warp.LaneIdx == 0)
        {
            shared[Group.IdxX / WarpSize] = Pack(scan);
        }

        Group.Barrier();
        return OfWarp(Unpack(shared[Warp.LaneIdx]));
    }

    /// <summary>What the blocks of a row found, in every lane of a warp; always joined in the same order.</summary>
    /// <param name="scans">The blocks' scans, packed.</param>
    /// <param name="first">The first of them.</param>
    /// <param name="count">How many: 32 at most.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TokenScan OfBlocks(ArrayView<Bits128> scans, int first, int count)
    {
        TokenScan scan = Empty;
        if (Warp.LaneIdx < count)
        {
            scan = Unpack(scans[first + Warp.LaneIdx]);
        }

        return OfWarp(scan);
    }

    /// <summary>
    /// A scan in 16 bytes, which are one access: field by field, four lanes would ask the same bank of shared memory.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bits128 Pack(TokenScan scan) =>
        new(Interop.FloatAsInt(scan.Largest), Interop.FloatAsInt(scan.Sum), (uint)scan.Best, (uint)(scan.Best >> 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TokenScan Unpack(Bits128 bits) =>
        new() { Largest = Interop.IntAsFloat(bits.X), Sum = Interop.IntAsFloat(bits.Y), Best = ((long)bits.W << 32) | bits.Z };

    /// <summary>Gumbel's noise, −ln(−ln(1 − v)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Noise(uint bits)
    {
        float v = Philox.Uniform(bits);
        float exponential = v < 0.5f ? Philox.ExponentialNearZero(v) : Approximate.Log2(1 - v) * -Ln2;
        return Approximate.Log2(exponential) * -Ln2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Allowed(ArrayView<float> logits, long start, int token, uint forbidden, int from, int end) =>
        forbidden == 0 && token >= from && token < end ? logits[start + token] : float.NegativeInfinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Exp(float x) => Approximate.Exp2(x * Log2E);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TokenScan OfWarp(TokenScan scan)
    {
        for (int distance = WarpSize / 2; distance > 0; distance /= 2)
        {
            TokenScan other = new()
            {
                Largest = Warp.ShuffleXor(scan.Largest, distance),
                Sum = Warp.ShuffleXor(scan.Sum, distance),
                Best = ((long)Warp.ShuffleXor((int)(scan.Best >> 32), distance) << 32) | (uint)Warp.ShuffleXor((int)scan.Best, distance),
            };
            scan = Join(scan, other);
        }

        return scan;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddLogits(float a, float b, float c, float d)
    {
        float largest = MathF.Max(Largest, MathF.Max(MathF.Max(a, b), MathF.Max(c, d)));
        Sum = (Sum * Exp(Largest - largest)) + (Exp(a - largest) + Exp(b - largest)) + (Exp(c - largest) + Exp(d - largest));
        Largest = largest;
    }
}
