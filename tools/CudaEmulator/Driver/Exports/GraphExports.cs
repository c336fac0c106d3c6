using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using static Handwritten.CudaEmulator.Driver.Exports.Shell;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>Graphs, as captures make them.</summary>
internal static unsafe class GraphExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphGetNodes))]
    private static CudaResult cuGraphGetNodes(nint graph, nint* nodes, nuint* count) => Call(driver =>
    {
        CudaGraph known = driver.Object<CudaGraph>(graph);
        int all = known.Nodes.Count;
        if (nodes != null)
        {
            // Places that no node is left for are filled with null.
            for (int i = 0; i < (int)Out(count); i++)
                nodes[i] = i < all ? driver.HandleOf(known.Nodes[i]) : 0;
        }
        Out(count) = nodes == null ? (nuint)all : Math.Min(*count, (nuint)all);
    });

    /// <summary>CUgraphEdgeData.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 8)]
    private struct EdgeData
    {
        public const byte KernelEnds = 0, KernelAllowsDependents = 1; // ports: CU_GRAPH_KERNEL_NODE_PORT_DEFAULT and ..._PROGRAMMATIC
        public const byte Full = 0, Programmatic = 1; // types: CU_GRAPH_DEPENDENCY_TYPE_DEFAULT and ..._PROGRAMMATIC

        public byte FromPort;
        public byte ToPort;
        public byte Type;

        public readonly bool IsProgrammatic
        {
            get
            {
                CudaException.Require((FromPort, ToPort, Type) is (KernelEnds, 0, Full) or (KernelAllowsDependents, 0, Programmatic), CudaResult.InvalidValue,
                    $"The emulator has no edges of type {Type} from port {FromPort} to port {ToPort}.");
                return Type == Programmatic;
            }
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphGetEdges_v2))]
    private static CudaResult cuGraphGetEdges_v2(nint graph, nint* from, nint* to, EdgeData* data, nuint* count) => Call(driver =>
    {
        (GraphNode From, GraphNode To, bool IsProgrammatic)[] edges = [.. driver.Object<CudaGraph>(graph).Edges];
        _ = Out(count);
        CudaException.Require((from == null) == (to == null), CudaResult.InvalidValue, "Both ends of the edges are asked for, or none.");
        CudaException.Require(from == null || data != null || !edges.Any(edge => edge.IsProgrammatic), CudaResult.InvalidValue, "There are programmatic edges, and nowhere to say so.");
        for (int i = 0; from != null && i < (int)*count; i++)
        {
            bool exists = i < edges.Length;
            from[i] = exists ? driver.HandleOf(edges[i].From) : 0;
            to[i] = exists ? driver.HandleOf(edges[i].To) : 0;
            if (data != null)
                data[i] = exists && edges[i].IsProgrammatic ? new() { FromPort = EdgeData.KernelAllowsDependents, Type = EdgeData.Programmatic } : default;
        }
        *count = from == null ? (nuint)edges.Length : Math.Min(*count, (nuint)edges.Length);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphAddDependencies_v2))]
    private static CudaResult cuGraphAddDependencies_v2(nint graph, nint* from, nint* to, EdgeData* data, nuint count) => Call(driver =>
    {
        for (int i = 0; i < (int)count; i++)
            driver.Object<CudaGraph>(graph).Connect(driver.Object<GraphNode>(from[i]), driver.Object<GraphNode>(to[i]), data != null && data[i].IsProgrammatic);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphRemoveDependencies_v2))]
    private static CudaResult cuGraphRemoveDependencies_v2(nint graph, nint* from, nint* to, EdgeData* data, nuint count) => Call(driver =>
    {
        for (int i = 0; i < (int)count; i++)
            driver.Object<CudaGraph>(graph).Disconnect(driver.Object<GraphNode>(from[i]), driver.Object<GraphNode>(to[i]), data != null && data[i].IsProgrammatic);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphNodeGetType))]
    private static CudaResult cuGraphNodeGetType(nint node, NodeKind* type) =>
        Call(driver => Out(type) = driver.Object<GraphNode>(node).Work.Kind);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphDestroy))]
    private static CudaResult cuGraphDestroy(nint graph) => Call(driver =>
    {
        _ = driver.Current;
        driver.Handles.Remove(driver.Handles.Remove<CudaGraph>(graph).Nodes.Select(node => node.Handle));
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphInstantiate))]
    private static CudaResult cuGraphInstantiate(nint* exec, nint graph, nint* errorNode, byte* log, nuint logBytes) =>
        Call(driver => Instantiate(driver, exec, graph));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphInstantiate_v2))]
    private static CudaResult cuGraphInstantiate_v2(nint* exec, nint graph, nint* errorNode, byte* log, nuint logBytes) =>
        Call(driver => Instantiate(driver, exec, graph));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphInstantiateWithFlags))]
    private static CudaResult cuGraphInstantiateWithFlags(nint* exec, nint graph, ulong flags) => Call(driver => Instantiate(driver, exec, graph));

    private static void Instantiate(EmulatedDriver driver, nint* exec, nint graph) =>
        Out(exec) = driver.Current.Own(new GraphExec(driver.Handles.Get<CudaGraph>(graph)));

    /// <summary>Nothing has to be brought to an emulated device.</summary>
    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphUpload))]
    private static CudaResult cuGraphUpload(nint exec, nint stream) => Call(driver => (_, _) = (driver.Object<GraphExec>(exec), driver.Stream(stream)));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphLaunch))]
    private static CudaResult cuGraphLaunch(nint exec, nint stream) => Call(driver => driver.Object<GraphExec>(exec).Launch(driver.Stream(stream)));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphExecUpdate))]
    private static CudaResult cuGraphExecUpdate(nint exec, nint graph, nint* errorNode, UpdateResult* result) => Call(driver =>
    {
        _ = Out(errorNode);
        _ = Out(result);
        (*result, GraphNode? node) = driver.Object<GraphExec>(exec).Update(driver.Object<CudaGraph>(graph));
        *errorNode = driver.HandleOf(node);
        ThrowUnlessUpdated(*result);
    });

    /// <summary>CUgraphExecUpdateResultInfo.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct UpdateInfo
    {
        public UpdateResult Result;
        public nint ErrorNode;
        public nint ErrorFromNode;
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphExecUpdate_v2))]
    private static CudaResult cuGraphExecUpdate_v2(nint exec, nint graph, UpdateInfo* info) => Call(driver =>
    {
        _ = Out(info);
        (UpdateResult result, GraphNode? node) = driver.Object<GraphExec>(exec).Update(driver.Object<CudaGraph>(graph));
        *info = new UpdateInfo { Result = result, ErrorNode = driver.HandleOf(node) };
        ThrowUnlessUpdated(result);
    });

    private static void ThrowUnlessUpdated(UpdateResult result) => CudaException.Require(result == UpdateResult.Success,
        CudaResult.GraphExecUpdateFailure, $"The graph differs from the instantiated one: {result}. Instantiate it anew.");

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGraphExecDestroy))]
    private static CudaResult cuGraphExecDestroy(nint exec) => Call(driver =>
    {
        _ = driver.Current;
        driver.Handles.Remove<GraphExec>(exec);
    });

    // Nodes get a handle when somebody asks for it.
    private static nint HandleOf(this EmulatedDriver driver, GraphNode? node)
    {
        if (node is { Handle: 0 })
            node.Handle = driver.Handles.Add(node);
        return node?.Handle ?? 0;
    }
}
