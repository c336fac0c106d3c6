using FsCheck.Xunit;
using Xunit;

namespace Handwritten.Kernels.Tests;

public sealed class Int8QuantizationTests
{
    [Fact]
    public void A_row_is_whole_multiples_of_its_scale()
    {
        sbyte[] codes = new sbyte[5];
        float scale = Int8Quantization.Quantize([1.27f, -1.27f, 0.5f, -0.0049f, 0], codes);
        Assert.Equal(0.01f, scale);
        Assert.Equal([127, -127, 50, 0, 0], codes);
    }

    /// <summary>As long as vectors need and longer; the largest weight of each is 127 or −127.</summary>
    [Property(MaxTest = 200)]
    public void No_weight_is_off_by_more_than_half_a_scale(ushort seed, ushort length, byte exponent)
    {
        float size = MathF.Pow(10, (exponent % 60) - 30);
        float[] row = [.. Make.Values(seed, 1 + (length % 700)).Select(value => value * size)];
        sbyte[] codes = new sbyte[row.Length];
        float scale = Int8Quantization.Quantize(row, codes);
        Assert.Equal(row.Max(Math.Abs) / 127, scale);
        Assert.Equal(127, codes.Max(code => Math.Abs((int)code)));
        Assert.All(row.Zip(codes), weight => Assert.InRange(Math.Abs(weight.First - ((double)weight.Second * scale)), 0, 0.50001 * scale));
    }

    /// <summary>Where one weight is a thousand times the others, these lose their digits, but nothing else happens.</summary>
    [Fact]
    public void An_outlier_costs_the_others_their_digits_and_no_more()
    {
        float[] row = Make.Values(1, 128);
        row[77] = -1000;
        sbyte[] codes = new sbyte[row.Length];
        float scale = Int8Quantization.Quantize(row, codes);
        Assert.Equal(1000f / 127, scale);
        Assert.Equal(-127, codes[77]);
        Assert.All(codes.Where((_, i) => i != 77), code => Assert.Equal(0, code));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(float.Epsilon)] // divided by 127 it is nothing
    public void A_row_of_nothing_stays_nothing(float value)
    {
        sbyte[] codes = [.. Enumerable.Repeat((sbyte)7, 100)];
        Assert.Equal(0, Int8Quantization.Quantize([.. Enumerable.Range(0, 100).Select(i => i % 2 == 0 ? value : -value)], codes));
        Assert.All(codes, code => Assert.Equal(0, code));
    }

    /// <summary>A scale among the smallest numbers has few digits, and a quotient by it may be beyond 127.</summary>
    [Fact]
    public void The_smallest_scales_overflow_no_code()
    {
        for (int units = 64; units < 400; units += 7)
        {
            float largest = units * float.Epsilon;
            sbyte[] codes = new sbyte[100];
            Int8Quantization.Quantize([.. Enumerable.Range(0, 100).Select(i => i % 2 == 0 ? largest : -largest)], codes);
            Assert.All(codes, code => Assert.InRange(Math.Abs((int)code), 60, 127));
        }
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(float.NaN, 99)]
    [InlineData(float.PositiveInfinity, 50)]
    [InlineData(float.NegativeInfinity, 98)]
    public void What_is_not_finite_is_told(float value, int index)
    {
        float[] row = Make.Values(1, 100);
        row[index] = value;
        Assert.False(float.IsFinite(Int8Quantization.Quantize(row, new sbyte[100])));
    }
}
