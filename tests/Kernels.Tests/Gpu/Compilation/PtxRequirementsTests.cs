using Handwritten.Kernels.Gpu.Compilation;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

public sealed class PtxRequirementsTests
{
    private static string Module(string version, string target, string threads, string instruction) =>
        $"//\n.version {version}\n.target {target}\n.address_size 64\n\n.visible .entry K(\n)\n{threads}\n{{\n\t{instruction}\n}}\n";

    [Theory]
    [InlineData("7.8", 90, "add.s32 %r1, %r1, 1;", "7.8", "sm_90")]
    [InlineData("6.5", 80, "cp.async.cg.shared.global [%r1], [%rd1], 16;", "7.0", "sm_80")]
    [InlineData("7.8", 90, "cp.async.bulk.commit_group;", "8.0", "sm_90")]
    [InlineData("7.8", 90, "@%p1 wgmma.fence.sync.aligned;", "8.0", "sm_90a")]
    [InlineData("8.8", 90, "wgmma.fence.sync.aligned;", "8.8", "sm_90a")]
    public void Version_and_target_are_what_the_instructions_need(string version, int target, string instruction, string neededVersion, string neededTarget) =>
        Assert.Equal(Module(neededVersion, neededTarget, ".maxntid 128, 1, 1", instruction), PtxRequirements.Write(Module(version, "sm_80", ".maxntid 128, 1, 1", instruction), target));

    [Theory]
    [InlineData(75, "cp.async.commit_group;", "cp.async.commit_group is an instruction of sm_80; the kernel is compiled for sm_75.")]
    [InlineData(86, "wgmma.fence.sync.aligned;", "wgmma.fence.sync.aligned is an instruction of sm_90a; the kernel is compiled for sm_86.")]
    public void An_instruction_that_the_target_does_not_have_is_refused(int target, string instruction, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => PtxRequirements.Write(Module("7.8", "sm_80", "", instruction), target)).Message);

    [Fact]
    public void Registers_are_capped_where_the_threads_are_named()
    {
        string text = Module("7.8", "sm_80", ".maxntid 128, 1, 1", "ret;");
        Assert.Equal(text.Replace("128, 1, 1", "128, 1, 1\n.maxnreg 168", StringComparison.Ordinal), PtxRequirements.Write(text, 80, 168));
    }

    [Fact]
    public void The_version_is_read_back() => Assert.Equal(78, PtxRequirements.Version(Module("7.8", "sm_80", "", "ret;")));
}
