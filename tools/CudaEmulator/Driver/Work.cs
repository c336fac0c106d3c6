using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Driver;

// What can be asked of the device. The same objects wait in a stream's queue and make up a graph: a capture keeps them
// instead of queueing them, and a graph's launch is itself one piece of work that runs those it holds.

/// <summary>The kinds of graph nodes, as CUgraphNodeType numbers them.</summary>
internal enum NodeKind
{
    Kernel = 0,
    Copy = 1,
    Fill = 2,
    Graph = 4,
    Empty = 5,
    EventRecord = 7,
    Free = 11,
}

/// <summary>Something for the device to do, complete in itself: what it needs was copied when it was asked for.</summary>
internal abstract record Work
{
    /// <summary>What it is as a node of a graph.</summary>
    public abstract NodeKind Kind { get; }

    /// <summary>Does it, on the worker thread.</summary>
    /// <exception cref="DeviceFaultException">It failed; the context is unusable from now on.</exception>
    public abstract void Run(EmulatedDriver driver);

    /// <summary>
    /// Why an instantiated graph cannot take <paramref name="other"/>, of the same kind, in this one's place; null if it can.
    /// </summary>
    public virtual UpdateResult CheckUpdate(Work other) => UpdateResult.Success;
}

/// <summary>A kernel launch.</summary>
internal sealed record KernelWork(CudaFunction Function, Dim3 Grid, Dim3 Block, int DynamicSharedBytes, byte[] Parameters) : Work
{
    /// <inheritdoc/>
    public override NodeKind Kind => NodeKind.Kernel;

    /// <inheritdoc/>
    public override void Run(EmulatedDriver driver) => Run(overlap: null);

    /// <summary>Does it.</summary>
    /// <param name="overlap">The launches that may run at the same time; null for none.</param>
    public void Run(Overlap? overlap) =>
        Function.Run(new LaunchRequest(Function.Code, Grid, Block, DynamicSharedBytes, Parameters) { Overlap = overlap });

    /// <inheritdoc/>
    public override UpdateResult CheckUpdate(Work other) =>
        ((KernelWork)other).Function.Module.Context == Function.Module.Context
            ? UpdateResult.Success
            : UpdateResult.UnsupportedFunctionChange;
}

/// <summary>A copy between any two places.</summary>
/// <param name="Destination">Where to.</param>
/// <param name="Source">Where from.</param>
/// <param name="Bytes">How many.</param>
/// <param name="Staging">What the source points into, if the driver took a copy of the caller's bytes.</param>
internal sealed record CopyWork(Place Destination, Place Source, ulong Bytes, byte[]? Staging = null) : Work
{
    /// <inheritdoc/>
    public override NodeKind Kind => NodeKind.Copy;

    /// <inheritdoc/>
    public override void Run(EmulatedDriver driver) => driver.Memory.Copy(Destination, Source, Bytes);

    /// <inheritdoc/>
    public override UpdateResult CheckUpdate(Work other) =>
        other is CopyWork copy && copy.Destination.Kind == Destination.Kind && copy.Source.Kind == Source.Kind
            ? UpdateResult.Success
            : UpdateResult.ParametersChanged;
}

/// <summary>A memset.</summary>
/// <param name="Destination">Memory that the device can reach.</param>
/// <param name="Value">The element's bits.</param>
/// <param name="ElementBytes">1, 2 or 4.</param>
/// <param name="Count">Elements.</param>
internal sealed record FillWork(Place Destination, uint Value, int ElementBytes, ulong Count) : Work
{
    /// <inheritdoc/>
    public override NodeKind Kind => NodeKind.Fill;

    /// <inheritdoc/>
    public override void Run(EmulatedDriver driver) => driver.Memory.Fill(Destination, Value, ElementBytes, Count);
}

/// <summary>Frees memory in stream order: cuMemFreeAsync.</summary>
internal sealed record FreeWork(CudaContext Context, ulong Address) : Work
{
    /// <inheritdoc/>
    public override NodeKind Kind => NodeKind.Free;

    /// <inheritdoc/>
    public override void Run(EmulatedDriver driver) => Context.Release(Address);
}

/// <summary>Notes the time: cuEventRecord.</summary>
internal sealed record EventWork(EventRecord Record) : Work
{
    /// <inheritdoc/>
    public override NodeKind Kind => NodeKind.EventRecord;

    /// <inheritdoc/>
    public override void Run(EmulatedDriver driver) => Record.Stamp();
}

/// <summary>Nothing: a place in a stream's order, to wait for or to wait at.</summary>
internal sealed record EmptyWork : Work
{
    /// <inheritdoc/>
    public override NodeKind Kind => NodeKind.Empty;

    /// <inheritdoc/>
    public override void Run(EmulatedDriver driver)
    {
    }
}
