using System.Diagnostics;
using Handwritten.CudaEmulator.Execution;
using Handwritten.CudaEmulator.Ptx;
using Xunit;
using Xunit.Abstractions;
using static Handwritten.CudaEmulator.Tests.Execution.MatrixFragments;
using static Handwritten.CudaEmulator.Tests.Execution.NumberFormats;

namespace Handwritten.CudaEmulator.Tests.Execution;

public class MatrixMultiplyTests(ITestOutputHelper output)
{
    public static TheoryData<string, string> FloatForms => new()
    {
        { "m16n8k8", "f32.f16.f16.f32" },
        { "m16n8k16", "f32.f16.f16.f32" },
        { "m16n8k8", "f16.f16.f16.f16" },
        { "m16n8k16", "f16.f16.f16.f16" },
        { "m16n8k8", "f32.bf16.bf16.f32" },
        { "m16n8k16", "f32.bf16.bf16.f32" },
        { "m16n8k4", "f32.tf32.tf32.f32" },
        { "m16n8k8", "f32.tf32.tf32.f32" },
        { "m16n8k16", "f32.e4m3.e4m3.f32" },
        { "m16n8k32", "f32.e4m3.e5m2.f32" },
        { "m16n8k32", "f32.e5m2.e4m3.f32" },
        { "m16n8k32", "f32.e5m2.e5m2.f32" },
    };

    public static TheoryData<string, string> IntegerForms
    {
        get
        {
            TheoryData<string, string> forms = [];
            foreach (var shape in new[] { "m8n8k16", "m16n8k16", "m16n8k32" })
            {
                foreach (var types in new[] { "s8.s8", "s8.u8", "u8.s8", "u8.u8" })
                {
                    forms.Add(shape, $"s32.{types}.s32");
                }
            }

            return forms;
        }
    }

    // Small integers: every product and sum is exact in every format, in whatever order.
    [Theory]
    [MemberData(nameof(FloatForms))]
    public void Small_integers_multiply_exactly(string shape, string types)
    {
        var (d, a, b, c) = Multiply(shape, types, new Random(1), (random, type) => Encode(type, random.Next(-4, 5)));
        for (var m = 0; m < d.GetLength(0); m++)
        {
            for (var n = 0; n < Shape.N; n++)
            {
                var sum = c[m, n] + Enumerable.Range(0, a.GetLength(1)).Sum(k => (double)a[m, k] * b[k, n]);
                Assert.Equal((float)sum, d[m, n]);
            }
        }
    }

    // Any numbers: near the sum in double, and bit for bit the chain of fused multiply-adds that is documented.
    [Theory]
    [MemberData(nameof(FloatForms))]
    public void Sums_are_fused_multiply_adds_in_the_order_of_k(string shape, string types)
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var (d, a, b, c) = Multiply(shape, types, new Random(seed), (random, type) => Encode(type, (float)(4 * random.NextDouble() - 2)));
            for (var m = 0; m < d.GetLength(0); m++)
            {
                for (var n = 0; n < Shape.N; n++)
                {
                    double exact = c[m, n];
                    var sum = c[m, n];
                    for (var k = 0; k < a.GetLength(1); k++)
                    {
                        exact += (double)a[m, k] * b[k, n];
                        sum = MathF.FusedMultiplyAdd(a[m, k], b[k, n], sum);
                    }

                    Assert.Equal(types.StartsWith("f16", StringComparison.Ordinal) ? (float)(Half)sum : sum, d[m, n]);
                    Assert.Equal(exact, d[m, n], types.StartsWith("f16", StringComparison.Ordinal) ? 0.03 : 1e-4);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(IntegerForms))]
    public void Bytes_multiply_exactly_at_the_extremes_too(string shape, string types)
    {
        foreach (var extreme in new[] { false, true })
        {
            var layout = Of(shape, 8);
            var names = types.Split('.');
            var random = new Random(2);
            uint Byte() => extreme ? random.Next(2) == 0 ? 0x80u : 0xffu : (uint)random.Next(256);
            var a = Fill(layout.M, layout.K, Byte);
            var b = Fill(layout.K, Shape.N, Byte);
            var c = Fill(layout.M, Shape.N, () => (uint)random.Next(int.MinValue, int.MaxValue));
            var wrapping = RunOn(shape, types, layout, a, b, c, 32);
            var saturating = RunOn($"{shape}", types, layout, a, b, c, 32, ".satfinite");
            for (var m = 0; m < layout.M; m++)
            {
                for (var n = 0; n < Shape.N; n++)
                {
                    long sum = (int)c[m, n];
                    for (var k = 0; k < layout.K; k++)
                    {
                        sum += (long)Integer(names[1], a[m, k]) * Integer(names[2], b[k, n]);
                    }

                    Assert.Equal((int)sum, (int)wrapping[m, n]);
                    Assert.Equal((int)Math.Clamp(sum, int.MinValue, int.MaxValue), (int)saturating[m, n]);
                }
            }
        }
    }

