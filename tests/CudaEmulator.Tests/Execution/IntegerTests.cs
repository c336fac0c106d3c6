using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

public class IntegerTests
{
    private static readonly uint[] Values32 =
    [
        0, 1, 2, 3, 5, 7, 31, 32, 33, 100, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x12345678, 0x7ffffffe, 0x7fffffff, 0x80000000,
        0x80000001, 0xdeadbeef, 0xfffffffe, 0xffffffff, 0xf0f0f0f0, 0x0f0f0f0f, 0xaaaaaaaa, 0x55555555, 12345, 99999, 0xffff0000, 0x00ff00ff,
    ];

    private static readonly uint[] Others32 = [.. Values32.Reverse()];
    private static readonly ulong[] Values64 = [.. Values32.Select((v, i) => (ulong)v << (i % 33) | (ulong)i << 60)];
    private static readonly ulong[] Others64 = [.. Values64.Reverse()];
    private static readonly ushort[] Values16 = [.. Values32.Select(v => (ushort)(v ^ v >> 13))];
    private static readonly ushort[] Others16 = [.. Values16.Reverse()];

    public static TheoryData<string, Func<uint, uint, uint>> Binary32 => new()
    {
        { "add.u32", (a, b) => a + b },
        { "sub.s32", (a, b) => a - b },
        { "add.sat.s32", (a, b) => (uint)(int)Math.Clamp((long)(int)a + (int)b, int.MinValue, int.MaxValue) },
        { "sub.sat.s32", (a, b) => (uint)(int)Math.Clamp((long)(int)a - (int)b, int.MinValue, int.MaxValue) },
        { "mul.lo.u32", (a, b) => a * b },
        { "mul.hi.u32", (a, b) => (uint)((ulong)a * b >> 32) },
        { "mul.hi.s32", (a, b) => (uint)((long)(int)a * (int)b >> 32) },
        { "mul24.lo.u32", (a, b) => (uint)((ulong)(a & 0xffffff) * (b & 0xffffff)) },
        { "mul24.hi.s32", (a, b) => (uint)(((long)((int)a << 8 >> 8) * ((int)b << 8 >> 8)) >> 16) },
        { "div.u32", (a, b) => b == 0 ? uint.MaxValue : a / b },
        { "div.s32", (a, b) => b == 0 ? uint.MaxValue : (uint)((long)(int)a / (int)b) },
        { "rem.u32", (a, b) => b == 0 ? a : a % b },
        { "rem.s32", (a, b) => b == 0 ? a : (uint)((long)(int)a % (int)b) },
        { "min.u32", Math.Min },
        { "max.u32", Math.Max },
        { "min.s32", (a, b) => (uint)Math.Min((int)a, (int)b) },
        { "max.s32", (a, b) => (uint)Math.Max((int)a, (int)b) },
        { "and.b32", (a, b) => a & b },
        { "or.b32", (a, b) => a | b },
        { "xor.b32", (a, b) => a ^ b },
        { "shl.b32", (a, b) => b > 31 ? 0 : a << (int)b },
        { "shr.u32", (a, b) => b > 31 ? 0 : a >> (int)b },
        { "shr.b32", (a, b) => b > 31 ? 0 : a >> (int)b },
        { "shr.s32", (a, b) => (uint)((int)a >> (int)Math.Min(b, 31)) },
    };

    public static TheoryData<string, Func<ulong, ulong, ulong>> Binary64 => new()
    {
        { "add.s64", (a, b) => a + b },
        { "sub.u64", (a, b) => a - b },
        { "mul.lo.s64", (a, b) => a * b },
        { "mul.hi.u64", (a, b) => (ulong)((UInt128)a * b >> 64) },
        { "mul.hi.s64", (a, b) => (ulong)((Int128)(long)a * (long)b >> 64) },
        { "div.u64", (a, b) => b == 0 ? ulong.MaxValue : a / b },
        { "div.s64", (a, b) => b == 0 ? ulong.MaxValue : (ulong)((Int128)(long)a / (long)b) },
        { "rem.s64", (a, b) => b == 0 ? a : (ulong)((Int128)(long)a % (long)b) },
        { "min.s64", (a, b) => (ulong)Math.Min((long)a, (long)b) },
        { "max.u64", Math.Max },
        { "and.b64", (a, b) => a & b },
        { "xor.b64", (a, b) => a ^ b },
    };

