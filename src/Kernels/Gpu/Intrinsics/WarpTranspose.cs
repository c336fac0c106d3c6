using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Lanes exchange what they hold, without shared memory:
/// <code>
///     lane 0   a0 a1 a2 a3        a0 b0 c0 d0
///     lane 1   b0 b1 b2 b3  ──>   a1 b1 c1 d1        four shuffles
///     lane 2   c0 c1 c2 c3        a2 b2 c2 d2
///     lane 3   d0 d1 d2 d3        a3 b3 c3 d3
/// </code>
/// </summary>
internal static class WarpTranspose
{
    /// <summary>
    /// Transposes the 4 x 4 words of four neighbouring lanes, a row in each: first within, then between tiles of 2 x 2.
    /// </summary>
    /// <param name="words">The lane's row; it gets its column.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bits128 Words(Bits128 words)
    {
        bool odd = (Group.IdxX & 1) != 0, upper = (Group.IdxX & 2) != 0;
        Exchange(ref words.X, ref words.Y, odd, 1);
        Exchange(ref words.Z, ref words.W, odd, 1);
        Exchange(ref words.X, ref words.Z, upper, 2);
        Exchange(ref words.Y, ref words.W, upper, 2);
        return words;
    }

    /// <summary>Swaps one lane's second word for the other lane's first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Exchange(ref uint first, ref uint second, bool isOther, int distance)
    {
        uint received = Warp.ShuffleXor(isOther ? first : second, distance);
        first = isOther ? received : first;
        second = isOther ? second : received;
    }
}
