using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

public sealed class PtxVerifierTests
{
    // Each of these was also given to ptxas 11.8, which agrees.
    [Theory]
    [InlineData("add.s32 %r1, %r2, -5; add.f32 %f1, %r1, 1.5; add.u32 %r1, WARP_SZ, 0x1FFFFFFFF; sub.f64 %fd1, %fd2, %rd1;")]
    [InlineData("mul.wide.u16 %r1, %h1, %h2; mad.wide.s32 %rd1, %r1, 4, %rd2; mad.lo.u32 %r1, %r2, 3, %r4; mul.hi.u64 %rd1, %rd2, %rd3;")]
    [InlineData("and.pred %p1, !%p2, %p3; not.pred %p1, %p2; xor.b32 %f1, %f2, %r1; selp.b32 %r1, %r2, 5, !%p1; or.pred %p1, %p2, 1;")]
    [InlineData("setp.eq.u32 _, %r1, %r2; setp.lt.and.s32 %p1|_, 1, %r2, !%p3; set.eq.u32.f32 %r1, %f1, %f2; slct.f32.s32 %f1, %f2, %f3, %r1;")]
    [InlineData("shl.b64 %rd1, %rd2, %r1; shr.s16 %h1, %h2, 3; shf.l.wrap.b32 %r1, %r2, %r3, 5; popc.b64 %r1, %rd1; clz.b32 %r1, %f1;")]
    [InlineData("bfe.u64 %rd1, %rd2, 3, 4; bfi.b32 %r1, %r2, %r3, 0, %r4; lop3.b32 %r1, %r2, %r3, %r4, 0xE8; prmt.b32 %r1, %r2, %r3, 0x3210;")]
    [InlineData("mov.b32 {%h1, %h2}, %r1; mov.b64 %rd1, {%r1, %f2}; mov.b64 {%r1, _}, %rd1; mov.b64 %fd1, {%h1, %h2, %h3, %h4};")]
    [InlineData("mov.b32 %r1, 0f3F800000; mov.b64 %rd1, 0d3FF0000000000000; mov.f64 %fd1, 0f3F800000; mov.f32 %r1, %f2; mov.pred %p1, 1;")]
    [InlineData("mov.u32 %r1, %tid.x; mov.v4.u32 {%r1, %r2, %r3, %r4}, %tid; mov.u64 %rd1, table+4; mov.b32 %r1, tile; mov.u64 %rd1, callee;")]
    [InlineData("ld.global.u8 %r1, [%rd1]; ld.global.f32 %rd1, [%rd1]; ld.global.b8 %f1, [table]; ld.global.b16 %h1, [%rd1+2];")]
    [InlineData("ld.global.v2.u32 {%r1, %r2}, [%rd1]; ld.global.v4.f32 %v, [%rd1]; st.global.v2.f32 [%rd1], {%f1, 0f00000000}; st.shared.u8 [%r1], %rd2;")]
    [InlineData("ld.param.u64 %rd1, [pointer]; ld.shared.u32 %r1, [tile+4]; st.global.u32 [%rd1], 5; st.f64 [%rd1], %fd1;")]
    [InlineData("cvt.rn.f32.u32 %rd1, %r1; cvt.u8.u32 %h1, %r1; cvt.u32.u8 %r1, %rd1; cvt.rn.bf16.f32 %h1, %f1; cvt.rna.tf32.f32 %r1, %f1;")]
    [InlineData("cvt.rn.f16x2.f32 %r1, %f1, %f2; cvt.pack.sat.s16.s32 %r1, %r2, %r3; cvt.s64.s32 %rd1, 5; cvta.to.global.u64 %rd1, %rd2; cvta.global.u64 %rd1, table;")]
    [InlineData("atom.global.add.f32 %f1, [%rd1], 1.0; atom.global.cas.b32 %f1, [%rd1], %f2, %r3; atom.add.u32 _, [table], %r1; red.global.add.u64 [%rd1], %rd2;")]
    [InlineData("shfl.sync.idx.b32 %f1|%p1, %f2, 0, 31, -1; vote.sync.ballot.b32 %r1, !%p1, -1; vote.sync.any.pred %p1, %p2, %r1; redux.sync.add.s32 %r1, %r2, -1;")]
    [InlineData("fma.rn.f16 %h1, %h2, %h3, %h4; fma.rn.bf16x2 %r1, %r2, %r3, %r4; tanh.approx.f32 %f1, %f2; testp.finite.f32 %p1, %f1; isspacep.global %p1, %rd1;")]
    [InlineData("bar.sync 0; bar.sync %r1, 64; bar.red.popc.u32 %r1, 0, !%p1; membar.gl; nanosleep.u32 %r1; activemask.b32 %r1; ret.uni;")]
    [InlineData("call callee, (%r1); call.uni callee, (%f1); call callee, (5); { .param .f32 x; call callee, (x); }")]
    [InlineData("cp.async.cg.shared.global [%r1], [%rd1], 16, %r2; cp.async.wait_group 0; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r1}, [%r2];")]
    public void What_ptxas_takes_is_taken(string body) => PtxVerifier.Verify(PtxParser.Parse(PtxParserTests.Kernel(body)), 80);

