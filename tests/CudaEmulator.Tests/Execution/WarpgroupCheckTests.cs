using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>
/// The rules of wgmma: each is broken once, and found; and the same kernel that keeps it runs in silence. A factor of 64 rows
/// of 32 bytes and one of 8 are copied to shared memory and multiplied, as the descriptors %d1 and %d2 say.
/// </summary>
public class WarpgroupCheckTests
{
    private const int FactorBytes = 64 * 32, SharedBytes = FactorBytes + 8 * 32;

    private const string Product = "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%sum0, %sum1, %sum2, %sum3}, %d1, %d2, %q1, 1, 1, 0, 0;\n";
    private const string Fence = "wgmma.fence.sync.aligned;\n";
    private const string Commit = "wgmma.commit_group.sync.aligned;\n";
    private const string Wait = "wgmma.wait_group.sync.aligned 0;\n";
    private const string Proxy = "fence.proxy.async;\n";
    private const string Barrier = "bar.sync 0;\n";
    private const string Use = "add.f32 %sum0, %sum0, 0f3f800000;\n";

    // Each thread writes 16 bytes of the first factor, and some of them of the second.
    private const string Write = "st.shared.v4.b32 [%r1], {0, 0, 0, 0}; @%q0 st.shared.v4.b32 [%r2], {0, 0, 0, 0};\n";
    private const string Copy = "cp.async.cg.shared.global [%r1], [%d3], 16; @%q0 cp.async.cg.shared.global [%r2], [%d3], 16; cp.async.commit_group;\n";
    private const string WaitForCopy = "cp.async.wait_group 0;\n";

