using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

/// <summary>What an ILGPU program is told when it goes wrong: CUDA's error, and in its text what happened where.</summary>
[Collection(nameof(IlgpuTests))]
public sealed class FaultTests(IlgpuFixture ilgpu)
{
    private static void WriteBehind(Index1D i, ArrayView<int> x, int offset) => x[i + offset] = 1;

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(100_000, true)]
    [InlineData(-101, true)]
    public void Accesses_out_of_bounds(int offset, bool fails)
    {
        // A context of its own, which after a fault is of no more use and cannot even be disposed of, as on a GPU.
        Context context = IlgpuFixture.CreateContext();
        CudaAccelerator accelerator = context.CreateCudaAccelerator(0);
        MemoryBuffer1D<int, Stride1D.Dense> x = accelerator.Allocate1D<int>(100);
        accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<int>, int>(WriteBehind)(100, x.View, offset);
        if (!fails)
        {
            Assert.All(x.GetAsArray1D(), value => Assert.Equal(1, value));
            context.Dispose();
            return;
        }
        string message = Assert.Throws<CudaException>(accelerator.Synchronize).Message;
        Assert.StartsWith("an illegal memory access was encountered: ", message, StringComparison.Ordinal);
        Assert.Contains(nameof(WriteBehind), message, StringComparison.Ordinal);
        Assert.Throws<CudaException>(() => accelerator.Allocate1D<int>(100));
        Assert.Throws<CudaException>(() => x.GetAsArray1D());
        Assert.Throws<CudaException>(x.Dispose);
        // What others have on the device goes on.
        Assert.Equal([1, 2, 3], ilgpu.Map<int, int>(Copy, [1, 2, 3]));
    }

    private static void Copy(Index1D i, ArrayView<int> x, ArrayView<int> y) => y[i] = x[i];

    private static void Nonsense(Index1D i, ArrayView<int> x)
    {
        CudaAsm.Emit("make.coffee.u32 %0, 1;", out int cup);
        x[i] = cup;
    }

    [Fact]
    public void Ptx_that_the_emulator_does_not_know()
    {
        // ILGPU cannot dispose of a kernel whose load failed, nor of its context: let both be.
        CudaAccelerator accelerator = IlgpuFixture.CreateContext().CreateCudaAccelerator(0);
        string message = Assert.Throws<CudaException>(() =>
            accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<int>>(Nonsense)).Message;
        Assert.StartsWith("a PTX JIT compilation failed: ptx, line ", message, StringComparison.Ordinal);
        Assert.Contains("make", message, StringComparison.Ordinal);
    }

    private static void AsyncCopies(Index1D i, ArrayView<int> x)
    {
        CudaAsm.Emit("cp.async.commit_group;");
        x[i] = i;
    }

    [Fact]
    public void Ptx_that_the_device_does_not_know()
    {
        _ = ilgpu.Hopper.LoadAutoGroupedStreamKernel<Index1D, ArrayView<int>>(AsyncCopies);
        CudaAccelerator turing = IlgpuFixture.CreateContext().CreateCudaAccelerator(1);
        string message = Assert.Throws<CudaException>(() =>
            turing.LoadAutoGroupedStreamKernel<Index1D, ArrayView<int>>(AsyncCopies)).Message;
        Assert.Contains("cp.async", message, StringComparison.Ordinal);
    }

    private static void Fill(ArrayView<int> x) => x[Grid.GlobalIndex.X] = 1;

    [Fact]
    public void Launches_beyond_the_limits()
    {
        using var x = ilgpu.Hopper.Allocate1D<int>(2048);
        var compiled = ilgpu.Hopper.Backend.Compile(
            ILGPU.Backends.EntryPoints.EntryPointDescription.FromExplicitlyGroupedKernel(((Action<ArrayView<int>>)Fill).Method),
            new KernelSpecialization(256, null));
        using var kernel = (CudaKernel)ilgpu.Hopper.LoadKernel(compiled);
        var launch = kernel.CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, ArrayView<int>>>();
        launch(ilgpu.Hopper.DefaultStream, (8, 256), x.View);
        Assert.All(x.GetAsArray1D(), value => Assert.Equal(1, value));
        Assert.Contains(".maxntid 256", Assert.Throws<CudaException>(() =>
            launch(ilgpu.Hopper.DefaultStream, (1, 257), x.View)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_memory_than_there_is()
    {
        Assert.StartsWith("out of memory: ", Assert.Throws<CudaException>(() =>
            ilgpu.Turing.Allocate1D<long>(1L << 40)).Message, StringComparison.Ordinal);
    }
}
