using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Compilation;
using Handwritten.Tests;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Device;

[Collection(nameof(GpuTests))]
public sealed class GpuDeviceTests
{
    private static readonly GpuDescription[] Some = [new(0, "NVIDIA H200", 90, 132, 1), new(1, "Tesla T4", 75, 40, 1), new(2, "Tesla P4", 61, 20, 1)];

    [EmulatedFact]
    public void Devices_are_listed()
    {
        Assert.Equal(EmulatedDriver.Devices.Count, GpuDevice.List().Count);
        Assert.Equal([90, 75, 80], GpuDevice.List().Select(device => device.ComputeCapability));
        Assert.All(GpuDevice.List(), device => Assert.InRange(device.FreeBytes(), 1L << 30, device.MemoryBytes));
        Assert.StartsWith("Emulated NVIDIA T4, compute capability 7.5, 40 multiprocessors, ", GpuDevice.List()[1].ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 1)]
    [InlineData("t4", 1)]
    [InlineData("Tesla", 1)]
    [InlineData("P4", 2)]
    public void A_device_is_found_by_number_or_name(string choice, int index) => Assert.Equal(index, GpuDescription.Find(Some, choice).Index);

    [Fact]
    public void A_device_that_is_not_there_is_answered_with_those_that_are()
    {
        Assert.Equal("There is no CUDA device 'A100'; there is 0 (NVIDIA H200), 1 (Tesla T4), 2 (Tesla P4).", Assert.Throws<GpuException>(() => GpuDescription.Find(Some, "A100")).Message);
        Assert.Equal("There is no CUDA device on this machine: choose --device cpu.", Assert.Throws<GpuException>(() => GpuDescription.Find([], "0")).Message);
        Assert.StartsWith("There is no CUDA device 99: ", Assert.Throws<GpuException>(() => new GpuDevice(99)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_is_too_old_is_refused()
    {
        Some[1].RequireUsable();
        Assert.Equal("Tesla P4 is too old: it has compute capability 6.1, and 7.5 is the least (GeForce RTX 20, T4). Choose --device cpu.", Assert.Throws<GpuException>(Some[2].RequireUsable).Message);
    }

    private static void OutOfBounds(ArrayView<int> x) => x[1 << 28] = 1;

    [EmulatedFact]
    public void A_device_that_fails_in_mid_run_says_so_and_another_can_be_opened()
    {
        using (GpuDevice device = GpuFixture.NewDevice())
        {
            using GpuTensor x = new(device, DType.F32, [64]);
            device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<int>>>(OutOfBounds, 32)(device.Stream, (1, 1), x.Vectors.Cast<int>());
            GpuException failure = Assert.Throws<GpuException>(device.Synchronize);
            Assert.True(failure.IsDeviceLost);
            Assert.StartsWith("The GPU failed in mid-run (CUDA_ERROR_ILLEGAL_ADDRESS, seen by cuStreamSynchronize): all that it held is lost, so the engine must be opened again.", failure.Message, StringComparison.Ordinal);
            Assert.True(Assert.Throws<GpuException>(() => new GpuTensor(device, DType.F32, [64])).IsDeviceLost);
        }

        using GpuDevice other = GpuFixture.NewDevice();
        using GpuTensor fine = new(other, DType.F32, [64]);
        other.Synchronize();
    }

    private static void Doubled(ArrayView<int> x) => x[Group.IdxX] *= 2;

    [Fact]
    public void A_launch_that_is_refused_names_the_kernel()
    {
        // More threads than the kernel was compiled for.
        using GpuDevice device = GpuFixture.NewDevice();
        using GpuTensor x = new(device, DType.F32, [64]);
        var launch = device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<int>>>(Doubled, 32);
        GpuException failure = Assert.Throws<GpuException>(() => launch(device.Stream, (1, 64), x.Vectors.Cast<int>()));
        Assert.Contains("GpuDeviceTests.Doubled", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.IsDeviceLost);
    }

    private static void Shared(ArrayView<int> x)
    {
        ArrayView<int> shared = SharedMemory.GetDynamic<int>();
        shared[(int)shared.Length - 1] = 7;
        x[0] = shared[(int)shared.Length - 1] + (int)shared.Length;
    }

    [Fact]
    public void A_block_may_have_more_shared_memory_than_the_usual()
    {
        const int bytes = 60 * 1024;
        using GpuDevice device = GpuFixture.NewDevice();
        using IKernels kernels = GpuKernels.Create(device, ComputeType.Float32);
        using Tensor x = kernels.AllocateSingle(64);
        var launch = device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<int>>>(Shared, 32, dynamicSharedBytes: bytes);
        launch(device.Stream, new KernelConfig(1, 1, SharedMemoryConfig.RequestDynamic<int>(bytes / 4)), ((GpuTensor)x).Vectors.Cast<int>());
        Assert.Equal((bytes / 4) + 7, BitConverter.SingleToInt32Bits(Make.Read(kernels, x, 1)[0]));
        GpuException failure = Assert.Throws<GpuException>(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<int>>>(Shared, 32, dynamicSharedBytes: 1 << 20));
        Assert.StartsWith("GpuDeviceTests.Shared takes 1048576 bytes of shared memory, ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_start_compiles_nothing()
    {
        string folder = Directory.CreateTempSubdirectory("kernels-").FullName;
        try
        {
            Assert.Equal((1, 14), Run());
            Assert.Equal((0, 14), Run());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        (int Compiled, int Result) Run()
        {
            using GpuDevice device = new(0, folder, message => Assert.Fail(message));
            using IKernels kernels = GpuKernels.Create(device, ComputeType.Float32);
            using Tensor x = kernels.AllocateSingle(64);
            kernels.Write([BitConverter.Int32BitsToSingle(7)], x);
            device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<int>>>(Doubled, 32)(device.Stream, (1, 1), ((GpuTensor)x).Vectors.Cast<int>());
            return (((CudaKernelLoader)device.Kernels).CompiledCount, BitConverter.SingleToInt32Bits(Make.Read(kernels, x, 1)[0]));
        }
    }
}

/// <summary>A test of what only the emulated driver shows: a real GPU that fails may take more with it.</summary>
public sealed class EmulatedFactAttribute : FactAttribute
{
    public EmulatedFactAttribute() => Skip = EmulatedDriver.IsReal ? "It needs the emulated driver." : null;
}