    /// <summary>What is missing is between bars.</summary>
    public static TheoryData<string, string, string> Rules => new()
    {
        { "the async proxy sees no write that is not fenced", Write + $"|{Proxy}|" + Barrier + Fence + Product + Commit + Wait, "fence.proxy.async has to come between" },
        { "nor one that is fenced on the other side of the barrier", Write + Barrier + $"|{Proxy}|" + Fence + Product + Commit + Wait, "fence.proxy.async has to come between" },
        { "nor a copy", Copy + WaitForCopy + $"|{Proxy}|" + Barrier + Fence + Product + Commit + Wait, "fence.proxy.async has to come between" },
        { "other warps' writes are waited for", Write + Proxy + $"|{Barrier}|" + Fence + Product + Commit + Wait, "a race: thread" },
        { "copies are waited for", Copy + $"|{WaitForCopy}|" + Proxy + Barrier + Fence + Product + Commit + Wait, "a race with a copy" },
        { "a fence is in front of the first product", Write + Proxy + Barrier + $"|{Fence}|" + Product + Commit + Wait, "wgmma.fence has to come first" },
        { "and behind another use of the sums", Write + Proxy + Barrier + Fence + Product + Commit + Wait + Use + $"|{Fence}|" + Product + Commit + Wait, "wgmma.fence has to come first" },
        { "sums are waited for", Write + Proxy + Barrier + Fence + Product + Commit + $"|{Wait}|" + Use, "is used, and it has not been waited for" },
        { "and what is in no group is not", Write + Proxy + Barrier + Fence + Product + $"|{Commit}|" + Wait + Use, "is used, and it has not been waited for" },
        { "factors stay until they are read", Write + Proxy + Barrier + Fence + Product + Commit + $"|{Wait + Barrier}|" + Write, "a race with a product" },
        { "also by the other warps", Write + Proxy + Barrier + Fence + Product + Commit + Wait + $"|{Barrier}|" + Write, "a race" },
        { "copies write as well", Write + Proxy + Barrier + Fence + Product + Commit + $"|{Wait + Barrier}|" + Copy, "a race with a product" },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_that_is_broken_is_found_and_one_that_is_kept_is_not(string rule, string lines, string report)
    {
        Run(lines.Replace("|", "", StringComparison.Ordinal));
        var parts = lines.Split('|');
        var fault = Assert.Throws<DeviceFaultException>(() => Run(parts[0] + parts[2]));
        Assert.Equal(CudaResult.LaunchFailed, fault.Result);
        Assert.True(fault.Message.Contains(report, StringComparison.Ordinal), $"{rule}: {fault.Message}");
    }

    /// <summary>What stands between bars is one too much, or wrong.</summary>
    public static TheoryData<string, string, string> Mistakes => new()
    {
        { "a fence in front of the wait does not cover the copy", Copy + $"|{Proxy}|" + WaitForCopy + Barrier + Fence + Product + Commit + Wait, "fence.proxy.async has to come between" },
        { "a group is left", Write + Proxy + Barrier + Fence + Product + Commit + "|wgmma.wait_group.sync.aligned 1;|" + Use, "is used, and it has not been waited for" },
        { "the warps go different ways", Write + Proxy + Barrier + Fence + "|setp.lt.u32 %q2, %thread, 32; @%q2 |" + Product + Commit + Wait, "the same wgmma instructions" },
        { "the warps mean different matrices", Write + Proxy + Barrier + Fence + "|setp.lt.u32 %q2, %thread, 32; @%q2 add.u64 %d1, %d1, 2;|" + Product + Commit + Wait, "different descriptors" },
        { "the lanes mean different matrices", Write + Proxy + Barrier + Fence + "|setp.lt.u32 %q2, %lane, 3; @%q2 add.u64 %d1, %d1, 2;|" + Product + Commit + Wait, "different descriptors" },
        { "the lanes disagree", Write + Proxy + Barrier + Fence + "|setp.lt.u32 %q1, %lane, 3;|" + Product + Commit + Wait, "disagree" },
        { "nothing is there", Write + Proxy + Barrier + Fence + "|add.u64 %d2, %d2, 16;|" + Product + Commit + Wait, "beyond the" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_found(string mistake, string lines, string report)
    {
        var fault = Assert.Throws<DeviceFaultException>(() => Run(lines.Replace("|", "", StringComparison.Ordinal)));
        Assert.True(fault.Message.Contains(report, StringComparison.Ordinal), $"{mistake}: {fault.Message}");
    }

    [Fact]
    public void Factors_must_have_been_written() =>
        Assert.Contains("nothing in the block has written", Assert.Throws<DeviceFaultException>(() => Run(Fence + Product + Commit + Wait)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_block_has_whole_warpgroups() => Assert.Contains(
        "needs the 4 warps of a warpgroup", Assert.Throws<DeviceFaultException>(() => Run(Write + Proxy + Barrier + Fence + Product + Commit + Wait, 96)).Message, StringComparison.Ordinal);

    [Fact]
    public void Sums_of_one_shape_follow_each_other_without_a_fence() => Run(Write + Proxy + Barrier + Fence + Product + Product + Commit + Product + Commit + Wait + Use);

    [Fact]
    public void Sums_of_another_shape_do_not()
    {
        var other = Product.Replace("%sum1, %sum2", "%sum2, %sum1", StringComparison.Ordinal);
        Run(Write + Proxy + Barrier + Fence + Product + Fence + other + Commit + Wait);
        Assert.Contains("another shape", Assert.Throws<DeviceFaultException>(() => Run(Write + Proxy + Barrier + Fence + Product + other + Commit + Wait)).Message, StringComparison.Ordinal);
    }

    private static void Run(string lines, int threads = 128) => PtxKernel.Run(threads, WarpgroupMultiplyTests.Text(
        $"""
        .reg .f32 %sum<4>;
        mov.b64 %d3, %p0; shl.b32 %r3, %thread, 4; and.b32 %r3, %r3, {FactorBytes - 1}; add.u32 %r1, %s, %r3; add.u32 %r2, %r1, {FactorBytes};
        setp.lt.u32 %q0, %thread, 16; setp.eq.u32 %q1, 0, 0;
        mov.b64 %d1, 0x{Descriptor(0):x}; mov.b64 %d2, 0x{Descriptor(FactorBytes):x};
        mov.f32 %sum0, 0f00000000; mov.f32 %sum1, %sum0; mov.f32 %sum2, %sum0; mov.f32 %sum3, %sum0;
        {lines}
        """, 1, shared: SharedBytes), new uint[4]);

    // Swizzled by 32 bytes: 16 elements of k are a row.
    private static ulong Descriptor(int start) => (ulong)start / 16 | 1ul << 16 | 16ul << 32 | 3ul << 62;
}
