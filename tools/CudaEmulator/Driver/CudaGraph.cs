using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>Work in a graph.</summary>
internal sealed class GraphNode(Work work, IEnumerable<GraphNode> after)
{
    /// <summary>What to do.</summary>
    public Work Work { get; } = work;

    /// <summary>
    /// What has to be done before; true where it need only have begun, which is a programmatic edge: all blocks of that kernel
    /// have executed griddepcontrol.launch_dependents or ended.
    /// </summary>
    public Dictionary<GraphNode, bool> After { get; } = after.ToDictionary(node => node, _ => false);

    /// <summary>The handle it is known by.</summary>
    public nint Handle { get; internal set; }
}

/// <summary>A piece of a graph's work.</summary>
/// <param name="Work">What to do.</param>
/// <param name="BeginsEarly">Whether on a GPU it may begin while the step before it still runs.</param>
internal readonly record struct GraphStep(Work Work, bool BeginsEarly);

/// <summary>A graph that a capture recorded.</summary>
/// <param name="nodes">In the order in which they were asked for, each behind all that it depends on.</param>
internal sealed class CudaGraph(IReadOnlyList<GraphNode> nodes)
{
    /// <summary>The nodes, each behind all that it depends on.</summary>
    public IReadOnlyList<GraphNode> Nodes { get; } = nodes;

    /// <summary>All dependencies.</summary>
    public IEnumerable<(GraphNode From, GraphNode To, bool IsProgrammatic)> Edges =>
        Nodes.SelectMany(to => to.After.Select(edge => (edge.Key, to, edge.Value)));

    /// <summary>
    /// The nodes' work in the order to do it. Of those that could be next the one asked for last is, so that a dependency
    /// that the capture missed shows, as it does between streams.
    /// </summary>
    public IReadOnlyList<GraphStep> Steps()
    {
        Dictionary<GraphNode, int> index = new();
        List<int>[] next = new List<int>[Nodes.Count];
        int[] missing = new int[Nodes.Count];
        PriorityQueue<int, int> ready = new();
        for (int i = 0; i < Nodes.Count; i++)
        {
            index[Nodes[i]] = i;
            next[i] = [];
            missing[i] = Nodes[i].After.Count;
            foreach (GraphNode before in Nodes[i].After.Keys)
                next[index[before]].Add(i);
            if (missing[i] == 0)
                ready.Enqueue(i, -i);
        }
        List<GraphStep> steps = new(Nodes.Count);
        GraphNode? last = null;
        while (ready.TryDequeue(out int i, out _))
        {
            GraphNode node = Nodes[i];
            steps.Add(new(node.Work, node.After.Count == 1 && last is not null && node.After.GetValueOrDefault(last)));
            last = node;
            foreach (int after in next[i])
            {
                if (--missing[after] == 0)
                    ready.Enqueue(after, -after);
            }
        }
        return steps;
    }

    /// <summary>Adds a dependency.</summary>
    /// <exception cref="CudaException">
    /// InvalidValue: there is one already, or it goes backwards, or it is programmatic and not between kernels of sm_90.
    /// </exception>
    public void Connect(GraphNode from, GraphNode to, bool isProgrammatic)
    {
        (int first, int second) = (IndexOf(from), IndexOf(to));
        CudaException.Require(first < second, CudaResult.InvalidValue, "The emulator adds dependencies on earlier nodes only.");
        CudaException.Require(!isProgrammatic || (CanOverlap(from) && CanOverlap(to)), CudaResult.InvalidValue,
            "A programmatic edge is from a kernel to a kernel, on a device of compute capability 9.0 or newer.");
        CudaException.Require(to.After.TryAdd(from, isProgrammatic), CudaResult.InvalidValue, "The nodes are connected already.");
    }

