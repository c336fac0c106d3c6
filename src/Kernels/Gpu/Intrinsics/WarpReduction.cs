using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Reductions over the lanes of a warp by shuffles: a butterfly, so that every lane receives the result, always combined in
/// the same order, so that a result repeats bit by bit.
/// </summary>
internal static class WarpReduction
{
    /// <summary>The sum over the 32 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(float value)
    {
        value += Warp.ShuffleXor(value, 16);
        value += Warp.ShuffleXor(value, 8);
        value += Warp.ShuffleXor(value, 4);
        return SumOfFour(value);
    }

    /// <summary>The largest over the 32 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(float value)
    {
        value = MathF.Max(value, Warp.ShuffleXor(value, 16));
        value = MathF.Max(value, Warp.ShuffleXor(value, 8));
        value = MathF.Max(value, Warp.ShuffleXor(value, 4));
        return MaxOfFour(value);
    }

    /// <summary>The sum over four neighbouring lanes, 4i to 4i + 3: those that share a row of an <see cref="Accumulator"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumOfFour(float value)
    {
        value += Warp.ShuffleXor(value, 2);
        return value + Warp.ShuffleXor(value, 1);
    }

    /// <summary>The largest over four neighbouring lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxOfFour(float value)
    {
        value = MathF.Max(value, Warp.ShuffleXor(value, 2));
        return MathF.Max(value, Warp.ShuffleXor(value, 1));
    }
}
