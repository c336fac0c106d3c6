using Handwritten.Kernels.Gpu.Compilation;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

public sealed class DependentLaunchTests
{
    private const string Head = """
        .version 7.8
        .target sm_80

        .visible .entry Kernel_k(
            .param .align 8 .b8 _x_1[16]
        )
        .maxntid 128, 1, 1
        {

            .shared .align 4 .b8 __shared_alloca0[64];

            .reg .b32	%r<7>;


        """;

    private const string Body = """
            mov.b32	%r1, %tid.x;
            ret;
        }

        """;

    private const string Begin = "\tgriddepcontrol.launch_dependents;\n", Wait = "\tgriddepcontrol.wait;\n";

    [Theory]
    [InlineData(75, "")]
    [InlineData(89, "")]
    [InlineData(90, Begin + Wait)]
    public void A_kernel_waits_at_its_entry_from_sm_90_on(int target, string entry) => Assert.Equal(Head + entry + Body, DependentLaunch.Write(Head + Body, target));

    [Fact]
    public void A_kernel_that_says_where_it_waits_waits_there()
    {
        const string own = "\tld.global.b32\t%r2, [%rd1];\n\tgriddepcontrol.wait;\n";
        Assert.Equal(Head + Begin + own + Body, DependentLaunch.Write(Head + own + Body, 90));
        Assert.DoesNotContain("griddepcontrol", DependentLaunch.Write(Head + own + Body, 80), StringComparison.Ordinal);
    }
}
