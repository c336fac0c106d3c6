using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

[Collection(nameof(IlgpuTests))]
public sealed class DeviceTests(IlgpuFixture ilgpu)
{
    [Fact]
    public void Ilgpu_sees_an_h200()
    {
        CudaDevice device = ilgpu.Hopper.Device;
        Assert.Equal("Emulated NVIDIA H200", device.Name);
        Assert.Equal(new CudaArchitecture(9, 0), device.Architecture);
        Assert.Equal((132, 2048, 32), (device.NumMultiprocessors, device.MaxNumThreadsPerMultiprocessor, device.WarpSize));
        Assert.Equal((1024, 48 * 1024), (device.MaxNumThreadsPerGroup, device.MaxSharedMemoryPerGroup));
        Assert.Equal(new Index3D(int.MaxValue, 65535, 65535), device.MaxGridSize);
        Assert.Equal(new Index3D(1024, 1024, 64), device.MaxGroupSize);
        Assert.True(device.SupportsMappingHostMemory && device.SupportsUsingHostPointerForRegisteredMemory);
        Assert.True(device.InstructionSet >= CudaInstructionSet.ISA_87);
    }

    [Fact]
    public void Ilgpu_sees_a_t4()
    {
        Assert.Equal(new CudaArchitecture(7, 5), ilgpu.Turing.Device.Architecture);
        Assert.Equal((40, 1024), (ilgpu.Turing.Device.NumMultiprocessors, ilgpu.Turing.Device.MaxNumThreadsPerMultiprocessor));
    }

    [Fact]
    public void Memory_is_counted()
    {
        long before = ilgpu.Hopper.GetFreeMemory();
        using (ilgpu.Hopper.Allocate1D<float>(1 << 20))
            Assert.Equal(before - (4 << 20), ilgpu.Hopper.GetFreeMemory());
        Assert.Equal(before, ilgpu.Hopper.GetFreeMemory());
    }

    [Fact]
    public void Devices_do_not_reach_each_other() => Assert.False(ilgpu.Hopper.CanAccessPeer(ilgpu.Turing));

    private static void Square(Index1D i, ArrayView<int> x) => x[i] *= x[i];

    [Theory]
    [InlineData(0, "sm_90")]
    [InlineData(1, "sm_75")]
    [InlineData(2, "sm_80")]
    public void A_program_runs_on_every_device(int ordinal, string architecture)
    {
        using Context context = IlgpuFixture.CreateContext();
        using CudaAccelerator accelerator = context.CreateCudaAccelerator(ordinal);
        Assert.Equal(architecture, accelerator.Architecture.ToString(), ignoreCase: true);
        using MemoryBuffer1D<int, Stride1D.Dense> x = accelerator.Allocate1D(Enumerable.Range(0, 1000).ToArray());
        accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<int>>(Square)(1000, x.View);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => i * i), x.GetAsArray1D());
    }

    [Fact]
    public void Memory_types_are_told_apart()
    {
        using MemoryBuffer1D<int, Stride1D.Dense> device = ilgpu.Hopper.Allocate1D<int>(4);
        using PageLockedArray1D<int> host = ilgpu.Hopper.AllocatePageLocked1D<int>(4);
        Assert.Equal(CudaMemoryType.Device, CudaAccelerator.GetCudaMemoryType(device.NativePtr));
        Assert.Equal(CudaMemoryType.Host, CudaAccelerator.GetCudaMemoryType(host.ArrayView.LoadEffectiveAddressAsPtr()));
        Assert.Equal(CudaMemoryType.None, CudaAccelerator.GetCudaMemoryType(0x1234));
    }

    [Fact]
    public void Buffers_are_set_and_copied_in_part()
    {
        CudaAccelerator accelerator = ilgpu.Hopper;
        using MemoryBuffer1D<int, Stride1D.Dense> a = accelerator.Allocate1D(Enumerable.Range(0, 100).ToArray());
        using MemoryBuffer1D<int, Stride1D.Dense> b = accelerator.Allocate1D<int>(100);
        b.MemSet(0xff);
        a.View.SubView(10, 20).CopyTo(b.View.SubView(50, 20));
        Assert.Equal([.. Enumerable.Repeat(-1, 50), .. Enumerable.Range(10, 20), .. Enumerable.Repeat(-1, 30)], b.GetAsArray1D());
    }
}
