using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>A kernel that never ends is ended.</summary>
public sealed class LaunchLimitTests
{
    private const string Barrier = "setp.eq.u32 %p0, %r1, 0; @%p0 mbarrier.init.shared.b64 [buffer], 100; bar.sync 0;\n";

    [Theory]
    [InlineData("AGAIN: bra AGAIN;", "bra")]
    [InlineData("AGAIN: ld.volatile.global.u32 %r5, [%rd0]; setp.ne.u32 %p0, %r5, 77; @%p0 bra AGAIN;", "bra")]
    [InlineData("AGAIN: bar.sync 0; bra AGAIN;", "bra")]
    [InlineData("setp.lt.u32 %p0, %r1, 32; AGAIN: @%p0 bra AGAIN; bar.sync 0;", "bra")]
    [InlineData(Barrier + "AGAIN: mbarrier.test_wait.parity.shared.b64 %p1, [buffer], 0; @!%p1 bra AGAIN;", "mbarrier.test_wait.parity.shared.b64")]
    [InlineData("OUTER: mov.u32 %r5, 0; INNER: add.u32 %r5, %r5, 1; setp.lt.u32 %p0, %r5, 100; @%p0 bra INNER; bra OUTER;", "bra")]
    public void A_loop_without_end_is_a_timeout(string lines, string instruction)
    {
        using Kernel kernel = new(lines);
        var fault = Assert.Throws<DeviceFaultException>(() => kernel.Run(new uint[128], 2, 64, limit: 1_000_000));
        Assert.Equal(CudaResult.LaunchTimeout, fault.Result);
        Assert.Contains("kernel kernel, PTX line ", fault.Message, StringComparison.Ordinal);
        Assert.Contains($"({instruction})", fault.Message, StringComparison.Ordinal);
        Assert.Contains("more than 1000000 warp-instructions", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_ends_in_time_is_not_disturbed()
    {
        // 2 warps; 3 instructions, and the label where lanes may join, 100,000 times each.
        using Kernel kernel = new("mov.u32 %r5, 0; AGAIN: add.u32 %r5, %r5, 1; setp.lt.u32 %p0, %r5, 100000; @%p0 bra AGAIN; st.global.u32 [%rd1], %r5;");
        Assert.All(kernel.Run(new uint[64], 1, 64, limit: 1_000_000), x => Assert.Equal(100_000u, x));
        Assert.Throws<DeviceFaultException>(() => kernel.Run(new uint[64], 1, 64, limit: 400_000));
    }

    [Theory]
    [InlineData(null, LaunchOptions.DefaultLimit)]
    [InlineData(" ", LaunchOptions.DefaultLimit)]
    [InlineData("12345", 12345)]
    public void The_limit_is_a_number(string? text, long expected) => Assert.Equal(expected, LaunchBudget.Parse(text));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("many")]
    public void What_is_no_number_of_instructions_is_refused(string text) => Assert.Throws<ArgumentException>(() => LaunchBudget.Parse(text));
}