    [Theory]
    [InlineData("f32.f16.f16.f32", 0x7c00u, 0x3c00u, 0x7f800000u)] // infinity * 1
    [InlineData("f32.f16.f16.f32", 0x7c00u, 0x0000u, 0x7fffffffu)] // infinity * 0
    [InlineData("f32.f16.f16.f32", 0xfe00u, 0x3c00u, 0x7fffffffu)] // a NaN
    [InlineData("f32.f16.f16.f32", 0x0001u, 0x3c00u, 0x33800000u)] // the least denormal, 2^-24
    [InlineData("f32.f16.f16.f32", 0x0001u, 0x0001u, 0x27800000u)] // 2^-48
    [InlineData("f32.bf16.bf16.f32", 0x7f80u, 0xbf80u, 0xff800000u)]
    [InlineData("f32.bf16.bf16.f32", 0x7f7fu, 0x4000u, 0x7f800000u)] // overflow
    [InlineData("f32.bf16.bf16.f32", 0x7fffu, 0x3f80u, 0x7fffffffu)]
    [InlineData("f16.f16.f16.f16", 0x7bffu, 0x4000u, 0x7c00u)] // 65504 * 2
    [InlineData("f16.f16.f16.f16", 0x7c00u, 0x0000u, 0x7fffu)]
    [InlineData("f16.f16.f16.f16", 0x0400u, 0x1400u, 0x0001u)] // 2^-14 * 2^-10
    public void Special_values(string types, uint a, uint b, uint expected)
    {
        var layout = Of("m16n8k16", 16);
        var d = RunOn("m16n8k16", types, layout, Only(16, 16, 5, 3, a), Only(16, 8, 3, 6, b), new uint[16, 8], types.StartsWith("f16", StringComparison.Ordinal) ? 16 : 32);
        for (var m = 0; m < 16; m++)
        {
            for (var n = 0; n < 8; n++)
            {
                // An infinity times the zeros of the other columns is NaN along its row.
                var isAlone = !float.IsFinite(Decode(types.Split('.')[1], a)) && m == 5;
                Assert.Equal(m == 5 && n == 6 ? expected : isAlone ? types.StartsWith("f16", StringComparison.Ordinal) ? 0x7fffu : 0x7fffffffu : 0, d[m, n]);
            }
        }
    }

    [Theory]
    [InlineData("e4m3", 0x7fu, 0x7fffffffu)]
    [InlineData("e4m3", 0x7eu, 0x43e00000u)] // 448
    [InlineData("e4m3", 0x01u, 0x3b000000u)] // 2^-9
    [InlineData("e5m2", 0x7cu, 0x7f800000u)]
    [InlineData("e5m2", 0x7bu, 0x47600000u)] // 57344
    [InlineData("e5m2", 0x81u, 0xb7800000u)] // -2^-16
    public void Special_values_of_eight_bits(string type, uint value, uint expected)
    {
        var one = type == "e4m3" ? 0x38u : 0x3cu;
        var d = RunOn("m16n8k32", $"f32.{type}.{type}.f32", Of("m16n8k32", 8), Only(16, 32, 7, 3, value), Only(32, 8, 3, 2, one), new uint[16, 8], 32);
        Assert.Equal(expected, d[7, 2]);
    }

    [Fact]
    public void Sources_may_be_destinations()
    {
        // D overwrites A and B; the sum must not see it.
        var layout = Of("m16n8k16", 16);
        var random = new Random(3);
        var a = Fill(16, 16, () => Encode("f16", random.Next(-4, 5)));
        var b = Fill(16, 8, () => Encode("f16", random.Next(-4, 5)));
        var expected = RunOn("m16n8k16", "f32.f16.f16.f32", layout, a, b, new uint[16, 8], 32);
        uint[] registers = [.. Pack(a, 8, 16, layout.A), .. Pack(b, 4, 16, layout.B)];
        var d = new uint[4 * 32];
        PtxKernel.Run(32, PtxKernel.Text(
            Loads("%r", 6, 0) + """
            mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%r4, %r0, %r5, %r1}, {%r0, %r1, %r2, %r3}, {%r4, %r5}, {0f00000000, 0f00000000, 0f00000000, 0f00000000};
            st.global.b32 [%d1], %r4; st.global.b32 [%d1+128], %r0; st.global.b32 [%d1+256], %r5; st.global.b32 [%d1+384], %r1;
            """, 2), registers, d);
        Assert.Equal(expected, Unpack(d, 16, 8, 4, 32, Shape.C));
    }

