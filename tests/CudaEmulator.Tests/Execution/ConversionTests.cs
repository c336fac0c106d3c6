using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

public class ConversionTests
{
    private static readonly long[] Integers =
    [
        0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, 65535, 65536, 16777217, -16777217, 33554435, int.MaxValue, int.MinValue,
        uint.MaxValue, (long)uint.MaxValue + 1, long.MaxValue, long.MinValue, 1L << 53 | 1, (1L << 62) + 12345, -5, 5, 1000, -1000, 0x123456789abcdef, -0x123456789abcdef,
    ];

    private static readonly float[] Floats =
    [
        0, -0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 0.49999997f, 1e10f, -1e10f, 1e20f, -1e20f, float.NaN, float.PositiveInfinity, float.NegativeInfinity,
        127.5f, 128, -128.5f, 255.5f, 256, 32767.5f, 65535.5f, 2147483520, 2147483648, -2147483648, 4294967040, 4294967296, 9.2e18f, 1e-40f, -1e-40f, 123.456f,
    ];

    [Fact]
    public void Integers_are_cut_and_extended()
    {
        Assert.Equal(Integers.Select(x => (ulong)(long)(sbyte)x), Snippet.Run<ulong>("cvt.s64.s8 %d, %a;", Low32));
        Assert.Equal(Integers.Select(x => (ulong)(byte)x), Snippet.Run<ulong>("cvt.u64.u8 %d, %a;", Low32));
        Assert.Equal(Integers.Select(x => (uint)(short)x), Snippet.Run<uint>("cvt.s32.s16 %d, %a;", Low16));
        Assert.Equal(Integers.Select(x => (uint)(ushort)x), Snippet.Run<uint>("cvt.u32.u16 %d, %a;", Low16));
        Assert.Equal(Integers.Select(x => (uint)(sbyte)x), Snippet.Run<uint>("cvt.s8.s64 %d, %a;", Integers));
        Assert.Equal(Integers.Select(x => (uint)x), Snippet.Run<uint>("cvt.u32.u64 %d, %a;", Integers));
        Assert.Equal(Integers.Select(x => (ulong)(long)(int)x), Snippet.Run<ulong>("cvt.s64.s32 %d, %a;", Low32));
        Assert.Equal(Integers.Select(x => (ulong)(uint)x), Snippet.Run<ulong>("cvt.u64.u32 %d, %a;", Low32));
        Assert.Equal(Integers.Select(x => (ushort)x), Snippet.Run<ushort>("cvt.u16.u32 %d, %a;", Low32));
    }

    [Fact]
    public void Sat_clamps_integers()
    {
        Assert.Equal(Integers.Select(x => (uint)(int)Math.Clamp(x, sbyte.MinValue, sbyte.MaxValue)), Snippet.Run<uint>("cvt.sat.s8.s64 %d, %a;", Integers));
        Assert.Equal(Integers.Select(x => (uint)Math.Clamp(x, 0, 65535)), Snippet.Run<uint>("cvt.sat.u16.s64 %d, %a;", Integers));
        Assert.Equal(Integers.Select(x => (uint)Math.Clamp(x, 0, uint.MaxValue)), Snippet.Run<uint>("cvt.sat.u32.s64 %d, %a;", Integers));
        Assert.Equal(Integers.Select(x => (uint)(int)Math.Min((uint)x, int.MaxValue)), Snippet.Run<uint>("cvt.sat.s32.u32 %d, %a;", Low32));
    }

    [Theory]
    [InlineData("rni", MidpointRounding.ToEven)]
    [InlineData("rzi", MidpointRounding.ToZero)]
    [InlineData("rmi", MidpointRounding.ToNegativeInfinity)]
    [InlineData("rpi", MidpointRounding.ToPositiveInfinity)]
    public void Floats_become_integers(string name, MidpointRounding rounding)
    {
        double Rounded(float x) => float.IsNaN(x) ? 0 : Math.Round((double)x, rounding);
        Assert.Equal(Floats.Select(x => (uint)(int)Math.Clamp(Rounded(x), int.MinValue, int.MaxValue)), Snippet.Run<uint>($"cvt.{name}.s32.f32 %d, %a;", Floats));
        Assert.Equal(Floats.Select(x => (uint)Math.Clamp(Rounded(x), 0, uint.MaxValue)), Snippet.Run<uint>($"cvt.{name}.u32.f32 %d, %a;", Floats));
        Assert.Equal(Floats.Select(x => (uint)(int)Math.Clamp(Rounded(x), -128, 127)), Snippet.Run<uint>($"cvt.{name}.s8.f32 %d, %a;", Floats));
        Assert.Equal(Floats.Select(x => (ushort)Math.Clamp(Rounded(x), 0, 65535)), Snippet.Run<ushort>($"cvt.{name}.u16.f32 %d, %a;", Floats));
        Assert.Equal(Floats.Select(x => long.CreateSaturating(Rounded(x))), Snippet.Run<long>($"cvt.{name}.s64.f32 %d, %a;", Floats));
        double[] doubles = [.. Floats];
        Assert.Equal(Floats.Select(x => ulong.CreateSaturating(Rounded(x))), Snippet.Run<ulong>($"cvt.{name}.u64.f64 %d, %a;", doubles));
    }

