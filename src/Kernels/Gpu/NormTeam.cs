using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>What a thread has of a row: two fours, 32 fours apart.</summary>
internal struct NormPart
{
    public Four Low;
    public Four High;

    /// <summary>Each element times its gain, plus its bias: the last step of a norm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly NormPart Scale(NormPart gain, NormPart bias)
    {
        NormPart part = default;
        part.Low = (Low * gain.Low) + bias.Low;
        part.High = (High * gain.High) + bias.High;
        return part;
    }
}

/// <summary>
/// Warps of a block that normalise a row together, and a thread's place in it: see <see cref="LayerNormalization{TElement}"/>.
/// The order of all sums depends on the width alone, so a row is normalised to the same bits in whatever kernel.
/// </summary>
internal struct NormTeam
{
    public const int WarpSize = 32, FoursOfWarp = 2 * WarpSize;

    /// <summary>The most warps of a block.</summary>
    public const int MaximumWarps = 16;

    private const float Epsilon = 1e-5f;

    /// <summary>Which of the block's teams it is.</summary>
    public int Number;

    /// <summary>Whether the thread is in a team; a block's last warps may be too few, and only go along.</summary>
    public bool IsMember;

    private int _warp;
    private int _warps;
    private int _fours;
    private int _low;

    /// <summary>Warps that a row takes.</summary>
    public static int WarpsOf(int fours) => (fours + FoursOfWarp - 1) / FoursOfWarp;

    /// <summary>The thread's team and its place there.</summary>
    /// <param name="fours">Fours of a row.</param>
    /// <param name="warps">Warps of a team.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NormTeam Create(int fours, int warps)
    {
        NormTeam team = default;
        team._warp = Group.IdxX / WarpSize;
        team._warps = warps;
        team._fours = fours;
        int number = team._warp / warps, teams = Group.DimX / WarpSize / warps;
        team.Number = IntrinsicMath.Min(number, teams - 1);
        team.IsMember = number < teams;
        team._low = (team._warp % warps * FoursOfWarp) + Warp.LaneIdx;
        return team;
    }

    /// <summary>Reads the thread's part of a float32 row; zeros where the row has ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly NormPart Load(ArrayView<Bits128> source, long row)
    {
        NormPart part = default;
        part.Low = _low < _fours ? Four.Load(source, row + _low) : default;
        part.High = _low + WarpSize < _fours ? Four.Load(source, row + _low + WarpSize) : default;
        return part;
    }

    /// <summary>Writes the thread's part.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store<TElement>(ArrayView<Bits128> target, long row, NormPart part)
        where TElement : struct, IElement
    {
        if (_low < _fours)
        {
            TElement.StoreFour(target, row + _low, part.Low);
        }

        if (_low + WarpSize < _fours)
        {
            TElement.StoreFour(target, row + _low + WarpSize, part.High);
        }
    }

    /// <summary>(x − mean) / sqrt(variance + 1e-5). All threads of the block come here as often.</summary>
    /// <param name="x">The thread's part.</param>
    /// <param name="sums">Shared memory: a number for each warp of the block.</param>
    /// <param name="squares">Likewise.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly NormPart Standardise(NormPart x, ArrayView<float> sums, ArrayView<float> squares)
    {
        float mean = SumOfTeam(x.Low.Sum() + x.High.Sum(), sums) / (4 * _fours);
        Four low = _low < _fours ? x.Low - mean : default, high = _low + WarpSize < _fours ? x.High - mean : default;
        float variance = SumOfTeam((low * low).Sum() + (high * high).Sum(), squares) / (4 * _fours);
        float scale = 1 / MathF.Sqrt(variance + Epsilon);
        NormPart y = default;
        y.Low = low * scale;
        y.High = high * scale;
        return y;
    }

    /// <summary>
    /// The sum over a team, in each of its threads; always added in the same order. One barrier: mean and variance use
    /// different sums, so that nobody writes one of them before all have passed the barrier of the other.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly float SumOfTeam(float value, ArrayView<float> sums)
    {
        value = WarpReduction.Sum(value);
        if (Warp.LaneIdx == 0)
        {
            sums[_warp] = value;
        }

        Group.Barrier();
        float sum = 0;
        for (int i = 0; i < _warps; i++)
        {
            sum += sums[(Number * _warps) + i];
        }

        return sum;
    }
}
