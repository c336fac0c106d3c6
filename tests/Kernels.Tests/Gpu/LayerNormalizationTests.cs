using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

[Collection(nameof(GpuTests))]
public sealed class LayerNormalizationTests(GpuFixture gpu)
{
    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Rows_are_normalised(string device, ComputeType type)
    {
        const int rows = 17, width = 192;
        IKernels kernels = gpu.Open(device, type);
        float[] values = Make.Values(1, rows, width), gain = Make.Values(2, width), bias = Make.Values(3, width);
        using Tensor x = kernels.AllocateSingle(rows, width), y = kernels.Allocate(rows, width);
        kernels.Write(values, x);
        using Norm norm = new(Make.Table(kernels, gain, width), Make.Table(kernels, bias, width));
        kernels.LayerNorm(rows, x, norm, y);

        double[] expected = Reference.LayerNorm(Reference.Double(values), gain, bias, rows, width);
        Assert.InRange(Reference.Distance(expected, Make.Read(kernels, y, rows * width)), 0, Tolerance.Of(type, expected));
    }
}

/// <summary>What rounding to a compute type may cost.</summary>
internal static class Tolerance
{
    /// <summary>Absolute, for results of the size of <paramref name="expected"/>'s largest.</summary>
    public static double Of(ComputeType type, double[] expected) => expected.Max(Math.Abs) * type switch
    {
        ComputeType.Float16 => 1.0 / 1024,
        ComputeType.BFloat16 => 1.0 / 128,
        _ => 2e-6,
    };
}
