using System.Numerics;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>f16 and bf16 against exact arithmetic with one rounding (System.Half, or double and rounding to odd by hand).</summary>
public class HalfTests
{
    private static readonly Random Random = new(16);

    private static readonly ushort[] Special =
    [
        0, 0x8000, 1, 0x8001, 0x3ff, 0x400, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0x3555, 0x6400, 0x6401,
    ];

    private static ushort[] Some() => [.. Special.OrderBy(_ => Random.Next()), .. Enumerable.Range(0, 16).Select(_ => (ushort)Random.Next(65536))];

    [Theory]
    [InlineData("add")]
    [InlineData("sub")]
    [InlineData("mul")]
    [InlineData("fma.rn")]
    [InlineData("min")]
    [InlineData("max")]
    public void Halves_round_once(string name)
    {
        for (var round = 0; round < 40; round++)
        {
            ushort[] a = Some(), b = Some(), c = Some();
            var arguments = name == "fma.rn" ? "%a, %b, %c" : "%a, %b";
            var d = Snippet.Run<ushort>($"{name}.f16 %d, {arguments};", a, b, c);
            for (var i = 0; i < 32; i++)
            {
                Half x = BitConverter.UInt16BitsToHalf(a[i]), y = BitConverter.UInt16BitsToHalf(b[i]), z = BitConverter.UInt16BitsToHalf(c[i]);
                var exact = name switch
                {
                    "add" => (Half)((double)x + (double)y),
                    "sub" => (Half)((double)x - (double)y),
                    "mul" => (Half)((double)x * (double)y),
                    "fma.rn" => (Half)Math.FusedMultiplyAdd((double)x, (double)y, (double)z), // exact in double, or far from a tie
                    "min" => Half.MinNumber(x, y),
                    _ => Half.MaxNumber(x, y),
                };
                Assert.Equal(Half.IsNaN(exact) ? 0x7fff : BitConverter.HalfToUInt16Bits(exact), d[i]);
            }
        }
    }

    [Fact]
    public void Packed_halves_are_two_halves()
    {
        ushort[] low = Some(), high = Some(), other = Some();
        uint[] a = Pack(low, high), b = Pack(other, low), c = Pack(high, other);
        foreach (var name in new[] { "add", "sub", "mul", "fma.rn" })
        {
            var arguments = name == "fma.rn" ? "%a, %b, %c" : "%a, %b";
            var d = Snippet.Run<uint>($"{name}.f16x2 %d, {arguments};", a, b, c);
            Assert.Equal(Pack(Snippet.Run<ushort>($"{name}.f16 %d, {arguments};", low, other, high), Snippet.Run<ushort>($"{name}.f16 %d, {arguments};", high, low, other)), d);
        }

        Assert.Equal(a.Select(x => x ^ 0x80008000), Snippet.Run<uint>("neg.f16x2 %d, %a;", a));
        Assert.Equal(a.Select(x => x & 0x7fff7fff), Snippet.Run<uint>("abs.f16x2 %d, %a;", a));
    }

    [Fact]
    public void Bfloats_round_once()
    {
        for (var round = 0; round < 60; round++)
        {
            ushort[] a = [.. Enumerable.Range(0, 32).Select(_ => (ushort)Random.Next(65536))];
            ushort[] b = [.. Enumerable.Range(0, 32).Select(_ => (ushort)Random.Next(65536))];

            // Third operands near the product, so that sums need both.
            ushort[] c = [.. a.Zip(b, (x, y) => (ushort)(BitConverter.SingleToUInt32Bits(Float(x) * Float(y) * (float)(Random.NextDouble() * 600 - 300)) >> 16))];
            var d = Snippet.Run<ushort>("fma.rn.bf16 %d, %a, %b, %c;", a, b, c);
            for (var i = 0; i < 32; i++)
            {
                Assert.Equal(Nearest(Float(a[i]), Float(b[i]), Float(c[i])), d[i]);
            }
        }
    }

