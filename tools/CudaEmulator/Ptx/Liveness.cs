using System.Numerics;

namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// Which registers hold a value that somebody will still read. Two registers that are never live together can share a
/// place.
///
///     live before an instruction = (live behind it − what it writes) ∪ what it reads
///     live behind a block        = ∪ live before its successors
///
/// Solved backwards until nothing changes. Most registers never leave their block; only the others take part in that.
/// A guarded write ends no life: the lanes that do not take part keep the old value.
/// </summary>
public sealed class Liveness
{
    private readonly ControlFlow flow;
    private readonly List<int> crossing = [];
    private readonly ulong[][] liveIn;
    private readonly ulong[][] liveOut;

    private Liveness(ControlFlow flow)
    {
        this.flow = flow;
        int[] crossingIndex = FindCrossing();
        int words = (crossing.Count + 63) / 64;
        liveIn = [.. flow.Blocks.Select(_ => new ulong[words])];
        liveOut = [.. flow.Blocks.Select(_ => new ulong[words])];
        Solve(crossingIndex, words);
        Intervals = FindIntervals();
    }

    /// <summary>
    /// For each register the instructions from the first to the last between which it can be live, over all ways through
    /// the text: it is written at or behind First and read at or before Last. An unread one ends where it is last written.
    /// (-1, -1) for a register that no instruction names.
    /// </summary>
    public IReadOnlyList<(int First, int Last)> Intervals { get; }

    /// <summary>Registers that can be read before anything was written to them.</summary>
    public IReadOnlyList<PtxRegister> LiveAtEntry => Registers(liveIn[0]);

    /// <summary>Analyses a function.</summary>
    public static Liveness Of(ControlFlow flow) => new(flow);

    /// <summary>Registers that are live at the beginning of a block.</summary>
    public IReadOnlyList<PtxRegister> LiveIn(BasicBlock block) => Registers(liveIn[block.Index]);

    /// <summary>Registers that are live at the end of a block.</summary>
    public IReadOnlyList<PtxRegister> LiveOut(BasicBlock block) => Registers(liveOut[block.Index]);

    /// <summary>
    /// Calls back for every instruction of a block, from the last to the first, with the registers (by index) that are live
    /// behind it. The set is one and the same object, which changes from call to call.
    /// </summary>
    public void Walk(BasicBlock block, Action<int, IReadOnlySet<int>> visit)
    {
        HashSet<int> live = [.. LiveOut(block).Select(register => register.Index)];
        for (int i = block.End - 1; i >= block.First; i--)
        {
            visit(i, live);
            PtxInstruction instruction = flow.Function.Instructions[i];
            if (instruction.Guard is null)
            {
                live.ExceptWith(RegisterUse.Writes(instruction).Select(register => register.Index));
            }

            live.UnionWith(RegisterUse.Reads(instruction).Select(register => register.Index));
        }
    }

    /// <summary>The most 32-bit registers that are live together; predicates, which have a file of their own, do not count.</summary>
    public int Pressure()
    {
        int most = 0;
        foreach (BasicBlock block in flow.Blocks)
        {
            HashSet<int> live = [];
            int width = 0;
            foreach (PtxRegister register in LiveOut(block))
            {
                Begin(register);
            }

            for (int i = block.End - 1; i >= block.First; i--)
            {
                // What is written needs its place even if nobody reads it.
                PtxInstruction instruction = flow.Function.Instructions[i];
                foreach (PtxRegister register in RegisterUse.Writes(instruction))
                {
                    Begin(register);
                }

                most = Math.Max(most, width);
                foreach (PtxRegister register in instruction.Guard is null ? RegisterUse.Writes(instruction) : [])
                {
                    width -= live.Remove(register.Index) ? Width(register.Type) : 0;
                }

                foreach (PtxRegister register in RegisterUse.Reads(instruction))
                {
                    Begin(register);
                }
            }

            most = Math.Max(most, width);

            void Begin(PtxRegister register) => width += live.Add(register.Index) ? Width(register.Type) : 0;
        }

        return most;
    }

    private static int Width(PtxType type) => type == PtxType.Pred ? 0 : Math.Max(1, type.ByteSize() / 4);

    /// <summary>Finds the registers that some block reads before it writes them, and gives them numbers of their own.</summary>
    private int[] FindCrossing()
    {
        int[] index = new int[flow.Function.Registers.Count];
        int[] writtenIn = new int[index.Length];
        Array.Fill(index, -1);
        Array.Fill(writtenIn, -1);
        foreach (BasicBlock block in flow.Blocks)
        {
            for (int i = block.First; i < block.End; i++)
            {
                PtxInstruction instruction = flow.Function.Instructions[i];
                foreach (PtxRegister register in RegisterUse.Reads(instruction))
                {
                    if (writtenIn[register.Index] != block.Index && index[register.Index] < 0)
                    {
                        index[register.Index] = crossing.Count;
                        crossing.Add(register.Index);
                    }
                }

                if (instruction.Guard is null)
                {
                    foreach (PtxRegister register in RegisterUse.Writes(instruction))
                    {
                        writtenIn[register.Index] = block.Index;
                    }
                }
            }
        }

        return index;
    }