    [Theory]
    [InlineData("add.s32 %r1, %r2;", "2 operands instead of 3")]
    [InlineData("add.s32 %r1, %r2, %r3, %r4;", "4 operands instead of 3")]
    [InlineData("add.s32 %r1, %r2, %f1;", "operand 3")]
    [InlineData("add.s32 %r1, %rd1, %r2;", "operand 2")]
    [InlineData("add.f32 %f1, %f2, 1;", "operand 3")]
    [InlineData("add.s32 %r1, %r2, 1.0;", "operand 3")]
    [InlineData("add.u32 5, %r2, 1;", "operand 1")]
    [InlineData("add.u32 _, %r2, 1;", "operand 1")]
    [InlineData("add.u32 %r1, !%p1, 1;", "operand 2")]
    [InlineData("add.u32 %r1, %tid.x, 1;", "operand 2")]
    [InlineData("add.u64 %rd1, table, %rd2;", "operand 2")]
    [InlineData("add %r1, %r2, 1;", "lacks a type")]
    [InlineData("mul.wide.u32 %r1, %r2, 4;", "operand 1")]
    [InlineData("mov.u32 %r1, %fd1;", "operand 2")]
    [InlineData("mov.u32 %r1, 1.0;", "operand 2")]
    [InlineData("mov.b32 %p1, %p2;", "operand 1")]
    [InlineData("mov.b32 %r1, 1.0;", "operand 2")]
    [InlineData("mov.u64 {%r1, %r2}, %rd1;", "operand 1")]
    [InlineData("mov.b64 %rd1, {%h1, %h2};", "operand 2")]
    [InlineData("mov.b32 %r1, {%r1, %r2};", "operand 2")]
    [InlineData("shl.b64 %rd1, %rd2, %rd3;", "operand 3")]
    [InlineData("shl.b32 %r1, %r2, %h1;", "operand 3")]
    [InlineData("clz.b32 %rd1, %r1;", "operand 1")]
    [InlineData("lop3.b32 %r1, %r2, %r3, %r4, %r5;", "operand 5")]
    [InlineData("setp.eq.u32 %r1, %r2, %r3;", "operand 1")]
    [InlineData("ld.global.u32 %r1, %rd1;", "operand 2")]
    [InlineData("ld.global.u32 %h1, [%rd1];", "operand 1")]
    [InlineData("ld.global.f32 %fd1, [%rd1];", "operand 1")]
    [InlineData("ld.global.v2.u32 {%r1}, [%rd1];", "operand 1")]
    [InlineData("ld.global.v2.u32 {%r1, %h2}, [%rd1];", "operand 1")]
    [InlineData("ld.global.u32 {%r1, %r2}, [%rd1];", "operand 1")]
    [InlineData("st.global.v2.u32 [%rd1], {%r1, _};", "operand 2")]
    [InlineData("st.global.f32 [%rd1], 5;", "operand 2")]
    [InlineData("st.global.u64 [%rd1], table;", "operand 2")]
    [InlineData("ld.shared.u32 %r1, [table];", "another state space")]
    [InlineData("ld.global.u32 %r1, [tile];", "another state space")]
    [InlineData("ld.global.u32 %r1, [%f1];", "cannot hold an address")]
    [InlineData("cvt.u64.u32 %rd1, %h1;", "operand 2")]
    [InlineData("cvt.rn.f32.u32 %h1, %r1;", "operand 1")]
    [InlineData("atom.global.cas.b32 %r1, [%rd1], %r2;", "3 operands instead of 4")]
    [InlineData("atom.global.add.u32 %r1, %rd1, %r2;", "operand 2")]
    [InlineData("@%r1 ret;", "not a predicate")]
    [InlineData("bra %r1;", "wants a label")]
    [InlineData("ret %r1;", "1 operands instead of 0")]
    [InlineData("brx.idx %rd1, T; T: .branchtargets A; A: ret;", "32-bit register")]
    [InlineData("brx.idx %r1, T; T: .calltargets callee;", "must be labels")]
    [InlineData("call kernel, (%rd1, %r1);", "is an entry")]
    [InlineData("call callee;", "0 arguments")]
    [InlineData("call (%r1), callee, (%r2);", "1 arguments")]
    [InlineData("call callee, (%rd1);", "'x'")]
    [InlineData("{ .param .b64 y; call callee, (y); }", "'x'")]
    [InlineData("call %rd1, (%r1);", ".callprototype")]
    [InlineData("P: .callprototype _ (); call %r1, P;", "cannot hold the address")]
    public void What_ptxas_refuses_is_refused(string body, string reason)
    {
        PtxModule module = PtxParser.Parse(PtxParserTests.Kernel(body));
        PtxException exception = Assert.Throws<PtxException>(() => PtxVerifier.Verify(module, 80));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Equal(17, exception.Line);
    }

