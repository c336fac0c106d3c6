using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>Where a block of a skinny product reads its rows, as a policy that is compiled into the kernel.</summary>
internal interface ISkinnySource
{
    /// <summary>From row to row there, in 16 bytes.</summary>
    /// <param name="eights">A row's length in eights of elements.</param>
    static abstract int Pitch(int eights);

    /// <summary>Brings the rows there, in the compute type; all threads of the block come by here.</summary>
    /// <param name="x">The rows in global memory.</param>
    /// <param name="stage">Shared memory for all of them.</param>
    /// <param name="operands">What else there is.</param>
    /// <returns>Where they are now.</returns>
    static abstract ArrayView<Bits128> Bring(ArrayView<Bits128> x, ArrayView<Bits128> stage, SkinnyOperands operands);
}

/// <summary>What the ways through shared memory have in common.</summary>
internal static class SkinnySource
{
    /// <summary>
    /// From row to row in shared memory, in 16 bytes: half of all banks more than whole turns of them, so that the eight lanes of
    /// an access, which read four neighbours of two rows, are in banks of their own.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Pitch(int eights) => eights + 4 - (eights & 4);
}

/// <summary>Rows of any number, read by every warp where they are.</summary>
internal readonly struct RowsInPlace : ISkinnySource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Pitch(int eights) => eights;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayView<Bits128> Bring(ArrayView<Bits128> x, ArrayView<Bits128> stage, SkinnyOperands operands) => x;
}

/// <summary>Few rows as they are, of 16-bit elements.</summary>
internal readonly struct CopiedRows : ISkinnySource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Pitch(int eights) => SkinnySource.Pitch(eights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayView<Bits128> Bring(ArrayView<Bits128> x, ArrayView<Bits128> stage, SkinnyOperands operands)
    {
        int pitch = Pitch(operands.Eights);
        for (int row = 0; row < operands.Rows; row++)
        {
            for (int i = Group.IdxX; i < operands.Eights; i += Group.DimX)
            {
                stage[(row * pitch) + i] = x[(row * operands.Eights) + i];
            }
        }

        Group.Barrier();
        return stage;
    }
}

/// <summary>
/// The layer norm of few float32 rows, computed by every block for itself: a few KB out of the L2 cache cost less than another
/// launch. The sums are those of <see cref="LayerNormalization{TElement}"/>, bit by bit.
/// </summary>
internal readonly struct NormalisedRows<TElement> : ISkinnySource
    where TElement : struct, IElement
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Pitch(int eights) => SkinnySource.Pitch(eights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayView<Bits128> Bring(ArrayView<Bits128> x, ArrayView<Bits128> stage, SkinnyOperands operands)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(NormTeam.MaximumWarps), squares = SharedMemory.Allocate<float>(NormTeam.MaximumWarps);
        int fours = 2 * operands.Eights, pitch = Pitch(operands.Eights), warps = NormTeam.WarpsOf(fours), teams = Group.DimX / NormTeam.WarpSize / warps;
        NormTeam team = NormTeam.Create(fours, warps);
        for (int first = 0; first < operands.Rows; first += teams)
        {
            int row = first + team.Number;
            NormPart part = row < operands.Rows ? team.Load(x, (long)row * fours) : default;
            part = team.Standardise(part, sums, squares);
            if (team.IsMember & row < operands.Rows)
            {
                // Gains and biases are read no earlier, since the registers are full of weights.
                team.Store<TElement>(stage, (long)row * 2 * pitch, part.Scale(team.Load(operands.Gain, 0), team.Load(operands.Shift, 0)));
            }
        }

        Group.Barrier();
        return stage;
    }
}
