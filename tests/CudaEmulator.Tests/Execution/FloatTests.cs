using System.Numerics;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>Floating point against .NET's, bit by bit, except that NaN results are the device's 0x7fffffff.</summary>
public class FloatTests
{
    private static readonly float[] A =
    [
        0, -0f, 1, -1, 1.5f, float.Epsilon, -float.Epsilon, 1e-39f, -3e-39f, 1.17549435e-38f, float.MaxValue, -float.MaxValue,
        float.PositiveInfinity, float.NegativeInfinity, float.NaN, 3.1415927f, 1e20f, 1e-20f, 0.1f, -0.3f, 16777216, 16777215, 8388608.5f, 2.5f,
        3.5f, -2.5f, 0.5f, -0.5f, 1e38f, 7, 65504, 1f / 3,
    ];

    private static readonly float[] B = [.. A.Skip(11).Concat(A.Take(11))];
    private static readonly float[] C = [.. A.Skip(5).Concat(A.Take(5)).Select(x => x * 0.75f)];
    private static readonly double[] DA = [.. A.Select(x => x * 1.0000000001)];
    private static readonly double[] DB = [.. DA.Reverse()];

    public static TheoryData<string, Func<float, float, float>> Binary => new()
    {
        { "add.f32", (a, b) => a + b },
        { "add.rn.f32", (a, b) => a + b },
        { "sub.f32", (a, b) => a - b },
        { "mul.f32", (a, b) => a * b },
        { "div.rn.f32", (a, b) => a / b },
        { "add.ftz.f32", (a, b) => Flush(Flush(a) + Flush(b)) },
        { "mul.ftz.f32", (a, b) => Flush(Flush(a) * Flush(b)) },
        { "add.sat.f32", (a, b) => Saturate(a + b) },
        { "mul.ftz.sat.f32", (a, b) => Flush(Saturate(Flush(Flush(a) * Flush(b)))) },
        { "min.f32", float.MinNumber },
        { "max.f32", float.MaxNumber },
        { "min.NaN.f32", MathF.Min },
        { "max.NaN.f32", MathF.Max },
        { "add.rz.f32", (a, b) => Directed(a, b, '+', 0) },
        { "add.rm.f32", (a, b) => Directed(a, b, '+', -1) },
        { "add.rp.f32", (a, b) => Directed(a, b, '+', 1) },
        { "mul.rz.f32", (a, b) => Directed(a, b, '*', 0) },
        { "mul.rm.f32", (a, b) => Directed(a, b, '*', -1) },
        { "mul.rp.f32", (a, b) => Directed(a, b, '*', 1) },
        { "copysign.f32", (a, b) => MathF.CopySign(b, a) },
    };

