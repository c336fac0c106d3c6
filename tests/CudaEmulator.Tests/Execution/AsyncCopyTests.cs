using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

public class AsyncCopyTests
{
    // The lane's 16 bytes of the first buffer are at %d0, of shared memory at %r0, of the second buffer at %d1. See(i) stores
    // what the lane sees of its shared bytes to the second buffer's i-th 512 bytes.
    private const string Places =
        "mul.wide.u32 %d9, %lane, 16; add.u64 %d0, %p0, %d9; add.u64 %d1, %p1, %d9; shl.b32 %r0, %lane, 4; add.u32 %r0, %s, %r0;\n";

    private static string See(int place, int offset = 0) =>
        $"ld.shared.v4.b32 {{%r10, %r11, %r12, %r13}}, [%r0+{offset}]; st.global.v4.b32 [%d1+{512 * place}], {{%r10, %r11, %r12, %r13}};\n";

    [Theory]
    [InlineData("ca", 16)]
    [InlineData("cg", 16)]
    [InlineData("ca", 8)]
    [InlineData("ca", 4)]
    public void Bytes_are_there_after_the_wait_and_not_before(string cache, int bytes)
    {
        var seen = RunUnchecked(2, Places
            + $"cp.async.{cache}.shared.global [%r0], [%d0], {bytes};\ncp.async.commit_group;\n"
            + See(0) + "cp.async.wait_group 0;\n" + See(1));
        var source = Source;
        for (var i = 0; i < 128; i++)
        {
            Assert.Equal(0u, seen[i]);
            Assert.Equal(4 * (i % 4) < bytes ? source[i] : 0, seen[128 + i]);
        }
    }

    [Fact]
    public void A_barrier_is_no_wait()
    {
        var seen = RunUnchecked(2, Places + "cp.async.cg.shared.global [%r0], [%d0], 16;\ncp.async.commit_group;\nbar.sync 0;\n" + See(0)
            + "cp.async.wait_all;\nbar.sync 0;\n" + See(1));
        Assert.All(seen[..128], x => Assert.Equal(0u, x));
        Assert.Equal(Source[..128], seen[128..256]);
    }

    [Fact]
    public void Groups_end_in_order()
    {
        // Three groups; one copy is never committed, and only wait_all waits for it.
        var seen = RunUnchecked(16, Places + string.Concat(Enumerable.Range(0, 3).Select(i =>
                $"cp.async.cg.shared.global.L2::128B [%r0+{512 * i}], [%d0+{512 * i}], 16;\ncp.async.commit_group;\n"))
            + "cp.async.ca.shared::cta.global [%r0+1536], [%d0+1536], 16;\n"
            + string.Concat(Enumerable.Range(0, 4).Select(step =>
                (step == 3 ? "cp.async.wait_all;\n" : $"cp.async.wait_group {2 - step};\n")
                + string.Concat(Enumerable.Range(0, 4).Select(i => See(4 * step + i, 512 * i))))));
        for (var step = 0; step < 4; step++)
        {
            for (var group = 0; group < 4; group++)
            {
                var expected = group <= step ? Source[(128 * group)..(128 * group + 128)] : new uint[128];
                Assert.Equal(expected, seen[(128 * (4 * step + group))..(128 * (4 * step + group) + 128)]);
            }
        }
    }

    [Fact]
    public void An_empty_group_counts()
    {
        var seen = Run(1, Places + "cp.async.cg.shared.global [%r0], [%d0], 16;\ncp.async.commit_group;\ncp.async.commit_group;\ncp.async.wait_group 1;\n" + See(0));
        Assert.Equal(Source[..128], seen);
    }

    [Fact]
    public void Each_thread_counts_its_own_groups()
    {
        // Odd lanes commit a second, empty group: waiting for all but one ends the copy for them only.
        var seen = RunUnchecked(1, Places
            + "and.b32 %r1, %lane, 1; setp.eq.u32 %q0, %r1, 1;\ncp.async.cg.shared.global [%r0], [%d0], 16;\ncp.async.commit_group;\n@%q0 cp.async.commit_group;\n"
            + "cp.async.wait_group 1;\n" + See(0));
        Assert.Equal(Enumerable.Range(0, 128).Select(i => i / 4 % 2 == 1 ? Source[i] : 0), seen);
    }

    [Fact]
    public void Only_the_threads_that_wait_see_the_bytes()
    {
        var seen = RunUnchecked(1, Places
            + "setp.lt.u32 %q0, %lane, 5;\ncp.async.cg.shared.global [%r0], [%d0], 16;\n@%q0 cp.async.wait_all;\n" + See(0));
        Assert.Equal(Enumerable.Range(0, 128).Select(i => i / 4 < 5 ? Source[i] : 0), seen);
    }

    [Theory]
    [InlineData("%lane")] // 0 to 31 bytes: more than 16 is a fault
    [InlineData("%r1")]
    [InlineData("0")]
    [InlineData("12")]
    [InlineData("16")]
    public void What_the_source_does_not_give_is_zeros(string given)
    {
        var lines = Places + "and.b32 %r1, %lane, 15; mov.b32 %r2, -1; st.shared.v4.b32 [%r0], {%r2, %r2, %r2, %r2};\n"
            + $"cp.async.cg.shared.global [%r0], [%d0], 16, {given};\ncp.async.wait_all;\n" + See(0);
        if (given == "%lane")
        {
            Assert.Contains("17 bytes are to be read", Assert.Throws<DeviceFaultException>(() => Run(1, lines)).Message, StringComparison.Ordinal);
            return;
        }

        var seen = Run(1, lines);
        for (var i = 0; i < 128; i++)
        {
            var count = (given == "%r1" ? i / 4 & 15 : int.Parse(given)) - 4 * (i % 4);
            Assert.Equal(count >= 4 ? Source[i] : count <= 0 ? 0 : Source[i] & ((1u << (8 * count)) - 1), seen[i]);
        }
    }

