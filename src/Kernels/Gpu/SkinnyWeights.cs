using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A lane's weights in a skinny product: of one output, 16 bytes of each step of k that the warp has. Four steps are on
/// their way at a time, to the lane's own places in shared memory: there they take no registers, which are few where many
/// blocks wait at once. The steps of a warp are <c>warp, warp + warps, ...</c>; those behind the end are zeros.
/// </summary>
internal struct SkinnyWeights
{
    /// <summary>Steps under way at a time; each thread has as many places of 16 bytes.</summary>
    public const int Steps = 4;

    private int _from; // where the lane reads in its output's row, in 16 bytes
    private int _count; // steps that there are
    private int _step; // the first of the four

    /// <summary>Finds the lane's weights.</summary>
    /// <param name="eights">A row's length in eights of elements.</param>
    /// <param name="outputs">Rows that there are; the last one stands for those behind.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SkinnyWeights Create<TFormat>(int eights, int outputs)
        where TFormat : struct, IWeightFormat
    {
        int vectors = eights / TFormat.Eights;
        SkinnyWeights weights = default;
        weights._from = (IntrinsicMath.Min((Grid.IdxX * SkinnyTile.Outputs) + (Warp.LaneIdx / 4), outputs - 1) * vectors) + (Warp.LaneIdx & 3);
        weights._count = vectors / 4;
        weights._step = Group.IdxX / 32;
        return weights;
    }

    /// <summary>Begins to copy the present four steps.</summary>
    /// <param name="weight">The matrix.</param>
    /// <param name="shared"><see cref="Steps"/> places for each thread of the block.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Load<TCopy>(ArrayView<Bits128> weight, ArrayView<Bits128> shared)
        where TCopy : struct, ISharedCopy
    {
        int place = SharedAddress.Of(shared) + (16 * Group.IdxX), next = 16 * Group.DimX;
        Bits128 w0 = TCopy.Begin(place, weight, _from + At(0), BytesOf(0));
        Bits128 w1 = TCopy.Begin(place + next, weight, _from + At(1), BytesOf(1));
        Bits128 w2 = TCopy.Begin(place + (2 * next), weight, _from + At(2), BytesOf(2));
        Bits128 w3 = TCopy.Begin(place + (3 * next), weight, _from + At(3), BytesOf(3));
        TCopy.Commit();
        TCopy.End(place, w0);
        TCopy.End(place + next, w1);
        TCopy.End(place + (2 * next), w2);
        TCopy.End(place + (3 * next), w3);
    }

    /// <summary>Begins to bring the steps behind the present four to the L2 cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void PrefetchOthers(ArrayView<Bits128> weight)
    {
        for (int step = _step + (Steps * Warps); step < _count; step += Warps)
        {
            CacheHint.Prefetch(weight, _from + (4 * step));
        }
    }

    /// <summary>Multiplies with all of the warp's weights, the first of which <see cref="Load"/> has begun to copy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAll<TCopy, TTensorCore, TFormat, TTile>(ref TTile tile, ArrayView<Bits128> x, ArrayView<Bits128> weight, ArrayView<Bits128> shared)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore
        where TFormat : struct, IWeightFormat
        where TTile : struct, ISkinnyTile
    {
        while (true)
        {
            TCopy.WaitForAll();
            TFormat.MultiplyAdd<TTensorCore, TTile>(ref tile, x, TFormat.Eights * At(0), shared[Group.IdxX]);
            TFormat.MultiplyAdd<TTensorCore, TTile>(ref tile, x, TFormat.Eights * At(1), shared[Group.IdxX + Group.DimX]);
            TFormat.MultiplyAdd<TTensorCore, TTile>(ref tile, x, TFormat.Eights * At(2), shared[Group.IdxX + (2 * Group.DimX)]);
            TFormat.MultiplyAdd<TTensorCore, TTile>(ref tile, x, TFormat.Eights * At(3), shared[Group.IdxX + (3 * Group.DimX)]);
            _step += Steps * Warps;
            if (_step >= _count)
            {
                return;
            }

            Load<TCopy>(weight, shared);
        }
    }

    private static int Warps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Group.DimX / 32;
    }

    /// <summary>Where one of the four steps lies in a row, in 16 bytes; the last step's place for those behind the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int At(int i) => 4 * IntrinsicMath.Min(_step + (i * Warps), _count - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int BytesOf(int i) => _step + (i * Warps) < _count ? 16 : 0;
}
