using Handwritten.Kernels.Gpu;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Device;

[Collection(nameof(GpuTests))]
public sealed unsafe class HostCopiesTests(GpuFixture gpu)
{
    private const int MoreThanTwoBlocks = (9 << 20) / 2; // of halves; three of float32

    /// <summary>Loads a tensor and wipes its source at once, as a file whose pages go.</summary>
    private static Tensor Load<T>(IKernels kernels, T[] values, DType type, int[] shape, Func<IKernels, HostTensor, Tensor> load)
        where T : unmanaged
    {
        fixed (T* first = values)
        {
            HostTensor tensor = new("w", type, shape, (byte*)first);
            Tensor result = load(kernels, tensor);
            Array.Clear(values);
            return result;
        }
    }

    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Weights_of_every_stored_type_arrive_in_the_compute_type(string device, ComputeType type)
    {
        IKernels kernels = gpu.Open(device, type);
        float[] values = [.. Make.Values(1, 3 * 64).Select(value => (float)(Half)value)];
        float[] expected = [.. values.Select(value => type == ComputeType.BFloat16 ? Brain(value) : value)];
        using Tensor fromHalf = Load(kernels, (Half[])[.. values.Select(value => (Half)value)], DType.F16, [3, 64], (k, t) => k.LoadMatrix(t));
        using Tensor fromSingle = Load(kernels, (float[])values.Clone(), DType.F32, [3, 64], (k, t) => k.LoadMatrix(t));
        using Tensor fromDouble = Load(kernels, (double[])[.. values], DType.F64, [3, 64], (k, t) => k.LoadMatrix(t));
        Assert.All((Tensor[])[fromHalf, fromSingle, fromDouble], tensor => Assert.Equal(expected, Make.Read(kernels, tensor, expected.Length)));
    }

    [Theory]
    [InlineData(ComputeType.Float16)]
    [InlineData(ComputeType.Float32)]
    public void A_tensor_of_several_blocks_arrives_whole(ComputeType type)
    {
        IKernels kernels = gpu.Open(EmulatedDriver.Devices[0], type);
        Half[] values = [.. Enumerable.Range(0, MoreThanTwoBlocks).Select(i => (Half)(i % 2039))];
        float[] expected = [.. values.Select(value => (float)value)];
        using Tensor loaded = Load(kernels, values, DType.F16, [MoreThanTwoBlocks / 64, 64], (k, t) => k.LoadMatrix(t));
        Assert.Equal(expected, Make.Read(kernels, loaded, expected.Length));
        using Tensor written = kernels.Allocate(MoreThanTwoBlocks);
        kernels.Write(expected, written);
        Assert.Equal(expected, Make.Read(kernels, written, expected.Length));
    }

    [Fact]
    public void A_convolution_is_turned_across_blocks()
    {
        const int outputs = 700, channels = 1280, taps = 3; // 10.7 MB of float32
        IKernels kernels = gpu.Open(EmulatedDriver.Devices[0], ComputeType.Float32);
        float[] values = [.. Enumerable.Range(0, outputs * channels * taps).Select(i => (float)i)];
        float[] expected = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            (int output, int channel, int tap) = (i / (channels * taps), i / taps % channels, i % taps);
            expected[(((output * taps) + tap) * channels) + channel] = values[i];
        }

        using Tensor loaded = Load(kernels, values, DType.F32, [outputs, channels, taps], (k, t) => k.LoadConvolution(t));
        Assert.Equal(expected, Make.Read(kernels, loaded, expected.Length));
    }

    private static float Brain(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }
}