    /// <summary>Removes a dependency.</summary>
    /// <exception cref="CudaException">InvalidValue: there is none.</exception>
    public void Disconnect(GraphNode from, GraphNode to, bool isProgrammatic)
    {
        _ = (IndexOf(from), IndexOf(to));
        CudaException.Require(to.After.TryGetValue(from, out bool known) && known == isProgrammatic, CudaResult.InvalidValue, "The nodes are not connected like this.");
        to.After.Remove(from);
    }

    private int IndexOf(GraphNode node) => Nodes.ToList().IndexOf(node) is var index and >= 0
        ? index
        : throw new CudaException(CudaResult.InvalidValue, "The node is in another graph.");

    private static bool CanOverlap(GraphNode node) => node.Work is KernelWork kernel && kernel.Function.Module.Context.Device.Profile.ComputeCapability >= 90;
}

/// <summary>Whether an update could be made, as CUgraphExecUpdateResult numbers it.</summary>
internal enum UpdateResult
{
    Success = 0,
    TopologyChanged = 2,
    NodeTypeChanged = 3,
    ParametersChanged = 5,
    UnsupportedFunctionChange = 7,
}

/// <summary>An instantiated graph. It owes nothing to the graph it was made from, which may be destroyed.</summary>
/// <param name="graph">What to make it from.</param>
internal sealed class GraphExec(CudaGraph graph)
{
    private CudaGraph _graph = graph;
    private IReadOnlyList<GraphStep> _steps = graph.Steps();

    /// <summary>The latest launch: the next one comes after it, in whatever stream it is made.</summary>
    private Submission? _launch;

    /// <summary>Queues a run of the graph in a stream, or adds it to the stream's capture.</summary>
    public void Launch(CudaStream stream)
    {
        lock (stream.Context.Driver.Queue.Gate)
        {
            GraphWork work = new(_steps);
            if (stream.Capture is { } capture)
                capture.Add(stream, work);
            else
                _launch = stream.Submit(work, _launch);
        }
    }

    /// <summary>
    /// Takes over the parameters of a graph of the same shape. Launches made before keep theirs.
    /// </summary>
    /// <returns>Success, or why nothing was changed, with the node that differs.</returns>
    public (UpdateResult Result, GraphNode? Node) Update(CudaGraph graph)
    {
        Dictionary<GraphNode, int> old = Number(_graph), @new = Number(graph);
        if (old.Count != @new.Count)
            return (UpdateResult.TopologyChanged, null);
        foreach ((GraphNode from, GraphNode to) in _graph.Nodes.Zip(graph.Nodes))
        {
            UpdateResult result =
                from.Work.Kind != to.Work.Kind ? UpdateResult.NodeTypeChanged
                : !from.After.Select(edge => (old[edge.Key], edge.Value)).ToHashSet().SetEquals(to.After.Select(edge => (@new[edge.Key], edge.Value))) ? UpdateResult.TopologyChanged
                : from.Work.CheckUpdate(to.Work);
            if (result != UpdateResult.Success)
                return (result, to);
        }
        (_graph, _steps) = (graph, graph.Steps());
        return (UpdateResult.Success, null);

        static Dictionary<GraphNode, int> Number(CudaGraph graph) =>
            graph.Nodes.Select((node, i) => (node, i)).ToDictionary(pair => pair.node, pair => pair.i);
    }
}

/// <summary>A launch of a graph: its work, one piece after another.</summary>
internal sealed record GraphWork(IReadOnlyList<GraphStep> Steps) : Work
{
    /// <inheritdoc/>
    public override NodeKind Kind => NodeKind.Graph;

    /// <inheritdoc/>
    public override void Run(EmulatedDriver driver)
    {
        Overlap? overlap = null;
        for (int i = 0; i < Steps.Count; i++)
        {
            bool beginsEarly = Steps[i].BeginsEarly, isOvertaken = i + 1 < Steps.Count && Steps[i + 1].BeginsEarly;
            overlap = beginsEarly || isOvertaken ? new Overlap(beginsEarly ? overlap : null) : null;
            if (Steps[i].Work is KernelWork kernel)
                kernel.Run(overlap);
            else
                Steps[i].Work.Run(driver);
        }
    }
}
