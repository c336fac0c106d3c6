using FsCheck;
using FsCheck.Xunit;
using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

/// <summary>The analyses of random programs, against their definitions taken literally.</summary>
public sealed class AnalysisPropertyTests
{
    private const int Registers = 4;

    [Property(MaxTest = 400)]
    public void Immediate_post_dominators_are_the_nearest_blocks_that_no_way_to_the_end_avoids(DoNotSize<int> seed)
    {
        ControlFlow flow = RandomProgram(new Random(seed.Item));
        int exit = flow.Blocks.Count - 1;
        bool[] ends = Leading(flow, exit, avoided: -1);
        foreach (BasicBlock block in flow.Blocks.Where(block => ends[block.Index] && block.Index != exit))
        {
            // All that cannot be avoided; the nearest is the one from which one cannot avoid any of the others.
            int[] unavoidable = [.. flow.Blocks.Select(other => other.Index).Where(other =>
                other != block.Index && ends[other] && !Leading(flow, exit, other)[block.Index])];
            int nearest = Assert.Single(unavoidable, candidate => unavoidable.All(other =>
                other == candidate || candidate == exit || !Leading(flow, exit, other)[candidate]) && (candidate != exit || unavoidable.Length == 1));
            Assert.Equal(nearest, flow.ImmediatePostDominator(block)?.Index);
        }

        // In a loop without an end, too, those that part meet: nowhere only at what ends a group of blocks.
        Assert.All(flow.Blocks.Where(block => !ends[block.Index]), block =>
            Assert.True(flow.ImmediatePostDominator(block) is not { } meeting || !ends[meeting.Index]));
    }

    [Property(MaxTest = 400)]
    public void Registers_are_live_where_a_way_leads_to_a_reading_past_no_writing(DoNotSize<int> seed)
    {
        ControlFlow flow = RandomProgram(new Random(seed.Item));
        Liveness liveness = Liveness.Of(flow);
        IReadOnlyList<PtxInstruction> instructions = flow.Function.Instructions;
        foreach (PtxRegister register in flow.Function.Registers)
        {
            bool[] live = LiveBefore(flow, register);
            foreach (BasicBlock block in flow.Blocks)
            {
                liveness.Walk(block, (i, set) => Assert.Equal(Nexts(flow, i).Any(next => live[next]), set.Contains(register.Index)));
            }

            for (int i = 0; i < instructions.Count; i++)
            {
                (int first, int last) = liveness.Intervals[register.Index];
                bool isWritten = RegisterUse.Writes(instructions[i]).Contains(register);
                Assert.True(!(live[i] || isWritten) || (first <= i && i <= last));
            }
        }
    }

    /// <summary>Blocks from which an exit can be reached without passing a block.</summary>
    private static bool[] Leading(ControlFlow flow, int exit, int avoided)
    {
        bool[] leads = new bool[flow.Blocks.Count];
        leads[exit] = exit != avoided;
        for (bool hasChanged = true; hasChanged;)
        {
            hasChanged = false;
            foreach (BasicBlock block in flow.Blocks.Where(block => block.Index != avoided && !leads[block.Index]))
            {
                leads[block.Index] = block.Successors.Any(successor => leads[successor]);
                hasChanged |= leads[block.Index];
            }
        }

        return leads;
    }

    private static bool[] LiveBefore(ControlFlow flow, PtxRegister register)
    {
        IReadOnlyList<PtxInstruction> instructions = flow.Function.Instructions;
        bool[] live = new bool[instructions.Count];
        for (bool hasChanged = true; hasChanged;)
        {
            hasChanged = false;
            for (int i = 0; i < instructions.Count; i++)
            {
                bool isKilled = instructions[i].Guard is null && RegisterUse.Writes(instructions[i]).Contains(register);
                bool isLive = RegisterUse.Reads(instructions[i]).Contains(register)
                    || (!isKilled && Nexts(flow, i).Any(next => live[next]));
                hasChanged |= isLive != live[i];
                live[i] = isLive;
            }
        }

        return live;
    }

    private static IEnumerable<int> Nexts(ControlFlow flow, int instruction)
    {
        PtxInstruction current = flow.Function.Instructions[instruction];
        IEnumerable<int> targets = ControlFlow.Targets(current);
        bool goesOn = current.Guard is not null || current.Opcode is not ("bra" or "ret");
        return goesOn && instruction + 1 < flow.Function.Instructions.Count ? targets.Append(instruction + 1) : targets;
    }

    /// <summary>Up to a dozen blocks with arbitrary branches between them, and one end.</summary>
    private static ControlFlow RandomProgram(Random random)
    {
        int count = random.Next(2, 12);
        List<string> lines = [];
        for (int b = 0; b < count; b++)
        {
            lines.Add($"L{b}:");
            for (int i = random.Next(3); i > 0; i--)
            {
                string guard = random.Next(3) == 0 ? "@%p1 " : "";
                lines.Add($"{guard}add.s32 %r{random.Next(Registers)}, %r{random.Next(Registers)}, %r{random.Next(Registers)};");
            }

            switch (random.Next(4))
            {
                case 0:
                    lines.Add($"bra L{random.Next(count + 1)};");
                    break;
                case 1 or 2:
                    lines.Add($"@%p{random.Next(3)} bra L{random.Next(count + 1)};");
                    break;
                default:
                    lines.Add("setp.eq.u32 %p1, %r0, 1;");
                    break;
            }
        }

        lines.Add($"L{count}: ret;");
        return ControlFlowTests.Flow(string.Join('\n', lines));
    }
}
