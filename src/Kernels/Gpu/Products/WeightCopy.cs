using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// What a thread copies of the weights: a chunk of every row that is a multiple of 32 further down than its first; and, where
/// others are copied in between, of every row that is so far from another first one.
/// </summary>
internal struct WeightCopy
{
    public ArrayView<Bits128> Weight;
    public int Chunks; // of a row
    public int Base;   // where the first row begins
    public int Left;   // rows of W from the first one on
    public int OtherBase;
    public int OtherLeft;
    public int HasLast; // whether the last rows are this thread's

    /// <summary>Begins the copy of a row.</summary>
    /// <param name="place">Address in shared memory.</param>
    /// <param name="further">How far the row is from the first.</param>
    /// <param name="chunk">Which chunk of it; beyond its end, zeros.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Begin(int place, int further, int chunk) => AsynchronousCopy.Copy(
        place, Weight, Base + (further * Chunks) + chunk, further < Left & chunk < Chunks ? 16 : 0);

    /// <summary>Begins the copy of a row that is so far from the other first one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void BeginOther(int place, int further, int chunk) => AsynchronousCopy.Copy(
        place, Weight, OtherBase + (further * Chunks) + chunk, further < OtherLeft & chunk < Chunks ? 16 : 0);

    /// <summary>The same, by the threads that have the last rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void BeginLast(int place, int further, int chunk) => AsynchronousCopy.CopyIf(
        HasLast, place, Weight, OtherBase + (further * Chunks) + chunk, further < OtherLeft & chunk < Chunks ? 16 : 0);
}
