namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// The immediate post-dominator of each block: the first block that all ways onward from it have in common.
///
/// With one exit this is the dominator tree of the graph turned round. A kernel, however, may return early, and then only
/// the end of the program is common to all ways:
///
///     if (a) { if (b) return; x(); }   y();        // y follows a — unless b
///
/// Threads that have returned need not be waited for, so for a machine y is where a's two sides meet. Therefore each block
/// is counted to one exit only, that to which most blocks lead (a return before a trap); ways out to another exit are not
/// ways on. Blocks that reach no exit — endless loops — are counted to the last of them in the same manner.
///
/// The tree is found by the iteration of Cooper, Harvey and Kennedy ("A simple, fast dominance algorithm", 2001).
/// </summary>
internal static class PostDominators
{
    // How many exits are compared by the number of blocks that lead to them; code has few.
    private const int MostCompared = 64;

    /// <summary>For each block its immediate post-dominator, or -1.</summary>
    public static int[] Compute(IReadOnlyList<BasicBlock> blocks, Func<BasicBlock, bool> isTrap)
    {
        int[] result = new int[blocks.Count];
        int[] group = new int[blocks.Count];
        int[] order = new int[blocks.Count];
        Array.Fill(result, -1);
        Array.Fill(group, -1);
        foreach (int root in Roots(blocks, isTrap))
        {
            if (group[root] < 0)
            {
                Solve(blocks, Collect(blocks, root, group, order), group, order, result);
            }
        }

        return result;
    }

    /// <summary>The exits, the most important first; then all other blocks from the last, for what reaches no exit.</summary>
    private static IEnumerable<int> Roots(IReadOnlyList<BasicBlock> blocks, Func<BasicBlock, bool> isTrap)
    {
        // A guarded ret leaves its block both ways. It is no end, unless the block has no other.
        List<BasicBlock> exits = [.. blocks.Where(block => block.IsExit && block.Successors.Count == 0).Reverse()];
        int[] group = new int[blocks.Count];
        int[] order = new int[blocks.Count];
        int LeadingTo(BasicBlock exit)
        {
            Array.Fill(group, -1);
            return Collect(blocks, exit.Index, group, order).Count;
        }

        IEnumerable<BasicBlock> compared = exits.Count <= MostCompared
            ? exits.OrderBy(isTrap).ThenByDescending(LeadingTo)
            : exits.OrderBy(isTrap);
        return compared.Select(block => block.Index).Concat(Enumerable.Range(1, blocks.Count).Select(i => blocks.Count - i));
    }

    /// <summary>
    /// The blocks without a group that lead to a root, in postorder of the graph turned round (the root is the last).
    /// Marks them with the root's number, and writes down their places in that order.
    /// </summary>
    private static List<int> Collect(IReadOnlyList<BasicBlock> blocks, int root, int[] group, int[] order)
    {
        List<int> postorder = [];
        Stack<(int Block, int Next)> path = new([(root, 0)]);
        group[root] = root;
        while (path.TryPop(out (int Block, int Next) top))
        {
            IReadOnlyList<int> predecessors = blocks[top.Block].Predecessors;
            if (top.Next == predecessors.Count)
            {
                order[top.Block] = postorder.Count;
                postorder.Add(top.Block);
                continue;
            }

            path.Push(top with { Next = top.Next + 1 });
            int predecessor = predecessors[top.Next];
            if (group[predecessor] < 0)
            {
                group[predecessor] = root;
                path.Push((predecessor, 0));
            }
        }

        return postorder;
    }

    private static void Solve(IReadOnlyList<BasicBlock> blocks, List<int> postorder, int[] group, int[] order, int[] result)
    {
        int root = postorder[^1];
        result[root] = root;
        for (bool hasChanged = true; hasChanged;)
        {
            hasChanged = false;
            foreach (int block in Enumerable.Reverse(postorder).Skip(1))
            {
                int meeting = -1;
                foreach (int successor in blocks[block].Successors)
                {
                    if (group[successor] == root && result[successor] >= 0)
                    {
                        meeting = meeting < 0 ? successor : Meet(successor, meeting);
                    }
                }

                hasChanged |= result[block] != meeting;
                result[block] = meeting;
            }
        }

        result[root] = -1;

        // Two fingers climb the tree, always the one that is farther from the root, until they meet.
        int Meet(int a, int b)
        {
            while (a != b)
            {
                while (order[a] < order[b])
                {
                    a = result[a];
                }

                while (order[b] < order[a])
                {
                    b = result[b];
                }
            }

            return a;
        }
    }
}
