using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>A run of instructions that is entered at its first and left at its last.</summary>
/// <param name="First">Index of the first instruction.</param>
/// <param name="End">One past the last.</param>
internal sealed record BasicBlock(int First, int End)
{
    /// <summary>Blocks that may come next; the last is the one that follows if no branch is taken.</summary>
    public List<int> Successors { get; } = [];

    /// <summary>
    /// Whether lanes may come here one after another: by several ways, or out of a loop after different numbers of rounds.
    /// </summary>
    public bool Joins { get; set; }

    /// <summary>Whether going on behind the last instruction is one of the ways out.</summary>
    public bool FallsThrough { get; set; }
}

/// <summary>
/// A function's basic blocks, and the order in which they are laid out. The last block is empty: it is where ret leads.
///
/// The order is Bourdoncle's weak topological order: every block comes after those that lead to it, except that loops lead
/// back to their heads; and a loop's blocks come before those behind the loop. Lanes that are further in the code are then
/// those that have less to do, and a warp that always goes on with its hindmost lanes brings all of them together.
///     F. Bourdoncle, Efficient chaotic iteration strategies with widenings, 1993
/// </summary>
internal sealed class FlowGraph
{
    private readonly PtxFunction _function;
    private readonly List<BasicBlock> _blocks = [];
    private readonly int[] _blockAt;

    public FlowGraph(PtxFunction function)
    {
        _function = function;
        _blockAt = new int[function.Instructions.Count + 1];
        Split();
        Connect();
        BlockOrder order = new(_blocks);
        Order = order.Blocks;
        bool[] seen = new bool[_blocks.Count];
        foreach (int index in Order)
        {
            foreach (int successor in _blocks[index].Successors)
            {
                _blocks[successor].Joins |= seen[successor] || order.LeavesLoop(index, successor);
                seen[successor] = true;
            }
        }
    }

    /// <summary>Blocks, in the order of the text.</summary>
    public IReadOnlyList<BasicBlock> Blocks => _blocks;

    /// <summary>Reachable blocks in the order in which they are laid out; the end is the last, reachable or not.</summary>
    public IReadOnlyList<int> Order { get; }

    /// <summary>Index of the block that begins at an instruction.</summary>
    public int BlockOf(int instruction) => _blockAt[instruction];

    /// <summary>Instructions that a branch may lead to.</summary>
    public static IEnumerable<int> Targets(PtxInstruction instruction) => instruction.Opcode is "bra" or "brx"
        ? instruction.Operands.SelectMany(o => o is PtxOperand.List list ? list.Elements : [o]).OfType<PtxOperand.Label>().Select(l => l.Target)
        : [];

    private static bool Leaves(PtxInstruction instruction) => instruction.Opcode is "bra" or "brx" or "ret" or "exit" or "trap";

    private void Split()
    {
        IReadOnlyList<PtxInstruction> code = _function.Instructions;
        SortedSet<int> leaders = [0, code.Count];
        for (int i = 0; i < code.Count; i++)
        {
            if (Leaves(code[i]))
            {
                leaders.Add(i + 1);
                leaders.UnionWith(Targets(code[i]));
            }
        }

        int[] starts = [.. leaders, code.Count];
        for (int i = 0; i + 1 < starts.Length; i++)
        {
            Array.Fill(_blockAt, _blocks.Count, starts[i], starts[i + 1] - starts[i]);
            _blocks.Add(new(starts[i], starts[i + 1]));
        }

        if (_blocks.Count == 0 || _blocks[^1].First < _blocks[^1].End)
        {
            _blocks.Add(new(code.Count, code.Count));
        }

        _blockAt[code.Count] = _blocks.Count - 1;
    }

    private void Connect()
    {
        int end = _blocks.Count - 1;
        for (int i = 0; i < end; i++)
        {
            BasicBlock block = _blocks[i];
            PtxInstruction last = _function.Instructions[block.End - 1];
            block.Successors.AddRange(Targets(last).Select(t => _blockAt[t]).Distinct());
            if (last.Opcode == "ret")
            {
                block.Successors.Add(end);
            }

            block.FallsThrough = !Leaves(last) || last.Guard is not null;
            if (block.FallsThrough)
            {
                block.Successors.Remove(i + 1);
                block.Successors.Add(i + 1);
            }
        }
    }

    private sealed class BlockOrder
    {
        private readonly List<BasicBlock> _graph;
        private readonly int[] _numbers;
        private readonly int[] _loops; // the head of the innermost loop that a block is in; -1 for none
        private readonly int[] _outer; // by head: the head of the loop around
        private readonly Stack<int> _stack = new();
        private int _count;

        public BlockOrder(List<BasicBlock> graph)
        {
            _graph = graph;
            _numbers = new int[graph.Count];
            _loops = new int[graph.Count];
            _outer = new int[graph.Count];
            LinkedList<int> order = new();
            Visit(0, order, -1);
            int end = graph.Count - 1;
            order.Remove(end);
            Blocks = [.. order, end];
        }

        public int[] Blocks { get; }

        /// <summary>Whether a block is in a loop that another is not in.</summary>
        public bool LeavesLoop(int from, int to)
        {
            int loop = _loops[to];
            while (loop >= 0 && loop != _loops[from])
            {
                loop = _outer[loop];
            }

            return _loops[from] != loop;
        }

        private int Visit(int block, LinkedList<int> order, int loop)
        {
            _stack.Push(block);
            _loops[block] = loop;
            int head = _numbers[block] = ++_count;
            bool isHead = false;
            foreach (int successor in Latest(block))
            {
                int least = _numbers[successor] == 0 ? Visit(successor, order, loop) : _numbers[successor];
                if (least <= head)
                {
                    head = least;
                    isHead = true;
                }
            }

            if (head != _numbers[block])
            {
                return head;
            }

            _numbers[block] = int.MaxValue;
            for (int popped = _stack.Pop(); popped != block; popped = _stack.Pop())
            {
                _numbers[popped] = 0;
            }

            if (isHead)
            {
                _loops[block] = block;
                _outer[block] = loop;
                LinkedList<int> body = new();
                foreach (int successor in Latest(block))
                {
                    if (_numbers[successor] == 0)
                    {
                        Visit(successor, body, block);
                    }
                }

                for (LinkedListNode<int>? node = body.Last; node is not null; node = node.Previous)
                {
                    order.AddFirst(node.Value);
                }
            }

            order.AddFirst(block);
            return head;
        }

        // What is visited first is laid out last: among equals, the order of the text is kept.
        private IEnumerable<int> Latest(int block) => _graph[block].Successors.OrderDescending();
    }
}