    public static TheoryData<string, Func<ushort, ushort, ushort>> Binary16 => new()
    {
        { "add.u16", (a, b) => (ushort)(a + b) },
        { "sub.s16", (a, b) => (ushort)(a - b) },
        { "mul.lo.u16", (a, b) => (ushort)(a * b) },
        { "mul.hi.s16", (a, b) => (ushort)((short)a * (short)b >> 16) },
        { "mul.hi.u16", (a, b) => (ushort)((uint)a * b >> 16) },
        { "div.u16", (a, b) => b == 0 ? ushort.MaxValue : (ushort)(a / b) },
        { "rem.s16", (a, b) => b == 0 ? a : (ushort)((short)a % (short)b) },
        { "min.s16", (a, b) => (ushort)Math.Min((short)a, (short)b) },
        { "max.u16", Math.Max },
        { "and.b16", (a, b) => (ushort)(a & b) },
    };

    public static TheoryData<string, Func<uint, uint>> Unary32 => new()
    {
        { "neg.s32", a => (uint)-(int)a },
        { "abs.s32", a => (int)a < 0 ? (uint)-(int)a : a },
        { "not.b32", a => ~a },
        { "cnot.b32", a => a == 0 ? 1u : 0 },
        { "popc.b32", a => (uint)uint.PopCount(a) },
        { "clz.b32", a => (uint)uint.LeadingZeroCount(a) },
        { "brev.b32", a => Enumerable.Range(0, 32).Aggregate(0u, (r, i) => r | (a >> i & 1) << (31 - i)) },
        { "bfind.u32", a => a == 0 ? uint.MaxValue : 31 - uint.LeadingZeroCount(a) },
        { "bfind.s32", a => ((int)a < 0 ? ~a : a) is var m && m == 0 ? uint.MaxValue : 31 - uint.LeadingZeroCount(m) },
        { "bfind.shiftamt.u32", a => a == 0 ? uint.MaxValue : uint.LeadingZeroCount(a) },
    };

    [Theory]
    [MemberData(nameof(Binary32))]
    public void Operations_on_32_bits(string name, Func<uint, uint, uint> expected) =>
        Assert.Equal(Values32.Zip(Others32, expected), Snippet.Run<uint>($"{name} %d, %a, %b;", Values32, Others32));

    [Theory]
    [MemberData(nameof(Binary64))]
    public void Operations_on_64_bits(string name, Func<ulong, ulong, ulong> expected) =>
        Assert.Equal(Values64.Zip(Others64, expected), Snippet.Run<ulong>($"{name} %d, %a, %b;", Values64, Others64));

    [Theory]
    [MemberData(nameof(Binary16))]
    public void Operations_on_16_bits(string name, Func<ushort, ushort, ushort> expected) =>
        Assert.Equal(Values16.Zip(Others16, expected), Snippet.Run<ushort>($"{name} %d, %a, %b;", Values16, Others16));

    [Theory]
    [MemberData(nameof(Unary32))]
    public void Operations_on_one_operand(string name, Func<uint, uint> expected) =>
        Assert.Equal(Values32.Select(expected), Snippet.Run<uint>($"{name} %d, %a;", Values32));

