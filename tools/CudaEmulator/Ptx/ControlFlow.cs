namespace Handwritten.CudaEmulator.Ptx;

/// <summary>Instructions that are executed from the first to the last, or left only at a guarded ret or exit.</summary>
/// <param name="Index">Its number; blocks are numbered as they stand in the text.</param>
/// <param name="First">Its first instruction.</param>
/// <param name="End">Behind its last instruction.</param>
/// <param name="Successors">Blocks that may come next.</param>
/// <param name="Predecessors">Blocks that may come before.</param>
/// <param name="IsExit">Threads may end here, or the function return.</param>
public sealed record BasicBlock(
    int Index, int First, int End, IReadOnlyList<int> Successors, IReadOnlyList<int> Predecessors, bool IsExit);

/// <summary>
/// Where a function's execution can go. The text is cut into basic blocks wherever a branch ends or a label begins, and for
/// each block follows the place where threads that part at its end meet again: a branch that splits a warp runs one side
/// after the other up to there, and then both go on together.
///
///     A: @p bra C;        A          blocks: A -> B C, B -> D, C -> D
///     B: ...             / \         threads that part behind A meet at D
///        bra D;         B   C
///     C: ...             \ /
///     D: ...              D
/// </summary>
public sealed class ControlFlow
{
    // Many switches over one long list of targets would need far more memory than their text.
    private const int MostEdges = 4_000_000;

    private readonly int[] blockOf;
    private readonly int[] postDominators;

    private ControlFlow(PtxFunction function, List<BasicBlock> blocks, int[] blockOf)
    {
        Function = function;
        Blocks = blocks;
        this.blockOf = blockOf;
        postDominators = PostDominators.Compute(blocks, block => EndsInTrap(function, block));
    }

    /// <summary>What was analysed.</summary>
    public PtxFunction Function { get; }

    /// <summary>All blocks in the order of the text, also those that nothing leads to. The first is where execution begins.</summary>
    public IReadOnlyList<BasicBlock> Blocks { get; }

    /// <summary>Analyses a function that has a body.</summary>
    public static ControlFlow Of(PtxFunction function)
    {
        IReadOnlyList<PtxInstruction> instructions = function.Instructions;
        bool[] begins = new bool[instructions.Count + 1];
        begins[0] = true;
        for (int i = 0; i < instructions.Count; i++)
        {
            foreach (int target in Targets(instructions[i]))
            {
                begins[target] = true;
            }

            begins[i + 1] |= EndsBlock(instructions[i]) && i + 1 < instructions.Count;
        }

        // A label at the end of the body means an empty block, which returns.
        int[] blockOf = new int[instructions.Count + 1];
        List<int> firsts = [];
        for (int i = 0; i <= instructions.Count; i++)
        {
            if (begins[i])
            {
                firsts.Add(i);
            }

            blockOf[i] = firsts.Count - 1;
        }

        List<BasicBlock> blocks = [];
        long edges = 0;
        List<int>[] predecessors = [.. firsts.Select(_ => new List<int>())];
        for (int b = 0; b < firsts.Count; b++)
        {
            int end = b + 1 < firsts.Count ? firsts[b + 1] : instructions.Count;
            PtxInstruction? last = end > firsts[b] ? instructions[end - 1] : null;
            List<int> successors = [];
            bool fallsThrough = last is null || !EndsBlock(last) || last.Guard is not null;
            bool runsOut = fallsThrough && b + 1 == firsts.Count;
            if (fallsThrough && !runsOut)
            {
                successors.Add(b + 1);
            }

            successors.AddRange((last is null ? [] : Targets(last)).Select(target => blockOf[target]).Except(successors.ToArray()));
            edges += successors.Count;
            if (edges > MostEdges)
            {
                throw new PtxException(function.Line, $"'{function.Name}' has more than {MostEdges} ways from block to block");
            }

            foreach (int successor in successors)
            {
                predecessors[successor].Add(b);
            }

            blocks.Add(new(b, firsts[b], end, successors, predecessors[b], runsOut || (last is not null && Leaves(last))));
        }

        return new(function, blocks, blockOf);
    }

    /// <summary>The block that an instruction belongs to.</summary>
    public BasicBlock BlockOf(int instruction) => Blocks[blockOf[instruction]];

    /// <summary>The block where threads that part at the end of a block meet again; null if they end apart.</summary>
    public BasicBlock? ImmediatePostDominator(BasicBlock block)
    {
        int index = postDominators[block.Index];
        return index < 0 ? null : Blocks[index];
    }

    /// <summary>The instruction where threads that part at a branch meet again; the number of instructions if they end apart.</summary>
    public int ReconvergenceOf(int branch) =>
        ImmediatePostDominator(BlockOf(branch))?.First ?? Function.Instructions.Count;

    /// <summary>Whether an instruction may go on elsewhere than at the next one.</summary>
    public static bool EndsBlock(PtxInstruction instruction) => IsBranch(instruction) || Leaves(instruction);

    /// <summary>The instructions that a branch may lead to, besides the next one if it is guarded.</summary>
    public static IEnumerable<int> Targets(PtxInstruction instruction)
    {
        if (!IsBranch(instruction))
        {
            yield break;
        }

        foreach (PtxOperand operand in instruction.Operands)
        {
            if (operand is PtxOperand.Label label)
            {
                yield return label.Target;
            }
            else if (operand is PtxOperand.List targets)
            {
                foreach (PtxOperand.Label target in targets.Elements.OfType<PtxOperand.Label>())
                {
                    yield return target.Target;
                }
            }
        }
    }

    private static bool IsBranch(PtxInstruction instruction) => instruction.Opcode is "bra" or "brx";

    private static bool Leaves(PtxInstruction instruction) => instruction.Opcode is "ret" or "exit" or "trap";

    private static bool EndsInTrap(PtxFunction function, BasicBlock block) =>
        block.End > block.First && function.Instructions[block.End - 1].Opcode == "trap";
}
