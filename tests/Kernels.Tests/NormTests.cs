using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

public class NormTests
{
    public static TheoryData<int> Widths => Make.Widths;

    [Theory]
    [MemberData(nameof(Widths))]
    public void Layer_norm_matches_the_definition_even_far_from_zero(int bits)
    {
        using CpuKernels kernels = new(2, bits);
        foreach ((int rows, int width, float offset) in new[] { (1, 384, 0f), (3, 5, 0f), (200, 512, 0f), (7, 1280, 100f), (4, 77, -1000f), (2, 1, 3f) })
        {
            float[] x = Array.ConvertAll(Make.Values(1, rows, width), v => v + offset), gain = Make.Values(2, width), bias = Make.Values(3, width);
            using Tensor input = Make.Device(kernels, x, rows, width), y = kernels.Allocate(rows, width);
            using Norm norm = new(Make.Table(kernels, gain, width), Make.Table(kernels, bias, width));
            kernels.LayerNorm(rows, input, norm, y);
            Assert.InRange(Reference.Distance(Reference.LayerNorm(Reference.Double(x), gain, bias, rows, width), Make.Read(kernels, y, rows * width)), 0, 2e-6);
        }
    }
}
