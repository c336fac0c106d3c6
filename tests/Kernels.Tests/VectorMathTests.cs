using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

public unsafe class VectorMathTests
{
    public static TheoryData<int> Widths => Make.Widths;

    private interface IFunction
    {
        static abstract TSimd Of<TSimd>(TSimd x)
            where TSimd : unmanaged, ISimd<TSimd>;
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Gelu_is_exact_to_a_few_units_in_the_last_place(int bits)
    {
        float[] x = [.. Dense(-12, 12, 600_000), 0f, -0f, 1e-40f, -1e-30f, 100f, -100f, 12345f, -12345f, 1e30f, -1e30f];
        float[] y = Apply<GeluFunction>(bits, x);
        for (int i = 0; i < x.Length; i++)
        {
            double expected = Reference.Gelu(x[i]);
            double tolerance = 1e-7 + (Math.Abs(expected) * 6e-8);
            Assert.True(Math.Abs(y[i] - expected) <= tolerance, $"gelu({x[i]:R}) = {y[i]:R}, not {expected:R}");
        }

        Assert.Equal([float.NaN, float.PositiveInfinity], Apply<GeluFunction>(bits, [float.NaN, float.PositiveInfinity]));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Powers_of_two_are_exact_to_two_units_in_the_last_place(int bits)
    {
        float[] x = [.. Dense(-120, 20, 600_000), .. Dense(-1, 1, 100_000), 0f, 100f, 126.9f];
        float[] y = Apply<Exp2Function>(bits, x);
        for (int i = 0; i < x.Length; i++)
        {
            double expected = Math.Pow(2, x[i]);
            Assert.True(Math.Abs(y[i] - expected) <= 2e-7 * expected, $"2^{x[i]:R} = {y[i]:R}, not {expected:R}");
        }

        Assert.Equal([1f, 0.5f, 1024f, float.NaN], Apply<Exp2Function>(bits, [0f, -1f, 10f, float.NaN]));
        Assert.All(Apply<Exp2Function>(bits, [-121f, -1e6f, float.NegativeInfinity]), tiny => Assert.Equal(MathF.ScaleB(1, -120), tiny));
    }

    [Fact]
    public void The_reference_agrees_with_known_values_of_the_error_function()
    {
        // Abramowitz and Stegun, table 7.1.
        Assert.Equal(1 - 0.5204998778, Reference.Erfc(0.5), 1e-10);
        Assert.Equal(1 - 0.9953222650, Reference.Erfc(2.0), 1e-10);
        Assert.Equal(1.5374597944280349e-12, Reference.Erfc(5), 1e-24);
        Assert.Equal(2 - Reference.Erfc(3.1), Reference.Erfc(-3.1), 1e-15);
        Assert.Equal(Reference.Erfc(2.999999999), Reference.Erfc(3.000000001), 1e-12);
    }

    private static IEnumerable<float> Dense(double from, double to, int count) =>
        Enumerable.Range(0, count).Select(i => (float)(from + ((to - from) * i / (count - 1))));

    private static float[] Apply<TFunction>(int bits, float[] x)
        where TFunction : IFunction => bits switch
        {
            512 => Apply<TFunction, Simd512>(x),
            256 => Apply<TFunction, Simd256>(x),
            _ => Apply<TFunction, Simd128>(x),
        };

    private static float[] Apply<TFunction, TSimd>(float[] x)
        where TFunction : IFunction
        where TSimd : unmanaged, ISimd<TSimd>
    {
        float[] y = new float[x.Length + TSimd.Width];
        x.CopyTo(y, 0);
        fixed (float* p = y)
        {
            for (int i = 0; i < x.Length; i += TSimd.Width)
            {
                TFunction.Of(TSimd.Load(p + i)).Store(p + i);
            }
        }

        return y[..x.Length];
    }

    private readonly struct GeluFunction : IFunction
    {
        public static TSimd Of<TSimd>(TSimd x)
            where TSimd : unmanaged, ISimd<TSimd> => VectorMath.Gelu(x);
    }

    private readonly struct Exp2Function : IFunction
    {
        public static TSimd Of<TSimd>(TSimd x)
            where TSimd : unmanaged, ISimd<TSimd> => VectorMath.Exp2(x);
    }
}