    [Fact]
    public void Floats_become_halves_to_nearest_even()
    {
        float[] x = [.. Enumerable.Range(0, 32).Select(i => i switch
        {
            0 => 65519.996f, 1 => 65520, 2 => -65520, 3 => 5.9604645e-8f, 4 => 2.9802322e-8f, 5 => 2.9802326e-8f, 6 => 6.1035156e-5f, 7 => 6.1005116e-5f,
            8 => 2049, 9 => 2051, 10 => float.NaN, 11 => float.PositiveInfinity, 12 => float.NegativeInfinity, 13 => -0f, 14 => 1e-10f, 15 => 6.1004e-5f,
            _ => (float)(Random.NextDouble() - 0.5) * MathF.Pow(2, i - 24),
        })];
        var expected = x.Select(v => float.IsNaN(v) ? (ushort)0x7fff : BitConverter.HalfToUInt16Bits((Half)v)).ToArray();
        Assert.Equal(expected, Snippet.Run<ushort>("cvt.rn.f16.f32 %d, %a;", x));
        Assert.Equal(Pack(expected.Reverse().ToArray(), expected), Snippet.Run<uint>("cvt.rn.f16x2.f32 %d, %a, %b;", x, x.Reverse().ToArray()));
        var zero = Snippet.Run<ushort>("cvt.rz.f16.f32 %d, %a;", x);
        Assert.All(zero.Zip(x), pair => Assert.True(float.IsNaN(pair.Second) || float.IsInfinity(pair.Second)
            || (MathF.Abs((float)BitConverter.UInt16BitsToHalf(pair.First)) <= MathF.Abs(pair.Second)
                && (pair.First & 0x7fff) is var m && (m == 0x7bff || MathF.Abs((float)BitConverter.UInt16BitsToHalf((ushort)(m + 1))) > MathF.Abs(pair.Second)))));
        Assert.Equal(x.Select(v => float.IsNaN(v) ? (ushort)0x7fff : Nearest(v, 1, MathF.CopySign(0, v))), Snippet.Run<ushort>("cvt.rn.bf16.f32 %d, %a;", x));
    }

    [Fact]
    public void All_halves_become_floats()
    {
        for (var first = 0; first < 65536; first += 32 * 61)
        {
            ushort[] a = [.. Enumerable.Range(first, 32).Select(i => (ushort)i)];
            var d = Snippet.Run<float>("cvt.f32.f16 %d, %a;", a);
            Assert.Equal(a.Select(x => (float)BitConverter.UInt16BitsToHalf(x)), d);
        }
    }

    [Fact]
    public void Comparisons_of_halves()
    {
        ushort[] a = Some(), b = Some();
        static float Value(ushort x) => (float)BitConverter.UInt16BitsToHalf(x);
        Assert.Equal(a.Zip(b, (x, y) => Value(x) < Value(y) ? 1u : 0), Snippet.Run<uint>("setp.lt.f16 %p0, %a, %b; selp.u32 %d, 1, 0, %p0;", a, b));
        uint[] two = Pack(a, b), other = Pack(b, b);
        Assert.Equal(
            a.Zip(b, (x, y) => (Value(x) >= Value(y) ? 1u : 0) + (Value(y) >= Value(y) ? 2u : 0)),
            Snippet.Run<uint>("setp.ge.f16x2 %p0|%p1, %a, %b; selp.u32 %t0, 1, 0, %p0; selp.u32 %t1, 2, 0, %p1; add.u32 %d, %t0, %t1;", two, other));
    }

    private static uint[] Pack(ushort[] low, ushort[] high) => [.. low.Zip(high, (l, h) => l | (uint)h << 16)];

    private static float Float(ushort bfloat) => BitConverter.UInt32BitsToSingle((uint)bfloat << 16);

    // a * b + c, rounded once to bf16: by integers where the result is finite.
    private static ushort Nearest(float a, float b, float c)
    {
        var approximate = Math.FusedMultiplyAdd((double)a, b, c);
        if (!double.IsFinite(approximate))
        {
            return double.IsNaN(approximate) ? (ushort)0x7fff : (ushort)(BitConverter.SingleToUInt32Bits((float)approximate) >> 16);
        }

        var exact = Units(a) * Units(b) + (Units(c) << 149); // times 2^-298
        var magnitude = BigInteger.Abs(exact);
        ushort low = 0, high = 0x7f80;
        while (high - low > 1)
        {
            var middle = (ushort)((low + high) / 2);
            (low, high) = Units(Float(middle)) << 149 <= magnitude ? (middle, high) : (low, middle);
        }

        var above = high == 0x7f80 ? BigInteger.One << 277 + 149 : Units(Float(high)) << 149;
        var order = (magnitude - (Units(Float(low)) << 149)).CompareTo(above - magnitude);
        var nearest = order < 0 || (order == 0 && low % 2 == 0) ? low : high;
        return (ushort)(nearest | (exact.Sign < 0 || (exact.IsZero && double.IsNegative(approximate)) ? 0x8000 : 0));
    }

    private static BigInteger Units(float x)
    {
        var bits = BitConverter.SingleToInt32Bits(x);
        var exponent = bits >> 23 & 255;
        var fraction = (BigInteger)(bits & 0x7fffff | (exponent > 0 ? 1 << 23 : 0));
        return (bits < 0 ? -fraction : fraction) << Math.Max(exponent - 1, 0);
    }
}
