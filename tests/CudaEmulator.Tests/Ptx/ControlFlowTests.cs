using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

public sealed class ControlFlowTests
{
    [Fact]
    public void The_sides_of_an_if_meet_behind_it()
    {
        ControlFlow flow = Flow("""
                @%p1 bra ELSE;
                add.s32 %r1, %r1, 1;
                bra END;
            ELSE:
                add.s32 %r1, %r1, 2;
            END:
                ret;
            """);

        Assert.Equal(4, flow.Blocks.Count);
        Assert.Equal([1, 2], flow.Blocks[0].Successors);
        Assert.Equal([1, 2], flow.Blocks[3].Predecessors);
        Assert.Equal([3, 3, 3, null], Meetings(flow));
        Assert.Equal(4, flow.ReconvergenceOf(0));
        Assert.Equal(2, flow.BlockOf(3).Index);
    }

    [Fact]
    public void Nested_ifs_meet_inside_out()
    {
        ControlFlow flow = Flow("""
                @%p1 bra OUTER_END;
                @%p2 bra INNER_ELSE;
                mov.u32 %r1, 1;
                bra INNER_END;
            INNER_ELSE:
                mov.u32 %r1, 2;
            INNER_END:
                mov.u32 %r2, 3;
            OUTER_END:
                ret;
            """);

        // 0 outer test, 1 inner test, 2 then, 3 else, 4 inner end, 5 outer end
        Assert.Equal([5, 4, 4, 4, 5, null], Meetings(flow));
    }

    [Fact]
    public void Ways_out_of_a_loop_meet_behind_it()
    {
        ControlFlow flow = Flow("""
            LOOP:
                @%p1 bra BREAK;
                @%p2 bra LOOP;
                @%p3 bra BREAK;
                bra LOOP;
            BREAK:
                ret;
            """);

        // 0 first break, 1 continue, 2 second break, 3 back, 4 behind
        Assert.Equal([4, 4, 4, 0, null], [.. Meetings(flow)]);
    }

    [Fact]
    public void Whoever_returns_early_is_not_waited_for()
    {
        ControlFlow flow = Flow("""
                @%p1 bra Y;
                @%p2 bra EARLY;
                mov.u32 %r1, 1;
            Y:
                bar.sync 0;
                ret;
            EARLY:
                mov.u32 %r1, 2;
                ret;
            """);

        // 0 if (a), 1 if (b), 2 x, 3 y, 4 early return: the sides of 0 meet at the barrier all the same.
        Assert.Equal([3, 2, 3, null, null], Meetings(flow));
    }

    [Fact]
    public void A_guarded_return_ends_a_block_that_still_goes_on()
    {
        ControlFlow flow = Flow("""
                @%p1 bra Y;
                @%p2 ret;
                mov.u32 %r1, 1;
            Y:
                ret;
            """);

        Assert.True(flow.Blocks[1].IsExit);
        Assert.Equal([2], flow.Blocks[1].Successors);
        Assert.Equal([3, 2, 3, null], Meetings(flow));
    }

    [Fact]
    public void A_trap_at_the_end_of_the_text_is_no_place_to_meet()
    {
        ControlFlow flow = Flow("""
                @%p1 bra NEXT;
                @%p2 bra BAD;
            NEXT:
                ret;
            BAD:
                trap;
            """);

        Assert.Equal([2, 2, null, null], Meetings(flow));
    }

    [Fact]
    public void Endless_loops_and_unreachable_code_have_their_place()
    {
        ControlFlow flow = Flow("""
                @%p1 bra FOREVER;
                ret;
                mov.u32 %r1, 1;
                ret;
            FOREVER:
                @%p2 bra SKIP;
                mov.u32 %r1, 2;
            SKIP:
                bra FOREVER;
            """);

        // 0 test, 1 return, 2 unreachable, 3 loop, 4 then, 5 back
        Assert.Empty(flow.Blocks[2].Predecessors);
        Assert.Equal([1, null, null, 5, 5, null], Meetings(flow));
    }

    [Fact]
    public void An_irreducible_loop_with_two_entries_is_solved()
    {
        ControlFlow flow = Flow("""
                @%p1 bra B;
            A:
                add.s32 %r1, %r1, 1;
            B:
                @%p2 bra A;
                @%p3 bra B;
                ret;
            """);

        // 0 -> 1 2, 1 A -> 2, 2 B -> 1 3, 3 -> 2 4
        Assert.Equal([2, 2, 3, 4, null], Meetings(flow));
    }

    [Fact]
    public void A_switch_has_all_its_targets()
    {
        ControlFlow flow = Flow("""
            TABLE: .branchtargets ONE, TWO, ONE;
                @%p1 brx.idx %r1, TABLE;
                mov.u32 %r2, 0;
                bra END;
            ONE:
                mov.u32 %r2, 1;
                bra END;
            TWO:
                mov.u32 %r2, 2;
            END:
            """);

        Assert.Equal([1, 2, 3], flow.Blocks[0].Successors);
        Assert.Equal([4, 4, 4, 4, null], Meetings(flow));
        Assert.True(flow.Blocks[4].IsExit);
    }

    [Fact]
    public void A_long_chain_of_ifs_does_not_recurse()
    {
        string body = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"@%p1 bra L{i};\nadd.s32 %r1, %r1, 1;\nL{i}:\n")) + "ret;";
        ControlFlow flow = Flow(body);
        Assert.Equal(40_001, flow.Blocks.Count);
        Assert.Equal(2, flow.ImmediatePostDominator(flow.Blocks[0])?.Index);
    }

    internal static ControlFlow Flow(string body) => ControlFlow.Of(PtxParser.Parse($$"""
        {{PtxParserTests.Header}}
        .entry kernel(.param .u64 p)
        {
            .reg .pred %p<4>;
            .reg .b32 %r<16>;
            .reg .b64 %rd<4>;
            {{body}}
        }
        """).Functions[0]);

    private static int?[] Meetings(ControlFlow flow) =>
        [.. flow.Blocks.Select(block => flow.ImmediatePostDominator(block)?.Index)];
}
