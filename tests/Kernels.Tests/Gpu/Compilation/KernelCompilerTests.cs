using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Compilation;
using ILGPU;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

public sealed class KernelCompilerTests
{
    private static KernelRequest Request(Delegate kernel, int maximumRegisters = 0) => new(kernel.Method, 32, 0, maximumRegisters, 0);

    private static void Broken(ArrayView<float> x) => x[0] = Enumerable.Range(0, (int)x.Length).Sum(i => i);

    private static void Good(ArrayView<float> x) => x[Grid.GlobalIndex.X] *= 2;

    [Fact]
    public void Inline_ptx_leaves_nothing_in_local_memory()
    {
        using KernelCompiler compiler = new(KernelTarget.For(80));
        string ptx = compiler.Compile(Request(TensorCoreTile.Kernel)).Ptx;
        Assert.DoesNotContain(".local", ptx, StringComparison.Ordinal);
        Assert.DoesNotContain("__local_depot", ptx, StringComparison.Ordinal);
        Assert.Contains("ld.global", ptx, StringComparison.Ordinal); // ILGPU knows what views point to
    }

    [PtxasFact]
    public void Registers_in_place_of_depots_leave_no_stack()
    {
        using KernelCompiler compiler = new(KernelTarget.For(80));
        MachineCode code = MachineCode.Of(compiler.Compile(Request(TensorCoreTile.Kernel)).Ptx, 80);
        Assert.Equal((0, 0, 4), (code.StackBytes, code.SpillBytes, code.Count("HMMA")));
        Assert.Equal((0, 0, 12, 16), (code.Count("LDL"), code.Count("STL"), code.Count("LDG"), code.Count("STG")));
    }

    [PtxasFact]
    public void Registers_are_capped()
    {
        using KernelCompiler compiler = new(KernelTarget.For(80));
        int free = MachineCode.Of(compiler.Compile(Request(TensorCoreTile.Kernel)).Ptx, 80).Registers;
        Assert.InRange(free, 33, 255);
        Assert.InRange(MachineCode.Of(compiler.Compile(Request(TensorCoreTile.Kernel, 32)).Ptx, 80).Registers, 1, 32);
    }

    [Fact]
    public void A_kernel_that_cannot_be_compiled_is_named_and_spoils_nothing_else()
    {
        using KernelCompiler compiler = new(KernelTarget.For(80));
        GpuException failure = Assert.Throws<GpuException>(() => compiler.Compile(Request(Broken)));
        Assert.StartsWith("The kernel KernelCompilerTests.Broken cannot be compiled for sm_80 PTX 7.8: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("x", compiler.Compile(Request(Good)).Ptx, StringComparison.Ordinal);
    }

    [Fact]
    public void An_instruction_that_the_architecture_does_not_have_is_named_with_the_kernel()
    {
        using KernelCompiler compiler = new(KernelTarget.For(75));
        GpuException failure = Assert.Throws<GpuException>(() => compiler.Compile(Request(TensorCoreTile.Kernel)));
        Assert.StartsWith("The kernel TensorCoreTile.Kernel cannot be compiled for sm_75 PTX 7.8: mma.sync.aligned.m16n8k16.", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(75, 75)]
    [InlineData(80, 80)]
    [InlineData(87, 86)]
    [InlineData(89, 89)]
    [InlineData(90, 90)]
    [InlineData(120, 90)]
    public void Kernels_are_compiled_for_the_newest_architecture_that_the_device_has(int device, int target) =>
        Assert.Equal(target, KernelTarget.For(device).Architecture);

    [Theory]
    [InlineData(88, 78)]
    [InlineData(70, 70)]
    public void Kernels_are_written_in_no_newer_ptx_than_the_driver_reads(int driver, int version) =>
        Assert.Equal(version, KernelTarget.For(80, driver).PtxVersion);
}