    [Fact]
    public void A_source_that_gives_nothing_may_be_anywhere()
    {
        Run(1, Places + "mov.b64 %d5, 4096;\ncp.async.cg.shared.global [%r0], [%d5], 16, 0;\ncp.async.wait_all;\n");
    }

    [Fact]
    public void A_predicate_ignores_the_source()
    {
        var seen = Run(1, Places + "setp.lt.u32 %q0, %lane, 9; mov.b32 %r2, -1; st.shared.v4.b32 [%r0], {%r2, %r2, %r2, %r2};\n"
            + "cp.async.cg.shared.global [%r0], [%d0], 16, %q0;\ncp.async.wait_all;\n" + See(0));
        Assert.Equal(Enumerable.Range(0, 128).Select(i => i / 4 < 9 ? 0 : Source[i]), seen);
    }

    [Fact]
    public void A_guard_and_a_cache_policy()
    {
        var seen = RunUnchecked(1, Places + "setp.lt.u32 %q0, %lane, 9; mov.b64 %d5, 0;\n"
            + "@%q0 cp.async.cg.shared.global.L2::cache_hint.L2::256B [%r0], [%d0], 16, %d5;\ncp.async.wait_all;\n" + See(0));
        Assert.Equal(Enumerable.Range(0, 128).Select(i => i / 4 < 9 ? Source[i] : 0), seen);
    }

    [Fact]
    public void The_source_is_read_when_the_copy_begins()
    {
        var seen = Run(1, Places + "cp.async.cg.shared.global [%r0], [%d0], 16;\nmov.b32 %r2, -1; st.global.b32 [%d0], %r2;\ncp.async.wait_all;\n" + See(0));
        Assert.Equal(Source[..128], seen);
    }

    [Theory]
    [InlineData("[%r0+8], [%d0], 16", 0, CudaResult.MisalignedAddress, "shared address 0x8 is not a multiple of 16")]
    [InlineData("[%r0], [%d0+8], 16", 0, CudaResult.MisalignedAddress, "is not a multiple of 16")]
    [InlineData("[%r0], [%d0+4], 16, 4", 0, CudaResult.MisalignedAddress, "is not a multiple of 16")]
    [InlineData("[%r0+3600], [%d0], 16", 31, CudaResult.IllegalAddress, "beyond the 4096 bytes of shared memory")]
    [InlineData("[%r0], [%d0+7696], 16", 31, CudaResult.IllegalAddress, "they lie 0 bytes past the end of allocation")]
    [InlineData("[%r0], [%d0+7696], 16, 4", 31, CudaResult.IllegalAddress, "they lie 0 bytes past the end of allocation")]
    public void Addresses_out_of_place_are_faults(string operands, int lane, CudaResult result, string report)
    {
        var fault = Assert.Throws<DeviceFaultException>(() => Run(1, Places + $"cp.async.cg.shared.global {operands};\n"));
        Assert.Contains(report, fault.Message, StringComparison.Ordinal);
        Assert.Contains($"thread ({lane},0,0)", fault.Message, StringComparison.Ordinal);
        Assert.Equal(result, fault.Result);
    }

    [Theory]
    [InlineData(75, "cp.async.ca.shared.global [%r0], [%d0], 16", "sm_80")]
    [InlineData(75, "cp.async.commit_group", "sm_80")]
    [InlineData(80, "cp.async.cg.shared.global [%r0], [%d0], 8", "not 8")]
    [InlineData(80, "cp.async.ca.shared.global [%r0], [%d0], 12", "not 12")]
    [InlineData(80, "cp.async.ca.global.shared.wrong [%r0], [%d0], 4", "'.wrong'")]
    [InlineData(80, "cp.async.wait_group %r0", "integer constant")]
    [InlineData(90, "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r0], [%d0], 64, [%r1]", "not emulated")]
    public void What_the_device_or_the_emulator_lacks_fails_the_load(int target, string instruction, string reason)
    {
        var error = Assert.Throws<PtxException>(() => PtxKernel.Run(32, PtxKernel.Text(instruction + ";", 0, target)));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    private static uint[] Source
    {
        get
        {
            Random random = new(5);
            return [.. Enumerable.Range(0, 2048).Select(_ => (uint)random.NextInt64(1, 1L << 32))];
        }
    }

    // What 32 lanes saw at each of a number of places: 128 words each.
    private static uint[] Run(int places, string lines, CheckSet checks = CheckSet.All)
    {
        var seen = new uint[128 * places];
        PtxKernel.Run(checks, 32, PtxKernel.Text(lines, 2), Source, seen);
        return seen;
    }

    // For lanes that look at bytes too early, to find that they are not there.
    private static uint[] RunUnchecked(int places, string lines) => Run(places, lines, CheckSet.Default);
}