    [Fact]
    public void Operations_on_one_64_bit_operand()
    {
        Assert.Equal(Values64.Select(a => (uint)ulong.PopCount(a)), Snippet.Run<uint>("popc.b64 %d, %a;", Values64));
        Assert.Equal(Values64.Select(a => (uint)ulong.LeadingZeroCount(a)), Snippet.Run<uint>("clz.b64 %d, %a;", Values64));
        Assert.Equal(Values64.Select(a => (ulong)-(long)a), Snippet.Run<ulong>("neg.s64 %d, %a;", Values64));
        Assert.Equal(Values64.Select(a => ~a), Snippet.Run<ulong>("not.b64 %d, %a;", Values64));
        Assert.Equal(
            Values64.Select(a => Enumerable.Range(0, 64).Aggregate(0ul, (r, i) => r | (a >> i & 1) << (63 - i))),
            Snippet.Run<ulong>("brev.b64 %d, %a;", Values64));
    }

    [Fact]
    public void Shifts_of_64_and_16_bits_clamp()
    {
        uint[] counts = [.. Enumerable.Range(0, 32).Select(i => (uint)(i < 30 ? 3 * i : i == 30 ? 1000 : -1))];
        Assert.Equal(Values64.Zip(counts, (a, n) => n > 63 ? 0 : a << (int)n), Snippet.Run<ulong>("shl.b64 %d, %a, %b;", Values64, counts));
        Assert.Equal(Values64.Zip(counts, (a, n) => n > 63 ? 0 : a >> (int)n), Snippet.Run<ulong>("shr.u64 %d, %a, %b;", Values64, counts));
        Assert.Equal(Values64.Zip(counts, (a, n) => (ulong)((long)a >> (int)Math.Min(n, 63))), Snippet.Run<ulong>("shr.s64 %d, %a, %b;", Values64, counts));
        Assert.Equal(Values16.Zip(counts, (a, n) => n > 15 ? (ushort)0 : (ushort)(a << (int)n)), Snippet.Run<ushort>("shl.b16 %d, %a, %b;", Values16, counts));
        Assert.Equal(Values16.Zip(counts, (a, n) => n > 15 ? (ushort)0 : (ushort)(a >> (int)n)), Snippet.Run<ushort>("shr.u16 %d, %a, %b;", Values16, counts));
        Assert.Equal(Values16.Zip(counts, (a, n) => (ushort)((short)a >> (int)Math.Min(n, 15))), Snippet.Run<ushort>("shr.s16 %d, %a, %b;", Values16, counts));
    }

    [Fact]
    public void Multiply_and_add()
    {
        uint[] c = [.. Values32.Select(v => v * 7)];
        ulong[] wide = [.. Values64];
        Assert.Equal(Three(Values32, Others32, c, (x, y, z) => x * y + z), Snippet.Run<uint>("mad.lo.s32 %d, %a, %b, %c;", Values32, Others32, c));
        Assert.Equal(Three(Values32, Others32, c, (x, y, z) => (uint)((ulong)x * y >> 32) + z), Snippet.Run<uint>("mad.hi.u32 %d, %a, %b, %c;", Values32, Others32, c));
        Assert.Equal(
            Three(Values32, Others32, c, (x, y, z) => (uint)(int)Math.Clamp(((long)(int)x * (int)y >> 32) + (int)z, int.MinValue, int.MaxValue)),
            Snippet.Run<uint>("mad.hi.sat.s32 %d, %a, %b, %c;", Values32, Others32, c));
        Assert.Equal(Three(Values32, Others32, wide, (x, y, z) => (ulong)x * y + z), Snippet.Run<ulong>("mad.wide.u32 %d, %a, %b, %c;", Values32, Others32, wide));
        Assert.Equal(Three(Values32, Others32, wide, (x, y, z) => (ulong)((long)(int)x * (int)y) + z), Snippet.Run<ulong>("mad.wide.s32 %d, %a, %b, %c;", Values32, Others32, wide));
        Assert.Equal(Values32.Zip(Others32, (x, y) => (ulong)x * y), Snippet.Run<ulong>("mul.wide.u32 %d, %a, %b;", Values32, Others32));
        Assert.Equal(Values16.Zip(Others16, (x, y) => (uint)((short)x * (short)y)), Snippet.Run<uint>("mul.wide.s16 %d, %a, %b;", Values16, Others16));
        Assert.Equal(Values16.Zip(Others16, (x, y) => (uint)x * y), Snippet.Run<uint>("mul.wide.u16 %d, %a, %b;", Values16, Others16));
        Assert.Equal(Three(Values32, Others32, c, (x, y, z) => z + (uint)Math.Abs((long)(int)x - (int)y)), Snippet.Run<uint>("sad.s32 %d, %a, %b, %c;", Values32, Others32, c));
    }