    private void Solve(int[] crossingIndex, int words)
    {
        ulong[][] reads = [.. flow.Blocks.Select(_ => new ulong[words])];
        ulong[][] writes = [.. flow.Blocks.Select(_ => new ulong[words])];
        foreach (BasicBlock block in flow.Blocks)
        {
            for (int i = block.End - 1; i >= block.First; i--)
            {
                PtxInstruction instruction = flow.Function.Instructions[i];
                foreach (PtxRegister register in RegisterUse.Writes(instruction))
                {
                    int bit = instruction.Guard is null ? crossingIndex[register.Index] : -1;
                    if (bit >= 0)
                    {
                        writes[block.Index][bit >> 6] |= 1UL << bit;
                        reads[block.Index][bit >> 6] &= ~(1UL << bit);
                    }
                }

                foreach (PtxRegister register in RegisterUse.Reads(instruction))
                {
                    int bit = crossingIndex[register.Index];
                    if (bit >= 0)
                    {
                        reads[block.Index][bit >> 6] |= 1UL << bit;
                    }
                }
            }
        }

        // Last blocks first, since lives run backwards; then again only what depends on a change.
        Queue<int> work = new(Enumerable.Range(0, flow.Blocks.Count).Reverse());
        bool[] isWaiting = new bool[flow.Blocks.Count];
        Array.Fill(isWaiting, true);
        while (work.TryDequeue(out int block))
        {
            isWaiting[block] = false;
            bool hasChanged = false;
            for (int w = 0; w < words; w++)
            {
                ulong behind = 0;
                foreach (int successor in flow.Blocks[block].Successors)
                {
                    behind |= liveIn[successor][w];
                }

                ulong before = reads[block][w] | (behind & ~writes[block][w]);
                hasChanged |= before != liveIn[block][w];
                liveOut[block][w] = behind;
                liveIn[block][w] = before;
            }

            if (hasChanged)
            {
                foreach (int predecessor in flow.Blocks[block].Predecessors)
                {
                    if (!isWaiting[predecessor])
                    {
                        isWaiting[predecessor] = true;
                        work.Enqueue(predecessor);
                    }
                }
            }
        }
    }

    private (int First, int Last)[] FindIntervals()
    {
        (int First, int Last)[] intervals = new (int, int)[flow.Function.Registers.Count];
        Array.Fill(intervals, (-1, -1));
        for (int i = 0; i < flow.Function.Instructions.Count; i++)
        {
            PtxInstruction instruction = flow.Function.Instructions[i];
            foreach (PtxRegister register in RegisterUse.Reads(instruction).Concat(RegisterUse.Writes(instruction)))
            {
                Extend(register, i);
            }
        }

        // Whatever lives into a block is there from its first instruction on, and what lives out of it to its last. Only
        // the first block of the text and the last matter; all between would change nothing.
        ulong[] seen = new ulong[(crossing.Count + 63) / 64];
        foreach (BasicBlock block in flow.Blocks)
        {
            ExtendAll(liveIn[block.Index], seen, block.First);
        }

        Array.Clear(seen);
        foreach (BasicBlock block in flow.Blocks.Reverse())
        {
            ExtendAll(liveOut[block.Index], seen, block.End - 1);
        }

        return intervals;

        void ExtendAll(ulong[] live, ulong[] seen, int instruction)
        {
            for (int w = 0; w < seen.Length; w++)
            {
                for (ulong rest = live[w] & ~seen[w]; rest != 0; rest &= rest - 1)
                {
                    Extend(Register(w, rest), instruction);
                }

                seen[w] |= live[w];
            }
        }

        void Extend(PtxRegister register, int instruction)
        {
            (int first, int last) = intervals[register.Index];
            intervals[register.Index] = (first < 0 ? instruction : Math.Min(first, instruction), Math.Max(last, instruction));
        }
    }

    private List<PtxRegister> Registers(ulong[] set)
    {
        List<PtxRegister> registers = [];
        for (int w = 0; w < set.Length; w++)
        {
            for (ulong rest = set[w]; rest != 0; rest &= rest - 1)
            {
                registers.Add(Register(w, rest));
            }
        }

        return registers;
    }

    /// <summary>The register of the lowest bit of a word of a set.</summary>
    private PtxRegister Register(int word, ulong bits) =>
        flow.Function.Registers[crossing[word * 64 + BitOperations.TrailingZeroCount(bits)]];
}
