using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using Xunit;
using Half = ILGPU.Half;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

[Collection(nameof(IlgpuTests))]
public sealed class ElementwiseTests(IlgpuFixture ilgpu)
{
    private static void Add(Index1D i, ArrayView<float> a, ArrayView<float> b, ArrayView<float> sum) => sum[i] = a[i] + b[i];

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(100_003)]
    public void Vectors_are_added(int length)
    {
        float[] x = Numbers.Floats(length, 1), y = Numbers.Floats(length, 2);
        using var a = ilgpu.Hopper.Allocate1D(x);
        using var b = ilgpu.Hopper.Allocate1D(y);
        using var sum = ilgpu.Hopper.Allocate1D<float>(length);
        ilgpu.Hopper.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Add)(
            length, a.View, b.View, sum.View);
        Assert.Equal(x.Zip(y, (u, v) => u + v), sum.GetAsArray1D());
    }

    private static void Axpy(Index1D i, double factor, ArrayView<double> x, ArrayView<double> y) => y[i] = factor * x[i] + y[i];

    [Fact]
    public void Scalars_are_passed_by_value()
    {
        double[] x = [.. Enumerable.Range(0, 777).Select(i => i / 7.0)], y = [.. x.Select(v => v * v)];
        using var dx = ilgpu.Hopper.Allocate1D(x);
        using var dy = ilgpu.Hopper.Allocate1D(y);
        ilgpu.Hopper.LoadAutoGroupedStreamKernel<Index1D, double, ArrayView<double>, ArrayView<double>>(Axpy)(x.Length, 1 / 3.0, dx.View, dy.View);
        Numbers.AssertClose(x.Zip(y, (u, v) => Math.FusedMultiplyAdd(1 / 3.0, u, v)), dy.GetAsArray1D(), 1e-15);
    }

    private static void Integers(Index1D i, ArrayView<int> x, ArrayView<int> y)
    {
        int a = x[i], b = (int)i % 7 + 1;
        uint u = (uint)a;
        y[i] = (a + b) * 3 - a / b + a % b + (a << b) + (a >> b) + (int)(u >> b) + (int)(u / (uint)b) + (int)(u % (uint)b) + (a & b) + (a | b) + (a ^ b) + ~a - (-b);
    }

    [Fact]
    public void Integers_of_32_bits()
    {
        int[] x = [int.MinValue, int.MaxValue, -1, 0, 1, .. Numbers.Ints(1000, 3)];
        Assert.Equal(x.Select((a, i) =>
        {
            int b = i % 7 + 1;
            uint u = (uint)a;
            return unchecked((a + b) * 3 - a / b + a % b + (a << b) + (a >> b) + (int)(u >> b) + (int)(u / (uint)b) + (int)(u % (uint)b) + (a & b) + (a | b) + (a ^ b) + ~a - (-b));
        }), ilgpu.Map<int, int>(Integers, x));
    }

    private static void Longs(Index1D i, ArrayView<long> x, ArrayView<long> y)
    {
        long a = x[i], b = (int)i % 61 + 1;
        y[i] = a * b + a / b - a % b + (a << (int)b) + (a >> (int)b) + (long)((ulong)a >> (int)b) + (long)((ulong)a / (ulong)b);
    }

    [Fact]
    public void Integers_of_64_bits()
    {
        long[] x = [long.MinValue, long.MaxValue, -1, 0, .. Numbers.Longs(500, 4)];
        Assert.Equal(x.Select((a, i) =>
        {
            long b = i % 61 + 1;
            return unchecked(a * b + a / b - a % b + (a << (int)b) + (a >> (int)b) + (long)((ulong)a >> (int)b) + (long)((ulong)a / (ulong)b));
        }), ilgpu.Map<long, long>(Longs, x));
    }

    private static void Narrow(Index1D i, ArrayView<int> x, ArrayView<int> y)
    {
        int a = x[i];
        y[i] = (sbyte)a + (byte)a * 3 + (short)a * 5 + (ushort)a * 7 + (int)(long)a;
    }

    [Fact]
    public void Integers_of_8_and_16_bits()
    {
        int[] x = Numbers.Ints(500, 5);
        Assert.Equal(x.Select(a => unchecked((sbyte)a + (byte)a * 3 + (short)a * 5 + (ushort)a * 7 + a)), ilgpu.Map<int, int>(Narrow, x));
    }

    private static void Bytes(Index1D i, ArrayView<byte> x, ArrayView<short> y) => y[i] = (short)(x[i] - 300);

    [Fact]
    public void Elements_of_8_and_16_bits()
    {
        byte[] x = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        Assert.Equal(x.Select(a => (short)(a - 300)), ilgpu.Map<byte, short>(Bytes, x));
    }

    private static void Bits(Index1D i, ArrayView<int> x, ArrayView<int> y) => y[i] =
        IntrinsicMath.BitOperations.PopCount(x[i]) + 100 * IntrinsicMath.BitOperations.LeadingZeroCount(x[i])
        + 10_000 * IntrinsicMath.BitOperations.TrailingZeroCount(x[i]);

    [Fact]
    public void Bits_are_counted()
    {
        int[] x = [int.MinValue, -1, 1, 2, .. Numbers.Ints(200, 6)];
        Assert.Equal(x.Select(a => System.Numerics.BitOperations.PopCount((uint)a) + 100 * System.Numerics.BitOperations.LeadingZeroCount((uint)a)
            + 10_000 * System.Numerics.BitOperations.TrailingZeroCount(a)), ilgpu.Map<int, int>(Bits, x));
    }

    private static void Rounded(Index1D i, ArrayView<float> x, ArrayView<float> y)
    {
        float a = x[i];
        y[i] = XMath.Floor(a) + 2 * XMath.Ceiling(a) + 4 * XMath.Truncate(a) + 8 * XMath.Abs(a) + 16 * XMath.Min(a, 0.5f) + 32 * XMath.Max(a, 0.25f)
            + (XMath.IsNaN(a) ? 1 : 0);
    }

    [Fact]
    public void Floats_are_rounded_and_compared()
    {
        float[] x = [0, -0.0f, 0.5f, -0.5f, 1e9f, .. Numbers.Floats(500, 7)];
        Assert.Equal(x.Select(a => MathF.Floor(a) + 2 * MathF.Ceiling(a) + 4 * MathF.Truncate(a) + 8 * MathF.Abs(a) + 16 * MathF.Min(a, 0.5f)
            + 32 * MathF.Max(a, 0.25f)), ilgpu.Map<float, float>(Rounded, x));
    }

    private static void Converted(Index1D i, ArrayView<float> x, ArrayView<long> y) =>
        y[i] = (int)x[i] + 3L * (long)x[i] + (long)(double)(x[i] * 0.5) + (uint)XMath.Abs(x[i]) + (long)(float)(int)i;

    [Fact]
    public void Floats_become_integers_and_integers_floats()
    {
        float[] x = [.. Numbers.Floats(500, 8).Select(a => a * 1e6f)];
        Assert.Equal(x.Select((a, i) => (int)a + 3L * (long)a + (long)(double)(a * 0.5) + (uint)MathF.Abs(a) + i), ilgpu.Map<float, long>(Converted, x));
    }

    private static void Functions(Index1D i, ArrayView<float> x, ArrayView<float> y)
    {
        float a = x[i];
        y[8 * i] = XMath.Sqrt(a);
        y[8 * i + 1] = XMath.Exp(a);
        y[8 * i + 2] = XMath.Log(a);
        y[8 * i + 3] = XMath.Sin(a);
        y[8 * i + 4] = XMath.Cos(a);
        y[8 * i + 5] = XMath.Tanh(a);
        y[8 * i + 6] = XMath.Pow(a, 1.5f);
        y[8 * i + 7] = 1 / a;
    }

    [Fact]
    public void Functions_of_floats()
    {
        float[] x = [.. Numbers.Floats(300, 9).Select(a => 0.1f + 2 * MathF.Abs(a))];
        Numbers.AssertClose(x.SelectMany(a => new[]
        {
            Math.Sqrt(a), Math.Exp(a), Math.Log(a), Math.Sin(a), Math.Cos(a), Math.Tanh(a), Math.Pow(a, 1.5), 1.0 / a,
        }), ilgpu.Map<float, float>(Functions, x, 8 * x.Length).Select(a => (double)a), 2e-3);
    }

    private static void DoubleFunctions(Index1D i, ArrayView<double> x, ArrayView<double> y)
    {
        y[2 * i] = XMath.Sqrt(x[i]);
        y[2 * i + 1] = 1 / x[i] + XMath.Floor(x[i]) + XMath.Abs(-x[i]);
    }

    [Fact]
    public void Functions_of_doubles()
    {
        double[] x = [.. Enumerable.Range(1, 300).Select(i => i / 9.0)];
        Assert.Equal(x.SelectMany(a => new[] { Math.Sqrt(a), 1 / a + Math.Floor(a) + a }), ilgpu.Map<double, double>(DoubleFunctions, x, 2 * x.Length));
    }

    private static void Halves(Index1D i, ArrayView<Half> x, ArrayView<Half> y)
    {
        Half a = x[i];
        y[i] = a * a + a - (a > (Half)1.0f ? (Half)0.5f : a);
    }

    [Fact]
    public void Half_precision_arithmetic()
    {
        // Multiples of 1/16 up to 4, whose squares and sums are exact in 11 bits.
        float[] x = [.. Enumerable.Range(0, 32).Select(i => i / 8f)];
        Half[] y = ilgpu.Map<Half, Half>(Halves, [.. x.Select(a => (Half)a)]);
        Assert.Equal(x.Select(a => a * a + a - (a > 1 ? 0.5f : a)), y.Select(a => (float)a));
    }
}