    [Fact]
    public void Paths_of_a_warp_come_together()
    {
        var ones = Enumerable.Repeat(0x3c003c00u, 6 * 32).ToArray();
        var d = new uint[32];
        PtxKernel.Run(32, PtxKernel.Text(
            Loads("%r", 6, 0) + """
            setp.lt.u32 %q0, %lane, 11;
            mov.b32 %f0, 0f00000000;
            @%q0 bra LOW;
            mov.b32 %f0, 0f3f800000;
            bra BOTH;
            LOW:
            mov.b32 %f0, 0f40000000;
            BOTH:
            mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%r0, %r1, %r2, %r3}, {%r4, %r5}, {%f0, %f0, %f0, %f0};
            st.global.f32 [%d1], %f0;
            """, 2), ones, d);
        Assert.Equal(Enumerable.Range(0, 32).Select(lane => BitConverter.SingleToUInt32Bits(lane < 11 ? 18 : 17)), d);
    }

    [Theory]
    [InlineData(32, "setp.lt.u32 %q0, %lane, 11; @%q0", "lanes 0x000007ff")]
    [InlineData(16, "", "needs all 32 threads")]
    [InlineData(32, "setp.lt.u32 %q0, %lane, 11; @%q0 exit;", "needs all 32 threads")]
    public void Part_of_a_warp_cannot_multiply(int threads, string before, string report)
    {
        var text = PtxKernel.Text(before + " mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%r0, %r1}, {%r2}, {%f0, %f1, %f2, %f3};", 0);
        var fault = Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(threads, text));
        Assert.Contains(report, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_warp_whose_guard_is_false_skips_it()
    {
        var d = new uint[32];
        PtxKernel.Run(32, PtxKernel.Text(
            Loads("%f", 1, 0) + """
            setp.lt.u32 %q0, %lane, 0;
            @%q0 mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1, %f1, %f2, %f3}, {%r0, %r1}, {%r2}, {%f0, %f0, %f0, %f0};
            mov.b32 %f1, 0f3f800000;
            st.global.f32 [%d0], %f1;
            """, 1), d);
        Assert.All(d, x => Assert.Equal(0x3f800000u, x));
    }

    [Theory]
    [InlineData(75, "m16n8k16.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1,%r2,%r3}, {%r4,%r5}, {%f0,%f1,%f2,%f3}", "sm_80")]
    [InlineData(75, "m16n8k8.row.col.f32.bf16.bf16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1}, {%r4}, {%f0,%f1,%f2,%f3}", "sm_80")]
    [InlineData(80, "m16n8k32.row.col.f32.e4m3.e4m3.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1,%r2,%r3}, {%r4,%r5}, {%f0,%f1,%f2,%f3}", "sm_89")]
    [InlineData(80, "m16n8k16.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1}, {%r4,%r5}, {%f0,%f1,%f2,%f3}", "mismatch")]
    [InlineData(80, "m16n8k16.row.row.f32.f16.f16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1,%r2,%r3}, {%r4,%r5}, {%f0,%f1,%f2,%f3}", "not supported")]
    [InlineData(80, "m16n8k16.row.col.f32.f16.bf16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1,%r2,%r3}, {%r4,%r5}, {%f0,%f1,%f2,%f3}", "not supported")]
    [InlineData(80, "m16n8k16.row.col.f32.f16.f16.f16 {%f0,%f1,%f2,%f3}, {%r0,%r1,%r2,%r3}, {%r4,%r5}, {%r0,%r1}", "not supported")]
    [InlineData(80, "m16n8k64.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1,%r2,%r3}, {%r4,%r5}, {%f0,%f1,%f2,%f3}", "not supported")]
    public void What_the_device_or_the_emulator_lacks_fails_the_load(int target, string form, string reason)
    {
        var error = Assert.Throws<PtxException>(() => PtxKernel.Run(32, PtxKernel.Text($"\nmma.sync.aligned.{form};", 0, target)));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Equal(11, error.Line);
    }

    [Theory]
    [InlineData("m16n8k16", "f32.f16.f16.f32", 0x3c003c00u, 16)]
    [InlineData("m16n8k16", "f32.bf16.bf16.f32", 0x3f803f80u, 16)]
    [InlineData("m16n8k32", "s32.s8.s8.s32", 0x01010101u, 32)]
    public void Speed(string shape, string types, uint ones, int k)
    {
        const int Rounds = 5_000;
        var words = Enumerable.Repeat(ones, 6 * 32).ToArray();
        var d = new uint[8 * 32];
        var type = types[..3] == "f32" ? "f" : "r1";
        string Sum(int i) => $"{{%{type}{i}, %{type}{i + 1}, %{type}{i + 2}, %{type}{i + 3}}}";
        string Mma(int i) => $"mma.sync.aligned.{shape}.row.col.{types} {Sum(i)}, {{%r0, %r1, %r2, %r3}}, {{%r4, %r5}}, {Sum(i)};\n";
        var zeros = string.Concat(Enumerable.Range(0, 8).Select(i => $"mov.b32 %{type}{i}, 0; "));
        var text = PtxKernel.Text(Loads("%r", 6, 0) + zeros + $"mov.u32 %r90, 0;\nAGAIN:\n{Mma(0)}{Mma(4)}{Mma(0)}{Mma(4)}add.u32 %r90, %r90, 1;\nsetp.lt.u32 %q0, %r90, {Rounds};\n@%q0 bra AGAIN;\n"
            + string.Concat(Enumerable.Range(0, 8).Select(i => $"st.global.b32 [%d1+{128 * i}], %{type}{i};\n")), 2);
        var best = TimeSpan.MaxValue;
        for (var run = 0; run < 5; run++)
        {
            var watch = Stopwatch.StartNew();
            PtxKernel.Run(32, text, words, d);
            best = watch.Elapsed < best ? watch.Elapsed : best;
            Thread.Sleep(50); // the JIT compiler's second thoughts
        }

        output.WriteLine($"mma {shape} {types}: {2.0 * 16 * 8 * k * 4 * Rounds / best.TotalSeconds / 1e9:f1} GFLOP/s on one core");
        Assert.All(d, x => Assert.Equal(2f * k * Rounds, types[..3] == "f32" ? BitConverter.UInt32BitsToSingle(x) : (int)x));
    }

    // Registers name0 … from a buffer [register][lane]; leaves in %d<buffer> the lane's place in each buffer.
    private static string Loads(string name, int count, int buffer) =>
        "mul.wide.u32 %d9, %lane, 4; add.u64 %d0, %p0, %d9; add.u64 %d1, %p1, %d9; add.u64 %d2, %p2, %d9; add.u64 %d3, %p3, %d9;\n"
        + string.Concat(Enumerable.Range(0, count).Select(i => $"ld.global.b32 {name}{i}, [%d{buffer}+{128 * i}];\n"));

    private static (float[,] D, float[,] A, float[,] B, float[,] C) Multiply(string shape, string types, Random random, Func<Random, string, uint> next)
    {
        var names = types.Split('.');
        var layout = Of(shape, Bits(names[1]));
        var a = Fill(layout.M, layout.K, () => next(random, names[1]));
        var b = Fill(layout.K, Shape.N, () => next(random, names[2]));
        var c = Fill(layout.M, Shape.N, () => next(random, names[3]));
        var d = RunOn(shape, types, layout, a, b, c, Bits(names[0]));
        return (Map(d, names[0]), Map(a, names[1]), Map(b, names[2]), Map(c, names[3]));
    }

    private static uint[,] RunOn(string shape, string types, Shape layout, uint[,] a, uint[,] b, uint[,] c, int sumBits, string option = "")
    {
        var registersOfA = Pack(a, layout.ElementsOfA, layout.BitsPerElement, layout.A);
        var registersOfB = Pack(b, layout.ElementsOfB, layout.BitsPerElement, layout.B);
        var registersOfC = Pack(c, layout.ElementsOfC, sumBits, Shape.C);
        var d = new uint[registersOfC.Length];
        static string List(string name, uint[] registers) => $"{{{string.Join(", ", Enumerable.Range(0, registers.Length / 32).Select(i => name + i))}}}";
        PtxKernel.Run(32, PtxKernel.Text(
            Loads("%r1", registersOfA.Length / 32, 0) + Loads("%r2", registersOfB.Length / 32, 1) + Loads("%r3", registersOfC.Length / 32, 2)
            + $"mma.sync.aligned.{shape}.row.col{option}.{types} {List("%r4", d)}, {List("%r1", registersOfA)}, {List("%r2", registersOfB)}, {List("%r3", registersOfC)};\n"
            + string.Concat(Enumerable.Range(0, d.Length / 32).Select(i => $"st.global.b32 [%d3+{128 * i}], %r4{i};\n")), 4),
            registersOfA, registersOfB, registersOfC, d);
        return Unpack(d, layout.M, Shape.N, layout.ElementsOfC, sumBits, Shape.C);
    }

    private static uint[,] Fill(int rows, int columns, Func<uint> next)
    {
        var matrix = new uint[rows, columns];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                matrix[i, j] = next();
            }
        }

        return matrix;
    }

    private static uint[,] Only(int rows, int columns, int row, int column, uint value)
    {
        var matrix = new uint[rows, columns];
        matrix[row, column] = value;
        return matrix;
    }

    private static float[,] Map(uint[,] bits, string type)
    {
        var matrix = new float[bits.GetLength(0), bits.GetLength(1)];
        for (var i = 0; i < matrix.GetLength(0); i++)
        {
            for (var j = 0; j < matrix.GetLength(1); j++)
            {
                matrix[i, j] = Decode(type, bits[i, j]);
            }
        }

        return matrix;
    }
}
