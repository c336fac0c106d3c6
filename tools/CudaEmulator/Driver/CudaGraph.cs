namespace Handwritten.CudaEmulator.Driver;

/// <summary>Work in a graph.</summary>
internal sealed class GraphNode(Work work, GraphNode[] after)
{
    /// <summary>What to do.</summary>
    public Work Work { get; } = work;

    /// <summary>What has to be done before.</summary>
    public GraphNode[] After { get; } = after;

    /// <summary>The handle it is known by.</summary>
    public nint Handle { get; internal set; }
}

/// <summary>A graph that a capture recorded.</summary>
/// <param name="nodes">In the order in which they were asked for, each behind all that it depends on.</param>
internal sealed class CudaGraph(IReadOnlyList<GraphNode> nodes)
{
    /// <summary>The nodes, each behind all that it depends on.</summary>
    public IReadOnlyList<GraphNode> Nodes { get; } = nodes;

    /// <summary>
    /// The nodes' work in the order to do it. Of those that could be next the one asked for last is, so that a dependency
    /// that the capture missed shows, as it does between streams.
    /// </summary>
    public IReadOnlyList<Work> Steps { get; } = Order(nodes);

    private static List<Work> Order(IReadOnlyList<GraphNode> nodes)
    {
        var index = new Dictionary<GraphNode, int>();
        var next = new List<int>[nodes.Count];
        var missing = new int[nodes.Count];
        var ready = new PriorityQueue<int, int>();
        for (int i = 0; i < nodes.Count; i++)
        {
            index[nodes[i]] = i;
            next[i] = [];
            missing[i] = nodes[i].After.Length;
            foreach (GraphNode before in nodes[i].After)
                next[index[before]].Add(i);
            if (missing[i] == 0)
                ready.Enqueue(i, -i);
        }
        var steps = new List<Work>(nodes.Count);
        while (ready.TryDequeue(out int i, out _))
        {
            steps.Add(nodes[i].Work);
            foreach (int after in next[i])
            {
                if (--missing[after] == 0)
                    ready.Enqueue(after, -after);
            }
        }
        return steps;
    }
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

    /// <summary>The latest launch: the next one comes after it, in whatever stream it is made.</summary>
    private Submission? _launch;

    /// <summary>Queues a run of the graph in a stream, or adds it to the stream's capture.</summary>
    public void Launch(CudaStream stream)
    {
        lock (stream.Context.Driver.Queue.Gate)
        {
            var work = new GraphWork(_graph.Steps);
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
                : !from.After.Select(node => old[node]).ToHashSet().SetEquals(to.After.Select(node => @new[node])) ? UpdateResult.TopologyChanged
                : from.Work.CheckUpdate(to.Work);
            if (result != UpdateResult.Success)
                return (result, to);
        }
        _graph = graph;
        return (UpdateResult.Success, null);

        static Dictionary<GraphNode, int> Number(CudaGraph graph) =>
            graph.Nodes.Select((node, i) => (node, i)).ToDictionary(pair => pair.node, pair => pair.i);
    }
}

/// <summary>A launch of a graph: its work, one piece after another.</summary>
internal sealed record GraphWork(IReadOnlyList<Work> Steps) : Work
{
    /// <inheritdoc/>
    public override NodeKind Kind => NodeKind.Graph;

    /// <inheritdoc/>
    public override void Run(EmulatedDriver driver)
    {
        foreach (Work step in Steps)
            step.Run(driver);
    }
}
