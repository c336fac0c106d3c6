using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>How a block of a skinny product gets its few rows into shared memory, as a policy that is compiled into the kernel.</summary>
internal interface ISkinnySource
{
    /// <summary>Writes the rows, in the compute type; a barrier of the block has to follow.</summary>
    /// <param name="x">The rows in global memory.</param>
    /// <param name="gain">The gains of a norm, float32.</param>
    /// <param name="shift">Its biases, float32.</param>
    /// <param name="stage">Shared memory.</param>
    /// <param name="pitch">From row to row there, in 16 bytes.</param>
    /// <param name="rows">How many.</param>
    /// <param name="eights">A row's length in eights of elements.</param>
    static abstract void Stage(ArrayView<Bits128> x, ArrayView<Bits128> gain, ArrayView<Bits128> shift, ArrayView<Bits128> stage, int pitch, int rows, int eights);
}

/// <summary>What the ways have in common.</summary>
internal static class SkinnySource
{
    /// <summary>
    /// From row to row in shared memory, in 16 bytes: half of all banks more than whole turns of them, so that the eight lanes of
    /// an access, which read four neighbours of two rows, are in banks of their own.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Pitch(int eights) => eights + 4 - (eights & 4);
}

/// <summary>Rows as they are, of 16-bit elements.</summary>
internal readonly struct CopiedRows : ISkinnySource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stage(ArrayView<Bits128> x, ArrayView<Bits128> gain, ArrayView<Bits128> shift, ArrayView<Bits128> stage, int pitch, int rows, int eights)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int i = Group.IdxX; i < eights; i += Group.DimX)
            {
                stage[(row * pitch) + i] = x[(row * eights) + i];
            }
        }
    }
}

/// <summary>
/// The layer norm of float32 rows, computed by every block for itself: a few KB out of the L2 cache cost less than another
/// launch. The sums are those of <see cref="LayerNormalization{TElement}"/>, bit by bit.
/// </summary>
internal readonly struct NormalisedRows<TElement> : ISkinnySource
    where TElement : struct, IElement
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stage(ArrayView<Bits128> x, ArrayView<Bits128> gain, ArrayView<Bits128> shift, ArrayView<Bits128> stage, int pitch, int rows, int eights)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(NormTeam.MaximumWarps), squares = SharedMemory.Allocate<float>(NormTeam.MaximumWarps);
        int fours = 2 * eights, warps = NormTeam.WarpsOf(fours), teams = Group.DimX / NormTeam.WarpSize / warps;
        NormTeam team = NormTeam.Create(fours, warps);
        for (int first = 0; first < rows; first += teams)
        {
            int row = first + team.Number;
            NormPart part = row < rows ? team.Load(x, (long)row * fours) : default;
            part = team.Standardise(part, sums, squares);
            if (team.IsMember & row < rows)
            {
                // Gains and biases are read no earlier, since the registers are full of weights.
                team.Store<TElement>(stage, (long)row * 2 * pitch, part.Scale(team.Load(gain, 0), team.Load(shift, 0)));
            }
        }
    }
}
