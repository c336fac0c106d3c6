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
        foreach ((int rows, int width) in new[] { (17, 192), (1, 8), (3, 384), (1, 1280), (700, 64), (301, 520), (269, 1280) })
        {
            AssertNormalised(gpu.Open(device, type), type, Make.Values(1, rows, width), rows, width);
        }
    }

    [Fact]
    public void Values_far_from_zero_lose_no_digits()
    {
        // The mean of the squares less the square of the mean would be off by some 10 %.
        float[] values = Array.ConvertAll(Make.Values(1, 5, 768), value => 1000 + value);
        IKernels kernels = gpu.Open("h200", ComputeType.Float32);
        float[] actual = Normalise(kernels, values, Ones(768), new float[768], 5, 768);
        Assert.InRange(Reference.Distance(Reference.LayerNorm(Reference.Double(values), Ones(768), new float[768], 5, 768), actual), 0, 3e-4);
    }

    [Fact]
    public void A_row_is_the_same_alone_and_among_many()
    {
        const int rows = 601, width = 384;
        IKernels kernels = gpu.Open("h200", ComputeType.Float32);
        float[] values = Make.Values(1, rows, width), gain = Make.Values(2, width), bias = Make.Values(3, width);
        float[] together = Normalise(kernels, values, gain, bias, rows, width);
        foreach (int row in new[] { 0, 7, 300, 600 })
        {
            Assert.Equal(together[(row * width)..((row + 1) * width)], Normalise(kernels, values[(row * width)..((row + 1) * width)], gain, bias, 1, width));
        }
    }

    [Fact]
    public void Rows_wider_than_any_block_are_refused()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => Normalise(gpu.Open("h200", ComputeType.Float32), new float[4104], Ones(4104), Ones(4104), 1, 4104));
        Assert.Contains("4096 at most, but got 4104", exception.Message, StringComparison.Ordinal);
    }

    private static float[] Ones(int count) => [.. Enumerable.Repeat(1f, count)];

    private static void AssertNormalised(IKernels kernels, ComputeType type, float[] values, int rows, int width)
    {
        float[] gain = Make.Values(2, width), bias = Make.Values(3, width);
        double[] expected = Reference.LayerNorm(Reference.Double(values), gain, bias, rows, width);
        Assert.InRange(Reference.Distance(expected, Normalise(kernels, values, gain, bias, rows, width)), 0, Tolerance.Of(type, expected));
    }

    private static float[] Normalise(IKernels kernels, float[] values, float[] gain, float[] bias, int rows, int width)
    {
        using Tensor x = kernels.AllocateSingle(rows, width), y = kernels.Allocate(rows, width);
        kernels.Write(values, x);
        using Norm norm = new(Make.Table(kernels, gain, width), Make.Table(kernels, bias, width));
        kernels.LayerNorm(rows, x, norm, y);
        return Make.Read(kernels, y, rows * width);
    }
}

/// <summary>What rounding to a compute type may cost.</summary>
internal static class Tolerance
{
    /// <summary>Absolute, for results of the size of <paramref name="expected"/>'s largest.</summary>
    public static double Of(ComputeType type, double[] expected) => expected.Max(Math.Abs) * type.Activations() switch
    {
        ComputeType.Float16 => 1.0 / 1024,
        ComputeType.BFloat16 => 1.0 / 128,
        _ => 2e-6,
    };
}
