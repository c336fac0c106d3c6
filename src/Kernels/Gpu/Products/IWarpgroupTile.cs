using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A tile of <see cref="WarpgroupProduct{TRows, TCore, TTile, TOutput, TActivation}"/>, as a policy that is compiled into the
/// kernel: how large it is, and what its size decides. Each of its warpgroups has 64 rows and all columns.
/// </summary>
internal interface IWarpgroupTile
{
    /// <summary>Rows: 64 for each warpgroup.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns, a multiple of 32.</summary>
    static abstract int Columns { get; }

    /// <summary>Stages in shared memory, at least three: one is multiplied, one still read, the others are on their way.</summary>
    static abstract int Stages { get; }

    /// <summary>Waits until only copies for later stages are under way.</summary>
    static abstract void WaitForStage();

    /// <summary>Declares the sums.</summary>
    static abstract void Declare();

    /// <summary>Begins to add a product of 16 elements of k to the sums.</summary>
    static abstract void MultiplyAdd<TCore>(ulong a, ulong b)
        where TCore : struct, IWarpgroupCore;

    /// <summary>What a thread copies of the weights.</summary>
    /// <param name="weight">W.</param>
    /// <param name="column">The tile's first column.</param>
    /// <param name="line">The thread's row of all that are copied at once.</param>
    /// <param name="outputs">Rows of W.</param>
    /// <param name="chunks">Chunks of a row.</param>
    static abstract WeightCopy Weights<TOutput>(ArrayView<Bits128> weight, int column, int line, int outputs, int chunks)
        where TOutput : struct, IOutput;

    /// <summary>Begins the copies of the weights to a stage.</summary>
    /// <param name="weights">What to copy.</param>
    /// <param name="place">Where the thread's first chunk goes.</param>
    /// <param name="chunk">Which chunk of each row.</param>
    static abstract void Copy(WeightCopy weights, int place, int chunk);

    /// <summary>Sets the sums to the bias.</summary>
    static abstract void Fill<TOutput>(ProductResult result, int column)
        where TOutput : struct, IOutput;

    /// <summary>Finishes the sums and stores them.</summary>
    /// <param name="result">Where to.</param>
    /// <param name="row">This lane's first row of the result.</param>
    /// <param name="column">Where this lane's first columns begin, as the output policy deals them.</param>
    static abstract void Store<TOutput, TActivation>(ProductResult result, int row, int column)
        where TOutput : struct, IOutput
        where TActivation : struct, IActivation;
}