    [Fact]
    public void Integers_become_floats()
    {
        Assert.Equal(Integers.Select(x => (float)(int)x), Snippet.Run<float>("cvt.rn.f32.s32 %d, %a;", Low32));
        Assert.Equal(Integers.Select(x => (float)(uint)x), Snippet.Run<float>("cvt.rn.f32.u32 %d, %a;", Low32));
        Assert.Equal(Integers.Select(x => (float)x), Snippet.Run<float>("cvt.rn.f32.s64 %d, %a;", Integers));
        Assert.Equal(Integers.Select(x => (double)(ulong)x), Snippet.Run<double>("cvt.rn.f64.u64 %d, %a;", Integers));
        Assert.Equal(Integers.Select(x => (double)(int)x), Snippet.Run<double>("cvt.rn.f64.s32 %d, %a;", Low32));
        Assert.Equal(Integers.Select(x => (float)(byte)x), Snippet.Run<float>("cvt.rn.f32.u8 %d, %a;", Low32));
        var down = Snippet.Run<float>("cvt.rm.f32.s64 %d, %a;", Integers);
        var up = Snippet.Run<float>("cvt.rp.f32.s64 %d, %a;", Integers);
        for (var i = 0; i < 32; i++)
        {
            Assert.True((Int128)down[i] <= Integers[i] && Integers[i] <= (Int128)up[i]);
            Assert.Equal((Int128)down[i] == Integers[i] ? down[i] : MathF.BitIncrement(down[i]), up[i]);
        }

        short[] small = [.. Enumerable.Range(0, 32).Select(i => (short)(i * 2003 - 30000))];
        Assert.Equal(small.Select(x => BitConverter.HalfToUInt16Bits((Half)x)), Snippet.Run<ushort>("cvt.rn.f16.s16 %d, %a;", small));
        Assert.Equal(small.Select(x => x), Snippet.Run<short>("cvt.rn.f32.s16 %t0, %a; cvt.rzi.s16.f32 %d, %t0;", small));
    }

    [Fact]
    public void Floats_and_doubles()
    {
        Assert.Equal(Floats.Select(x => (double)x), Snippet.Run<double>("cvt.f64.f32 %d, %a;", Floats));
        double[] x = [.. Floats.Select(v => v * 1.00000001 + 1e-50)];
        Assert.Equal(x.Select(v => (float)v), Snippet.Run<float>("cvt.rn.f32.f64 %d, %a;", x));
        var down = Snippet.Run<float>("cvt.rm.f32.f64 %d, %a;", x);
        var up = Snippet.Run<float>("cvt.rp.f32.f64 %d, %a;", x);
        var zero = Snippet.Run<float>("cvt.rz.f32.f64 %d, %a;", x);
        for (var i = 0; i < 32; i++)
        {
            Assert.True(double.IsNaN(x[i]) || (down[i] <= x[i] && x[i] <= up[i] && (down[i] == x[i] ? up[i] == down[i] : up[i] == MathF.BitIncrement(down[i]))));
            Assert.Equal(x[i] > 0 ? down[i] : up[i], zero[i]);
        }
    }

    [Fact]
    public void Tensor_floats_keep_ten_fraction_bits()
    {
        float[] x = [.. Enumerable.Range(0, 32).Select(i => 1 + i * 0.000244140625f)]; // quarters of the last bit
        Assert.Equal(
            x.Select(v => BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(v) + 0x1000) & 0xffffe000)),
            Snippet.Run<float>("cvt.rna.tf32.f32 %d, %a;", x));
    }

    [Fact]
    public void Vectors_are_packed_and_unpacked()
    {
        uint[] a = [.. Enumerable.Range(0, 32).Select(i => (uint)(i * 0x01234567))];
        uint[] b = [.. a.Select(x => ~x)];
        Assert.Equal(a.Zip(b, (x, y) => x | (ulong)y << 32), Snippet.Run<ulong>("mov.b64 %d, {%a, %b};", a, b));
        Assert.Equal(a.Select(x => x << 16 | x >> 16), Snippet.Run<uint>("mov.b32 {%h0, %h1}, %a; mov.b32 %d, {%h1, %h0};", a));
        Assert.Equal(
            a.Zip(b, (x, y) => (ulong)(ushort)y << 48 | (ulong)(ushort)x << 32 | (y & 0xffff0000) | x >> 16),
            Snippet.Run<ulong>("mov.b64 %w0, {%a, %b}; mov.b64 {%h0, %h1, %h2, %h3}, %w0; mov.b64 %d, {%h1, %h3, %h0, %h2};", a, b));
        Assert.Equal(a.Zip(b, (x, y) => x), Snippet.Run<uint>("mov.b64 %w0, {%a, %b}; mov.b64 {%d, _}, %w0;", a, b));
    }

    private static readonly uint[] Low32 = [.. Integers.Select(x => (uint)x)];
    private static readonly ushort[] Low16 = [.. Integers.Select(x => (ushort)x)];
}
