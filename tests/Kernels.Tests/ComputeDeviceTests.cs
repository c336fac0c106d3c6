using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

/// <summary>Devices by name.</summary>
public class ComputeDeviceTests
{
    [Theory]
    [InlineData("auto", "auto")]
    [InlineData("cpu", "cpu")]
    [InlineData("cuda", "cuda")]
    [InlineData("cuda:0", "cuda")]
    [InlineData("cuda:12", "cuda:12")]
    [InlineData("emulated", "emulated")]
    [InlineData("cuda:H100", "cuda:H100")]
    [InlineData("emulated:T4", "emulated:T4")]
    public void A_name_is_read_and_written(string name, string written)
    {
        Assert.Equal(written, ComputeDevice.Parse(name).ToString());
        Assert.Equal(ComputeDevice.Parse(written), ComputeDevice.Parse(name));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("CPU")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:1:2")]
    [InlineData("cpu:1")]
    [InlineData("cuda:99999999999")]
    public void Anything_else_is_refused(string? name)
    {
        Assert.False(ComputeDevice.TryParse(name, out _));
        Assert.Throws<FormatException>(() => ComputeDevice.Parse(name!));
    }

    [Fact]
    public void Names_and_members_are_the_same_devices()
    {
        Assert.Equal([ComputeDevice.Auto, ComputeDevice.Cpu, ComputeDevice.Cuda(), ComputeDevice.Emulated], ComputeDevice.Names.Select(ComputeDevice.Parse));
        Assert.NotEqual(ComputeDevice.Cuda(0), ComputeDevice.Cuda(1));
    }

    [Fact]
    public void The_CPU_computes_in_float32_only()
    {
        using IKernels kernels = ComputeDevice.Cpu.CreateKernels(ComputeType.Float32, threads: 2);
        Assert.Equal(2, Assert.IsType<CpuKernels>(kernels).Threads);

        List<string> warnings = [];
        using IKernels other = ComputeDevice.Cpu.CreateKernels(ComputeType.BFloat16, warn: warnings.Add);
        Assert.Equal(["bfloat16 is for GPUs: the CPU computes in float32, with weights as they are stored."], warnings);
    }

    [Theory]
    [InlineData(ComputeType.Int8, null)]
    [InlineData(ComputeType.Int8Float32, null)]
    [InlineData(ComputeType.Int8Float16, "int8_float16 is for GPUs: the CPU computes in float32, with weights in int8.")]
    public void The_CPU_takes_weights_in_int8(ComputeType type, string? warning)
    {
        List<string> warnings = [];
        using IKernels kernels = ComputeDevice.Cpu.CreateKernels(type, threads: 1, warnings.Add);
        Assert.True(kernels.HasInt8Weights);
        Assert.EndsWith("-bit vectors, int8 weights)", kernels.DeviceDescription, StringComparison.Ordinal);
        Assert.Equal(warning is null ? [] : [warning], warnings);
    }
}
