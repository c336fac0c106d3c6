using System.Runtime.CompilerServices;

namespace Handwritten.Kernels;

/// <summary>
/// Random numbers by counting: number i of a sequence is a scrambled i, so that any thread of any device makes the one it
/// needs, and a token's number depends on nothing but the seed, the place in the text and the token. Philox4x32-10 of
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011): ten rounds of
/// <code>
///     (c0, c1, c2, c3)  ──>  (hi(B · c2) ^ c1 ^ k0,  lo(B · c2),  hi(A · c0) ^ c3 ^ k1,  lo(A · c0))     then the key moves on
/// </code>
/// </summary>
internal struct Philox
{
    private const uint MultiplierA = 0xD2511F53, MultiplierB = 0xCD9E8D57;
    private const float LargestBelowOne = 0.99999994f;
    private const uint KeyStep0 = 0x9E3779B9, KeyStep1 = 0xBB67AE85;

    /// <summary>Four numbers of 32 random bits.</summary>
    public uint X, Y, Z, W;

    /// <summary>The numbers of a counter (c0, c1, c2, c3) under a key (k0, k1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Philox At(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong a = (ulong)c0 * MultiplierA, b = (ulong)c2 * MultiplierB;
            c0 = (uint)(b >> 32) ^ c1 ^ k0;
            c1 = (uint)b;
            c2 = (uint)(a >> 32) ^ c3 ^ k1;
            c3 = (uint)a;
            k0 += KeyStep0;
            k1 += KeyStep1;
        }

        return new Philox { X = c0, Y = c1, Z = c2, W = c3 };
    }

    /// <summary>How far tokens lie apart whose bits are one counter's: what the threads of a block read at the same time.</summary>
    public const int TokenStride = 1024;

    /// <summary>
    /// The four tokens token, token + 1024, + 2048 and + 3072 of a lane's step, where token / 1024 is a multiple of 4.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Philox OfTokens(LaneRules rules, int step, int token) =>
        At((uint)((token / (4 * TokenStride) * TokenStride) + (token % TokenStride)), (uint)step, rules.Candidate, 0, rules.SeedLow, rules.SeedHigh);

    /// <summary>The bits of one token.</summary>
    public static uint OfToken(LaneRules rules, int step, int token)
    {
        Philox four = OfTokens(rules, step, token);
        return (token / TokenStride % 4) switch { 0 => four.X, 1 => four.Y, 2 => four.Z, _ => four.W };
    }

    /// <summary>
    /// v from 32 random bits, above 0 and below 1. Where v is small it is exact to 24 binary digits, as
    /// <see cref="ExponentialNearZero"/> needs it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Uniform(uint bits) => MathF.Min((bits + 0.5f) * (1f / 4294967296f), LargestBelowOne);

    /// <summary>
    /// −ln(1 − v) for v up to ½: 2 artanh(s) with s = v / (2 − v), a series in s². It keeps its digits where v is near
    /// zero, and so tells apart those tokens that are about to win.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ExponentialNearZero(float v)
    {
        float s = v / (2 - v), square = s * s;
        float series = 1f / 13;
        series = (series * square) + (1f / 11);
        series = (series * square) + (1f / 9);
        series = (series * square) + (1f / 7);
        series = (series * square) + (1f / 5);
        series = (series * square) + (1f / 3);
        return 2 * s * ((series * square) + 1);
    }
}