    // The least .target and .version, as ptxas 11.8 has them.
    [Theory]
    [InlineData("cp.async.ca.shared.global [%r1], [%rd1], 16;", 80, 70)]
    [InlineData("cp.async.commit_group;", 80, 70)]
    [InlineData("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r1}, [%r2];", 75, 65)]
    [InlineData("movmatrix.sync.aligned.m8n8.trans.b16 %r1, %r2;", 75, 78)]
    [InlineData("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r2], {%r1};", 90, 78)]
    [InlineData("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 %v, {%r1, %r2}, {%r3}, %v;", 75, 65)]
    [InlineData("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 %v, {%r1, %r2, %r3, %r4}, {%r5, %r6}, %v;", 80, 70)]
    [InlineData("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 %v, {%r1, %r2}, {%r3}, %v;", 80, 70)]
    [InlineData("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 %v, {%r1, %r2, %r3, %r4}, {%r5, %r6}, %v;", 80, 70)]
    [InlineData("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%r1, %r2}, {%r3}, {%r4}, {%r1, %r2};", 75, 65)]
    [InlineData("redux.sync.add.s32 %r1, %r2, -1;", 80, 70)]
    [InlineData("mbarrier.init.shared.b64 [%r1], 5;", 80, 70)]
    [InlineData("mbarrier.test_wait.parity.shared.b64 %p1, [%r1], %r2;", 80, 71)]
    [InlineData("mbarrier.try_wait.shared.b64 %p1, [%r1], %rd1;", 90, 78)]
    [InlineData("fma.rn.relu.f16 %h1, %h2, %h3, %h4;", 80, 70)]
    [InlineData("fma.rn.bf16 %h1, %h2, %h3, %h4;", 80, 70)]
    [InlineData("add.bf16 %h1, %h2, %h3;", 90, 78)]
    [InlineData("min.f16 %h1, %h2, %h3;", 80, 70)]
    [InlineData("max.NaN.f32 %f1, %f2, %f3;", 80, 70)]
    [InlineData("min.xorsign.abs.f32 %f1, %f2, %f3;", 86, 72)]
    [InlineData("setp.eq.bf16 %p1, %h1, %h2;", 90, 78)]
    [InlineData("ex2.approx.f16 %h1, %h2;", 75, 70)]
    [InlineData("tanh.approx.f32 %f1, %f2;", 75, 70)]
    [InlineData("tanh.approx.bf16 %h1, %h2;", 90, 78)]
    [InlineData("cvt.rn.bf16x2.f32 %r1, %f1, %f2;", 80, 70)]
    [InlineData("cvt.rn.f16x2.f32 %r1, %f1, %f2;", 80, 70)]
    [InlineData("cvt.rn.bf16.s32 %h1, %r1;", 90, 78)]
    [InlineData("cvt.rna.tf32.f32 %r1, %f1;", 80, 70)]
    [InlineData("cvt.rn.tf32.f32 %r1, %f1;", 90, 78)]
    [InlineData("atom.global.add.noftz.f16 %h1, [%rd1], %h2;", 70, 63)]
    [InlineData("atom.global.acquire.gpu.add.u32 %r1, [%rd1], %r2;", 70, 60)]
    [InlineData("atom.global.acquire.cluster.add.u32 %r1, [%rd1], %r2;", 90, 78)]
    [InlineData("barrier.cluster.arrive;", 90, 78)]
    [InlineData("fence.acq_rel.gpu;", 70, 60)]
    [InlineData("griddepcontrol.wait;", 90, 78)]
    [InlineData("ld.shared::cluster.u32 %r1, [%r2];", 90, 78)]
    [InlineData("ld.global.L1::no_allocate.u32 %r1, [%rd1];", 70, 74)]
    [InlineData("ld.global.L2::128B.u32 %r1, [%rd1];", 75, 74)]
    [InlineData("ld.global.L2::256B.u32 %r1, [%rd1];", 80, 74)]
    [InlineData("createpolicy.fractional.L2::evict_last.b64 %rd1, 1.0;", 80, 74)]
    public void Instructions_belong_to_generations(string instruction, int target, int version)
    {
        PtxModule module = PtxParser.Parse(PtxParserTests.Kernel(instruction));
        int[] targets = [60, 70, 75, 80, 86, 89, 90];
        int[] versions = [60, 61, 62, 63, 64, 65, 70, 71, 72, 73, 74, 75, 76, 77, 78, 80];
        PtxVerifier.Verify(module with { Target = 90, Version = 80 }, 90);
        if (version <= 78)
        {
            PtxVerifier.Verify(module with { Target = target, Version = 78 }, 90);
        }

        PtxInstruction parsed = module.Functions[^1].Instructions[0];
        TargetRequirements.Check(module with { Target = target, Version = version }, parsed);
        foreach (int lower in targets.Where(lower => lower < target))
        {
            PtxException exception = Assert.Throws<PtxException>(() => PtxVerifier.Verify(module with { Target = lower, Version = 80 }, 90));
            Assert.Contains($"requires .target sm_{target}", exception.Message, StringComparison.Ordinal);
        }

        foreach (int older in versions.Where(older => older < version))
        {
            PtxException exception = Assert.Throws<PtxException>(() => TargetRequirements.Check(module with { Target = 90, Version = older }, parsed));
            Assert.Contains("requires PTX .version", exception.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("7.8", "sm_90", 75, "the device is sm_75")]
    [InlineData("8.0", "sm_90a", 100, "the device is sm_100")]
    [InlineData("8.8", "sm_100f", 120, "the device is sm_120")]
    [InlineData("6.5", "sm_80", 80, "does not support .target sm_80")]
    [InlineData("7.8", "sm_90a", 90, "does not support .target sm_90a")]
    [InlineData("7.8", "sm_99", 99, "no device of target sm_99")]
    [InlineData("9.9", "sm_80", 80, "newer than 8.8")]
    public void Texts_for_other_devices_are_refused(string version, string target, int device, string reason)
    {
        PtxModule module = PtxParser.Parse($".version {version}\n.target {target}\n");
        PtxException exception = Assert.Throws<PtxException>(() => PtxVerifier.Verify(module, device));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Equal(version == "9.9", exception.IsVersionTooNew);
    }

    [Theory]
    [InlineData("6.3", "sm_75", 75)]
    [InlineData("7.8", "sm_75", 90)]
    [InlineData("8.0", "sm_90a", 90)]
    [InlineData("8.8", "sm_100f", 103)]
    public void Texts_for_the_device_or_an_older_one_are_taken(string version, string target, int device) =>
        PtxVerifier.Verify(PtxParser.Parse($".version {version}\n.target {target}\n"), device);

    [Fact]
    public void Shuffles_without_a_mask_ended_with_Volta()
    {
        PtxModule module = PtxParser.Parse(PtxParserTests.Kernel("shfl.idx.b32 %r1, %r2, 0, 31;"));
        PtxVerifier.Verify(module with { Target = 60 }, 80);
        Assert.Throws<PtxException>(() => PtxVerifier.Verify(module, 80));
    }

    [Fact]
    public void Constants_and_parameters_have_limits()
    {
        PtxModule full = PtxParser.Parse(PtxParserTests.Header + ".const .b8 a[65536]; .entry k(.param .b8 x[4096]) { }");
        PtxVerifier.Verify(full, 80);
        PtxModule constants = PtxParser.Parse(PtxParserTests.Header + ".const .b8 a[65536], b;");
        Assert.Throws<PtxException>(() => PtxVerifier.Verify(constants, 80));
        PtxModule parameters = PtxParser.Parse(PtxParserTests.Header + ".entry k(.param .b8 x[4096], .param .b8 y) { }");
        Assert.Throws<PtxException>(() => PtxVerifier.Verify(parameters, 80));
        PtxVerifier.Verify(parameters with { Version = 81 }, 80);
    }
}