    [Fact]
    public void Dot_products_of_bytes_and_halves()
    {
        uint[] c = [.. Values32.Select(v => v * 3)];
        static int Byte(uint v, int i) => (sbyte)(v >> (8 * i));
        Assert.Equal(
            Three(Values32, Others32, c, (x, y, z) => (uint)((int)z + Enumerable.Range(0, 4).Sum(i => Byte(x, i) * Byte(y, i)))),
            Snippet.Run<uint>("dp4a.s32.s32 %d, %a, %b, %c;", Values32, Others32, c));
        Assert.Equal(
            Three(Values32, Others32, c, (x, y, z) => (uint)((int)z + Enumerable.Range(0, 4).Sum(i => (int)(byte)(x >> (8 * i)) * Byte(y, i)))),
            Snippet.Run<uint>("dp4a.u32.s32 %d, %a, %b, %c;", Values32, Others32, c));
        Assert.Equal(
            Three(Values32, Others32, c, (x, y, z) => (uint)((int)z + (short)x * Byte(y, 2) + (short)(x >> 16) * Byte(y, 3))),
            Snippet.Run<uint>("dp2a.hi.s32.s32 %d, %a, %b, %c;", Values32, Others32, c));
    }

    [Fact]
    public void Carries_go_from_word_to_word()
    {
        static UInt128 Number(ulong high, ulong low) => new(high, low);
        var sum = Snippet.Run<ulong>("add.cc.u64 %w0, %a, %b; addc.u64 %d, %b, %a;", Values64, Others64);
        Assert.Equal(Values64.Zip(Others64, (a, b) => (ulong)((Number(b, a) + Number(a, b)) >> 64)), sum);
        var difference = Snippet.Run<ulong>("sub.cc.u64 %w0, %a, %b; subc.u64 %d, %b, %a;", Values64, Others64);
        Assert.Equal(Values64.Zip(Others64, (a, b) => (ulong)((Number(b, a) - Number(a, b)) >> 64)), difference);

        // A 64-bit product plus a 64-bit number out of 32-bit words.
        var product = Snippet.Run<ulong>(
            "mov.b64 {%t2, %t3}, %c; mad.lo.cc.u32 %t0, %a, %b, %t2; madc.hi.u32 %t1, %a, %b, %t3; mov.b64 %d, {%t0, %t1};", Values32, Others32, Values64);
        Assert.Equal(Three(Values32, Others32, Values64, (a, b, c) => (ulong)a * b + c), product);
    }

    [Fact]
    public void Bit_fields()
    {
        uint[] fields = [.. Enumerable.Range(0, 32).Select(i => (uint)(i * 5 % 40 | (i * 11 % 37) << 8))];
        static uint Extract(uint a, int at, int n, bool signed)
        {
            var sign = signed && n > 0 && (a >> Math.Min(at + n - 1, 31) & 1) != 0 ? 1u : 0;
            return Enumerable.Range(0, 32).Aggregate(0u, (r, i) => r | (i < n && at + i <= 31 ? a >> (at + i) & 1 : sign) << i);
        }

        const string Split = "and.b32 %t0, %b, 255; shr.u32 %t1, %b, 8; ";
        Assert.Equal(Values32.Zip(fields, (a, f) => Extract(a, (int)f & 255, (int)f >> 8, false)), Snippet.Run<uint>(Split + "bfe.u32 %d, %a, %t0, %t1;", Values32, fields));
        Assert.Equal(Values32.Zip(fields, (a, f) => Extract(a, (int)f & 255, (int)f >> 8, true)), Snippet.Run<uint>(Split + "bfe.s32 %d, %a, %t0, %t1;", Values32, fields));
        static uint Insert(uint a, uint b, int at, int n) =>
            Enumerable.Range(0, 32).Aggregate(0u, (r, i) => r | (i >= at && i < at + n ? a >> (i - at) & 1 : b >> i & 1) << i);
        Assert.Equal(
            Three(Values32, fields, Others32, (a, f, b) => Insert(a, b, (int)f & 255, (int)f >> 8)),
            Snippet.Run<uint>(Split + "bfi.b32 %d, %a, %c, %t0, %t1;", Values32, fields, Others32));
    }

