using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

public sealed class LivenessTests
{
    [Fact]
    public void A_value_lives_from_its_writing_to_its_last_reading()
    {
        ControlFlow flow = ControlFlowTests.Flow("""
                mov.u32 %r1, 1;
                mov.u32 %r2, 2;
                add.s32 %r3, %r1, %r2;
                add.s32 %r4, %r3, %r3;
                st.global.u32 [%rd1], %r4;
                ret;
            """);
        Liveness liveness = Liveness.Of(flow);

        Assert.Equal(["%rd1"], Names(liveness.LiveAtEntry));
        Assert.Equal((0, 2), Interval(flow, liveness, "%r1"));
        Assert.Equal((1, 2), Interval(flow, liveness, "%r2"));
        Assert.Equal((3, 4), Interval(flow, liveness, "%r4"));
        Assert.Equal((0, 4), Interval(flow, liveness, "%rd1"));

        List<string> live = [];
        liveness.Walk(flow.Blocks[0], (i, set) => live.Add($"{i}: {string.Join(' ', set.Select(r => flow.Function.Registers[r].Name).Order())}"));
        Assert.Equal(["5: ", "4: ", "3: %r4 %rd1", "2: %r3 %rd1", "1: %r1 %r2 %rd1", "0: %r1 %rd1"], live);

        // Behind the second instruction: %r1, %r2, and %rd1, which is two wide.
        Assert.Equal(4, liveness.Pressure());
    }

    [Fact]
    public void What_a_loop_reads_again_lives_all_round_it()
    {
        ControlFlow flow = ControlFlowTests.Flow("""
                mov.u32 %r1, 0;
                mov.u32 %r2, 7;
            LOOP:
                add.s32 %r1, %r1, %r2;
                mul.lo.s32 %r3, %r1, 3;
                setp.lt.s32 %p1, %r3, 100;
                @%p1 bra LOOP;
                st.global.u32 [%rd1], %r1;
                ret;
            """);
        Liveness liveness = Liveness.Of(flow);

        Assert.Equal(["%r1", "%r2", "%rd1"], Names(liveness.LiveIn(flow.Blocks[1])).Order());
        Assert.Equal(["%r1", "%r2", "%rd1"], Names(liveness.LiveOut(flow.Blocks[1])).Order());
        Assert.Equal((1, 5), Interval(flow, liveness, "%r2"));
        Assert.Equal((3, 4), Interval(flow, liveness, "%r3"));
        Assert.Equal((4, 5), Interval(flow, liveness, "%p1"));
    }

    [Fact]
    public void A_guarded_write_keeps_the_old_value_alive()
    {
        ControlFlow flow = ControlFlowTests.Flow("""
                mov.u32 %r1, 1;
                setp.eq.u32 %p1, %r2, 0;
                @%p1 mov.u32 %r1, 2;
                st.global.u32 [%rd1], %r1;
                ret;
            """);
        Liveness liveness = Liveness.Of(flow);

        Assert.Equal((0, 3), Interval(flow, liveness, "%r1"));
        Assert.Equal(["%r2", "%rd1"], Names(liveness.LiveAtEntry).Order());
    }

    [Theory]
    [InlineData("ld.global.v2.u32 {%r1, %r2}, [%rd1];", "%r1 %r2", "%rd1")]
    [InlineData("st.global.v2.u32 [%rd1], {%r1, %r2};", "", "%r1 %r2 %rd1")]
    [InlineData("setp.lt.and.s32 %p1|%p2, %r1, %r2, !%p3;", "%p1 %p2", "%p3 %r1 %r2")]
    [InlineData("shfl.sync.idx.b32 %r1|%p1, %r2, 0, 31, -1;", "%p1 %r1", "%r2")]
    [InlineData("bar.sync %r1, %r2;", "", "%r1 %r2")]
    [InlineData("bar.red.popc.u32 %r1, 0, %p1;", "%r1", "%p1")]
    [InlineData("red.global.add.u32 [%rd1], %r1;", "", "%r1 %rd1")]
    [InlineData("atom.global.cas.b32 %r1, [%rd1], %r2, %r3;", "%r1", "%r2 %r3 %rd1")]
    [InlineData("cp.async.cg.shared.global [%r1], [%rd1], 16, %r2;", "", "%r1 %r2 %rd1")]
    [InlineData("mov.b64 {%r1, _}, %rd1;", "%r1", "%rd1")]
    [InlineData("@!%p1 selp.b32 %r1, %r2, 4, %p2;", "%r1", "%p1 %p2 %r2")]
    [InlineData("mbarrier.arrive.shared.b64 _, [%r1];", "", "%r1")]
    [InlineData("nanosleep.u32 %r1;", "", "%r1")]
    public void Destinations_are_told_from_sources(string instruction, string writes, string reads)
    {
        PtxInstruction parsed = ControlFlowTests.Flow(instruction).Function.Instructions[0];
        Assert.Equal(writes, string.Join(' ', Names(RegisterUse.Writes(parsed)).Order()));
        Assert.Equal(reads, string.Join(' ', Names(RegisterUse.Reads(parsed)).Order()));
    }

    private static IEnumerable<string> Names(IEnumerable<PtxRegister> registers) => registers.Select(register => register.Name);

    private static (int First, int Last) Interval(ControlFlow flow, Liveness liveness, string name) =>
        liveness.Intervals[flow.Function.Registers.Single(register => register.Name == name).Index];
}