    public static TheoryData<string, Func<float, float>> Unary => new()
    {
        { "neg.f32", a => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(a) ^ int.MinValue) },
        { "abs.f32", MathF.Abs },
        { "sqrt.rn.f32", MathF.Sqrt },
        { "rcp.rn.f32", a => 1 / a },
        { "rcp.approx.ftz.f32", a => Flush(1 / Flush(a)) },
        { "cvt.rni.f32.f32", a => MathF.Round(a) },
        { "cvt.rzi.f32.f32", MathF.Truncate },
        { "cvt.rmi.f32.f32", MathF.Floor },
        { "cvt.rpi.f32.f32", MathF.Ceiling },
        { "cvt.sat.f32.f32", Saturate },
        { "cvt.ftz.f32.f32", Flush },
    };

    public static TheoryData<string, Func<double, double>, float> Approximations => new()
    {
        { "ex2.approx.f32", x => Math.Pow(2, x), 1e-6f },
        { "lg2.approx.f32", Math.Log2, 1e-6f },
        { "sin.approx.f32", Math.Sin, 1e-6f },
        { "cos.approx.f32", Math.Cos, 1e-6f },
        { "tanh.approx.f32", Math.Tanh, 1e-6f },
        { "rsqrt.approx.f32", x => 1 / Math.Sqrt(x), 1e-6f },
        { "sqrt.approx.f32", Math.Sqrt, 1e-6f },
    };

    [Theory]
    [MemberData(nameof(Binary))]
    public void Operations_on_two_floats(string name, Func<float, float, float> expected)
    {
        AssertSame(A.Zip(B, expected), Snippet.Run<float>($"{name} %d, %a, %b;", A, B), isExactNaN: name.StartsWith("copysign", StringComparison.Ordinal));
        AssertSame(C.Zip(A, expected), Snippet.Run<float>($"{name} %d, %a, %b;", C, A), isExactNaN: name.StartsWith("copysign", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Unary))]
    public void Operations_on_one_float(string name, Func<float, float> expected) =>
        AssertSame(A.Select(expected), Snippet.Run<float>($"{name} %d, %a;", A), isExactNaN: name[..3] is "neg" or "abs");

    [Fact]
    public void Fma_rounds_once()
    {
        AssertSame(A.Select((a, i) => MathF.FusedMultiplyAdd(a, B[i], C[i])), Snippet.Run<float>("fma.rn.f32 %d, %a, %b, %c;", A, B, C));
        AssertSame(A.Select((a, i) => MathF.FusedMultiplyAdd(a, B[i], C[i])), Snippet.Run<float>("mad.rn.f32 %d, %a, %b, %c;", A, B, C));
        AssertSame(A.Select((a, i) => Saturate(MathF.FusedMultiplyAdd(a, B[i], C[i]))), Snippet.Run<float>("fma.rn.sat.f32 %d, %a, %b, %c;", A, B, C));

        // 1 + 2^-24 is a tie that a tiny c must break; rounded twice it would not.
        float[] x = [.. Enumerable.Range(0, 32).Select(i => 1 + i * MathF.ScaleB(1, -23))];
        float[] one = [.. Enumerable.Repeat(1f, 32)];
        float[] up = Snippet.Run<float>("fma.rp.f32 %d, %a, %b, 0f00000001;", x, one);
        float[] down = Snippet.Run<float>("fma.rm.f32 %d, %a, %b, 0f80000001;", x, one);
        Assert.Equal(x.Select(MathF.BitIncrement), up);
        Assert.Equal(x.Select(MathF.BitDecrement), down);
    }

    [Theory]
    [MemberData(nameof(Approximations))]
    public void Approximate_functions_are_close(string name, Func<double, double> function, float tolerance)
    {
        float[] x = [.. Enumerable.Range(0, 32).Select(i => i * 0.37f + 0.01f)];
        var d = Snippet.Run<float>($"{name} %d, %a;", x);
        foreach (var (value, input) in d.Zip(x))
        {
            Assert.Equal(function(input), value, Math.Max(1, Math.Abs(function(input))) * tolerance);
        }
    }

    [Fact]
    public void Ex2_of_extremes()
    {
        float[] x = [.. Enumerable.Repeat(0f, 26), 128, -150, -149, float.PositiveInfinity, float.NegativeInfinity, float.NaN];
        var d = Snippet.Run<float>("ex2.approx.f32 %d, %a;", x);
        Assert.Equal([1, float.PositiveInfinity, 0, float.Epsilon, float.PositiveInfinity, 0, float.NaN], d[25..]);
    }

    [Fact]
    public void Doubles()
    {
        Assert.Equal(DA.Zip(DB, (a, b) => a + b), Snippet.Run<double>("add.f64 %d, %a, %b;", DA, DB));
        Assert.Equal(DA.Zip(DB, (a, b) => a * b), Snippet.Run<double>("mul.rn.f64 %d, %a, %b;", DA, DB));
        Assert.Equal(DA.Zip(DB, (a, b) => a / b), Snippet.Run<double>("div.rn.f64 %d, %a, %b;", DA, DB));
        Assert.Equal(DA.Zip(DB, (a, b) => Math.FusedMultiplyAdd(a, b, a)), Snippet.Run<double>("fma.rn.f64 %d, %a, %b, %a;", DA, DB));
        Assert.Equal(DA.Select(Math.Sqrt), Snippet.Run<double>("sqrt.rn.f64 %d, %a;", DA));
        Assert.Equal(DA.Zip(DB, double.MaxNumber), Snippet.Run<double>("max.f64 %d, %a, %b;", DA, DB));
        double[] third = [.. Enumerable.Range(1, 32).Select(i => (double)i)];
        var down = Snippet.Run<double>("div.rm.f64 %d, 0d3FF0000000000000, %a;", third);
        var up = Snippet.Run<double>("div.rp.f64 %d, 0d3FF0000000000000, %a;", third);
        foreach (var ((low, high), n) in down.Zip(up).Zip(third))
        {
            var isExact = double.IsPow2(n);
            Assert.Equal(isExact ? low : Math.BitIncrement(low), high);
            Assert.Equal(1 / n, Math.Abs(1 / n - low) < Math.Abs(high - 1 / n) ? low : high);
        }
    }

    public static TheoryData<string, Func<float, float, bool>> Comparisons => new()
    {
        { "eq", (a, b) => a == b },
        { "ne", (a, b) => a < b || a > b },
        { "lt", (a, b) => a < b },
        { "le", (a, b) => a <= b },
        { "gt", (a, b) => a > b },
        { "ge", (a, b) => a >= b },
        { "equ", (a, b) => !(a < b || a > b) },
        { "neu", (a, b) => a != b },
        { "ltu", (a, b) => !(a >= b) },
        { "leu", (a, b) => !(a > b) },
        { "gtu", (a, b) => !(a <= b) },
        { "geu", (a, b) => !(a < b) },
        { "num", (a, b) => !float.IsNaN(a) && !float.IsNaN(b) },
        { "nan", (a, b) => float.IsNaN(a) || float.IsNaN(b) },
    };

    [Theory]
    [MemberData(nameof(Comparisons))]
    public void Comparisons_of_floats(string name, Func<float, float, bool> expected)
    {
        Assert.Equal(A.Zip(B, (a, b) => expected(a, b) ? 1u : 0), Snippet.Run<uint>($"setp.{name}.f32 %p0, %a, %b; selp.u32 %d, 1, 0, %p0;", A, B));
        Assert.Equal(A.Zip(B, (a, b) => expected(Flush(a), Flush(b)) ? 1u : 0), Snippet.Run<uint>($"setp.{name}.ftz.f32 %p0, %a, %b; selp.u32 %d, 1, 0, %p0;", A, B));
        Assert.Equal(A.Zip(B, (a, b) => expected(a, b) ? 0 : 1u), Snippet.Run<uint>($"setp.{name}.f32 %p0|%p1, %a, %b; selp.u32 %d, 1, 0, %p1;", A, B));
        Assert.Equal(A.Zip(B, (a, b) => expected(a, b) ? 1f : 0), Snippet.Run<float>($"set.{name}.f32.f32 %d, %a, %b;", A, B));
        double[] a64 = [.. A], b64 = [.. B];
        Assert.Equal(A.Zip(B, (a, b) => expected(a, b) ? uint.MaxValue : 0), Snippet.Run<uint>($"set.{name}.u32.f64 %d, %a, %b;", a64, b64));
    }

    [Theory]
    [InlineData("and")]
    [InlineData("or")]
    [InlineData("xor")]
    public void Setp_combines_with_a_third_predicate(string combination)
    {
        static bool Combine(string kind, bool x, bool y) => kind switch { "and" => x && y, "or" => x || y, _ => x != y };
        var lanes = Enumerable.Range(0, 32);
        var d = Snippet.Run<uint>(
            $"setp.gt.u32 %p2, %lane, 9; setp.lt.{combination}.f32 %p0|%p1, %a, %b, !%p2; selp.u32 %t0, 1, 0, %p0; selp.u32 %t1, 2, 0, %p1; add.u32 %d, %t0, %t1;", A, B);
        Assert.Equal(lanes.Select(i => (Combine(combination, A[i] < B[i], i <= 9) ? 1u : 0) + (Combine(combination, !(A[i] < B[i]), i <= 9) ? 2u : 0)), d);
    }

    [Fact]
    public void Comparisons_of_integers_know_their_signs()
    {
        int[] a = [.. Enumerable.Range(0, 32).Select(i => i % 3 == 0 ? -i : i)];
        int[] b = [.. a.Reverse()];
        Assert.Equal(a.Zip(b, (x, y) => x < y ? 1u : 0), Snippet.Run<uint>("setp.lt.s32 %p0, %a, %b; selp.u32 %d, 1, 0, %p0;", a, b));
        Assert.Equal(a.Zip(b, (x, y) => (uint)x < (uint)y ? 1u : 0), Snippet.Run<uint>("setp.lo.u32 %p0, %a, %b; selp.u32 %d, 1, 0, %p0;", a, b));
        short[] a16 = [.. a.Select(x => (short)x)], b16 = [.. b.Select(x => (short)x)];
        Assert.Equal(a.Zip(b, (x, y) => x >= y ? 1u : 0), Snippet.Run<uint>("setp.ge.s16 %p0, %a, %b; selp.u32 %d, 1, 0, %p0;", a16, b16));
        Assert.Equal(a.Zip(b, (x, y) => (ushort)x > (ushort)y ? 1u : 0), Snippet.Run<uint>("setp.hi.u16 %p0, %a, %b; selp.u32 %d, 1, 0, %p0;", a16, b16));
        long[] a64 = [.. a.Select(x => (long)x << 33)], b64 = [.. b.Select(x => (long)x << 33)];
        Assert.Equal(a.Zip(b, (x, y) => x <= y ? 1u : 0), Snippet.Run<uint>("setp.le.s64 %p0, %a, %b; selp.u32 %d, 1, 0, %p0;", a64, b64));
        Assert.Equal(a.Zip(b, (x, y) => x >= 0 ? (uint)y : 7), Snippet.Run<uint>("slct.u32.s32 %d, %b, 7, %a;", a, b));
        Assert.Equal(A.Select(x => x >= 0 ? 1u : 2), Snippet.Run<uint>("slct.u32.f32 %d, 1, 2, %a;", A));
    }

    [Fact]
    public void Testp_sorts_floats()
    {
        foreach (var (kind, test) in new (string, Func<float, bool>)[]
        {
            ("finite", float.IsFinite), ("infinite", float.IsInfinity), ("number", x => !float.IsNaN(x)), ("notanumber", float.IsNaN),
            ("normal", float.IsNormal), ("subnormal", float.IsSubnormal),
        })
        {
            Assert.Equal(A.Select(x => test(x) ? 1u : 0), Snippet.Run<uint>($"testp.{kind}.f32 %p0, %a; selp.u32 %d, 1, 0, %p0;", A));
        }
    }

    private static float Flush(float x) => float.IsSubnormal(x) ? MathF.CopySign(0, x) : x;

    private static float Saturate(float x) => float.IsNaN(x) || x <= 0 ? 0 : Math.Min(x, 1);

    // The neighbour of the nearest result that the direction wants, compared with the exact result in integers.
    private static float Directed(float a, float b, char operation, int direction)
    {
        var nearest = operation == '+' ? a + b : a * b;
        if (!float.IsFinite(a) || !float.IsFinite(b))
        {
            return nearest;
        }

        // Every float is an integer times 2^-149, every product of two one times 2^-298.
        var exact = operation == '+' ? (Units(a) + Units(b)) << 149 : Units(a) * Units(b);
        var candidate = float.IsInfinity(nearest) ? MathF.CopySign(float.MaxValue, nearest) : nearest;
        var order = exact.CompareTo(Units(candidate) << 149);
        if (order == 0)
        {
            return nearest == 0 && direction < 0 && operation == '+' && a != 0 ? 0 : nearest;
        }

        var (low, high) = order > 0 ? (candidate, MathF.BitIncrement(candidate)) : (MathF.BitDecrement(candidate), candidate);
        return direction < 0 || (direction == 0 && exact.Sign > 0) ? low : high;
    }

    private static BigInteger Units(float x)
    {
        var bits = BitConverter.SingleToInt32Bits(x);
        var exponent = bits >> 23 & 255;
        var fraction = (BigInteger)(bits & 0x7fffff | (exponent > 0 ? 1 << 23 : 0));
        return (bits < 0 ? -fraction : fraction) << Math.Max(exponent - 1, 0);
    }

    private static void AssertSame(IEnumerable<float> expected, float[] actual, bool isExactNaN = false) => Assert.Equal(
        expected.Select(x => float.IsNaN(x) && !isExactNaN ? 0x7fffffff : BitConverter.SingleToInt32Bits(x)).Select(x => $"{x:x8}"),
        actual.Select(BitConverter.SingleToInt32Bits).Select(x => $"{x:x8}"));
}