    [Theory]
    [InlineData(0x80)]
    [InlineData(0xe8)]
    [InlineData(0x96)]
    [InlineData(0x1b)]
    public void Lop3_is_a_table_of_three_bits(int table)
    {
        uint[] c = [.. Values32.Select(v => uint.RotateLeft(v, 9) ^ 0x5a5a1234)];
        Assert.Equal(
            Three(Values32, Others32, c, (x, y, z) => Enumerable.Range(0, 32).Aggregate(
                0u, (r, i) => r | (uint)(table >> (int)((x >> i & 1) << 2 | (y >> i & 1) << 1 | (z >> i & 1)) & 1) << i)),
            Snippet.Run<uint>($"lop3.b32 %d, %a, %b, %c, {table};", Values32, Others32, c));
    }

    [Fact]
    public void Funnel_shifts_wrap_or_clamp()
    {
        uint[] counts = [.. Enumerable.Range(0, 32).Select(i => (uint)(i * 3))];
        Assert.Equal(
            Three(Values32, Others32, counts, (a, b, n) => (uint)(((ulong)b << 32 | a) << (int)(n & 31) >> 32)),
            Snippet.Run<uint>("shf.l.wrap.b32 %d, %a, %b, %c;", Values32, Others32, counts));
        Assert.Equal(
            Three(Values32, Others32, counts, (a, b, n) => n >= 32 ? a : (uint)(((ulong)b << 32 | a) << (int)n >> 32)),
            Snippet.Run<uint>("shf.l.clamp.b32 %d, %a, %b, %c;", Values32, Others32, counts));
        Assert.Equal(
            Three(Values32, Others32, counts, (a, b, n) => n >= 32 ? b : (uint)(((ulong)b << 32 | a) >> (int)n)),
            Snippet.Run<uint>("shf.r.clamp.b32 %d, %a, %b, %c;", Values32, Others32, counts));
    }

    [Fact]
    public void Prmt_chooses_bytes()
    {
        uint[] selectors = [.. Enumerable.Range(0, 32).Select(i => (uint)(i * 0x1357 ^ 0x7654))];
        static uint Permute(uint a, uint b, uint s) => Enumerable.Range(0, 4).Aggregate(0u, (r, i) =>
        {
            var nibble = (int)(s >> (4 * i)) & 15;
            var value = (byte)(((ulong)b << 32 | a) >> (8 * (nibble & 7)));
            return r | (nibble < 8 ? value : (value & 0x80) != 0 ? 0xffu : 0) << (8 * i);
        });
        Assert.Equal(Three(Values32, Others32, selectors, Permute), Snippet.Run<uint>("prmt.b32 %d, %a, %b, %c;", Values32, Others32, selectors));
        Assert.Equal(
            Three(Values32, Others32, selectors, (a, b, s) => (uint)(((ulong)b << 32 | a) >> (8 * (int)(s & 3)))),
            Snippet.Run<uint>("prmt.b32.f4e %d, %a, %b, %c;", Values32, Others32, selectors));
    }

    private static IEnumerable<TResult> Three<T1, T2, T3, TResult>(T1[] a, T2[] b, T3[] c, Func<T1, T2, T3, TResult> function) =>
        a.Select((x, i) => function(x, b[i], c[i]));
}
