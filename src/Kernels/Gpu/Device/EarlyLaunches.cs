using static Handwritten.Kernels.Gpu.CudaDriver;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Lets the kernels of a recorded chain begin before those in front of them have ended (programmatic dependent launch, from
/// sm_90 on). A step of the decoder is hundreds of kernels of a few microseconds, half of which go by while one drains and
/// the next comes up: blocks are launched, parameters and code fetched, the first weights asked for.
/// <code>
///     usual edge           kernel 1 ──────────┤ gap ├ launch, load weights, load x, multiply, store ├ gap ├ kernel 3 ...
///     programmatic edge    kernel 1 ──────────┤
///                             └ launch, load weights ─ wait ├ load x, multiply, store ┤
///                                  └ kernel 3: launch, load weights ────────── wait  ├ load x ...
/// </code>
/// The edge says that a kernel may begin when every block of the one before has executed <c>griddepcontrol.launch_dependents</c>
/// (or has ended), so it takes no room from blocks that have not begun. <c>griddepcontrol.wait</c> ends when that kernel is
/// done and its results are visible. Every kernel waits before it touches what another one may write
/// (<see cref="Compilation.DependentLaunch"/> sees to it), so a kernel that has waited comes after all kernels of the chain.
/// The edges are what a capture makes of launches with CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION. They are put in
/// afterwards, so that launches are the same whether they are recorded or not.
/// Source: CUDA C++ programming guide, "Programmatic Dependent Launch and Synchronization"; cuda.h, CUgraphEdgeData.
/// </summary>
internal static unsafe class EarlyLaunches
{
    /// <summary>The first compute capability that has them.</summary>
    public const int FirstComputeCapability = 90;

    private const int KernelNode = 0; // CU_GRAPH_NODE_TYPE_KERNEL
    private static readonly GraphEdgeData Programmatic = new() { FromPort = 1, Type = 1 }; // ..._KERNEL_NODE_PORT_PROGRAMMATIC, ..._DEPENDENCY_TYPE_PROGRAMMATIC

    /// <summary>Whether a device and the driver have such edges: the driver of CUDA 12.3 does.</summary>
    public static bool AreSupported(int computeCapability) =>
        computeCapability >= FirstComputeCapability && CudaLibrary.Function("cuGraphAddDependencies_v2") != 0;

    /// <summary>Makes the edges between kernels programmatic ones.</summary>
    /// <param name="graph">A chain, as a capture of one stream makes it: no node has two nodes before it.</param>
    /// <returns>How many there are.</returns>
    public static int Allow(nint graph)
    {
        nuint count = 0;
        Check(GraphEdges(graph, null, null, null, ref count), "cuGraphGetEdges");
        nint[] froms = new nint[count], tos = new nint[count];
        GraphEdgeData[] data = new GraphEdgeData[count];
        fixed (nint* from = froms, to = tos)
        fixed (GraphEdgeData* edge = data)
        {
            Check(GraphEdges(graph, from, to, edge, ref count), "cuGraphGetEdges");
        }

        int made = 0;
        for (int i = 0; i < froms.Length; i++)
        {
            (nint from, nint to) = (froms[i], tos[i]);
            if (IsKernel(from) && IsKernel(to))
            {
                GraphEdgeData before = data[i], after = Programmatic;
                Check(RemoveGraphEdges(graph, &from, &to, &before, 1), "cuGraphRemoveDependencies");
                Check(AddGraphEdges(graph, &from, &to, &after, 1), "cuGraphAddDependencies");
                made++;
            }
        }

        return made;
    }

    private static bool IsKernel(nint node)
    {
        Check(GraphNodeType(node, out int type), "cuGraphNodeGetType");
        return type == KernelNode;
    }
}
