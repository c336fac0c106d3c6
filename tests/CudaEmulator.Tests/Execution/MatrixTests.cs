using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>
/// mma and matrix moves against plain matrix products. Fragments are built by the formulas of the PTX manual
/// ("Matrix Fragments for mma.m16n8k16" and so on), element by element: row and column for lane and register index.
/// </summary>
public class MatrixTests
{
    private static readonly Random Random = new(20);

    public static TheoryData<string, string, int, int> FloatShapes => new()
    {
        { "m16n8k8", "f16", 8, 2 },
        { "m16n8k16", "f16", 16, 2 },
        { "m16n8k8", "bf16", 8, 2 },
        { "m16n8k16", "bf16", 16, 2 },
        { "m16n8k4", "tf32", 4, 1 },
        { "m16n8k8", "tf32", 8, 1 },
    };

    [Theory]
    [MemberData(nameof(FloatShapes))]
    public void Float_products_match_plain_ones(string shape, string type, int k, int packed)
    {
        var a = Matrix(16, k);
        var b = Matrix(k, 8);
        var c = Matrix(16, 8);
        var d = Multiply(shape, $"f32.{type}.{type}.f32", k, packed, (i, j) => Bits(a[i, j], type), (i, j) => Bits(b[i, j], type), (i, j) => Bits(c[i, j], "f32"));
        for (var i = 0; i < 16; i++)
        {
            for (var j = 0; j < 8; j++)
            {
                var exact = Enumerable.Range(0, k).Sum(x => (double)Rounded(a[i, x], type) * Rounded(b[x, j], type)) + c[i, j];
                Assert.Equal(exact, BitConverter.UInt32BitsToSingle(d[i, j]), 1e-5);
            }
        }
    }

    [Theory]
    [InlineData("m16n8k16", 16, "s8", "s8")]
    [InlineData("m16n8k32", 32, "s8", "s8")]
    [InlineData("m16n8k32", 32, "u8", "s8")]
    [InlineData("m16n8k16", 16, "s8", "u8")]
    public void Integer_products_are_exact(string shape, int k, string typeA, string typeB)
    {
        var a = Bytes(16, k, typeA);
        var b = Bytes(k, 8, typeB);
        var c = Bytes(16, 8, "s8");
        var d = Multiply(shape, $"s32.{typeA}.{typeB}.s32", k, 4, (i, j) => (uint)a[i, j], (i, j) => (uint)b[i, j], (i, j) => (uint)c[i, j]);
        for (var i = 0; i < 16; i++)
        {
            for (var j = 0; j < 8; j++)
            {
                Assert.Equal(Enumerable.Range(0, k).Sum(x => a[i, x] * b[x, j]) + c[i, j], (int)d[i, j]);
            }
        }
    }

    [Fact]
    public void Half_accumulators_are_rounded_at_the_end()
    {
        const int K = 16;
        var a = Matrix(16, K);
        var b = Matrix(K, 8);
        var c = Matrix(16, 8);
        var registers = Pack(4, (r, e, g, t) => Bits(a[g + 8 * (r & 1), 8 * (r / 2) + 2 * t + e], "f16"), 2)
            .Concat(Pack(2, (r, e, g, t) => Bits(b[8 * r + 2 * t + e, g], "f16"), 2))
            .Concat(Pack(2, (r, e, g, t) => Bits(c[g + 8 * r, 2 * t + e], "f16"), 2)).ToArray();
        var d = RunOnFragments(registers, 2, "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%r0,%r1}, {%a,%b,%c,%i3}, {%i4,%i5}, {%i6,%i7};");
        for (var lane = 0; lane < 32; lane++)
        {
            for (var i = 0; i < 4; i++)
            {
                var (row, column) = (lane / 4 + 8 * (i / 2), lane % 4 * 2 + i % 2);
                var exact = Enumerable.Range(0, K).Sum(x => (double)Rounded(a[row, x], "f16") * Rounded(b[x, column], "f16")) + Rounded(c[row, column], "f16");
                var half = (double)BitConverter.UInt16BitsToHalf((ushort)(d[i / 2][lane] >> (16 * (i % 2))));
                Assert.Equal(exact, half, Math.Abs(exact) / 1000 + 1e-5);
            }
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(4, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(4, true)]
    public void Ldmatrix_distributes_rows(int count, bool transposed)
    {
        // Row r of matrix m begins at half (8m + r) * 40 mod 512: rows lie anyhow, aligned to 16 bytes.
        ushort[] memory = [.. Enumerable.Range(0, 1024).Select(i => (ushort)(i * 7 + 3))];
        uint[][] words = [.. Enumerable.Range(0, 16).Select(x => Enumerable.Range(0, 32).Select(
            lane => memory[lane * 32 + 2 * x] | (uint)memory[lane * 32 + 2 * x + 1] << 16).ToArray())];
        var fill = string.Concat(Enumerable.Range(0, 16).Select(x => $"st.shared.b32 [%t0+{4 * x}], {Snippet.Register(x)};\n"));
        var targets = string.Join(',', Enumerable.Range(0, count).Select(i => $"%t{4 + i}"));
        for (var matrix = 0; matrix < count; matrix++)
        {
            var d = Snippet.Run<uint>(
                $$"""
                shl.b32 %t0, %lane, 6;
                mov.u32 %t1, buffer;
                add.u32 %t0, %t0, %t1;
                {{fill}}
                bar.warp.sync 0xffffffff;
                mul.lo.u32 %t0, %lane, 80;
                and.b32 %t0, %t0, 1023;
                add.u32 %t0, %t0, %t1;
                ldmatrix.sync.aligned.m8n8.x{{count}}{{(transposed ? ".trans" : "")}}.shared.b16 { {{targets}} }, [%t0];
                mov.b32 %d, %t{{4 + matrix}};
                """, words);
            for (var lane = 0; lane < 32; lane++)
            {
                ushort Element(int row, int column) => memory[(8 * matrix + row) * 40 % 512 + column];
                var (r, c) = (lane / 4, lane % 4 * 2);
                var expected = transposed ? Element(c, r) | (uint)Element(c + 1, r) << 16 : Element(r, c) | (uint)Element(r, c + 1) << 16;
                Assert.Equal(expected, d[lane]);
            }
        }
    }

    [Fact]
    public void Stmatrix_is_ldmatrix_backwards_and_movmatrix_transposes()
    {
        uint[] a = [.. Enumerable.Range(0, 32).Select(i => (uint)(i * 0x10003 + 5))];
        const string Rows = "mov.u32 %t1, buffer; shl.b32 %t0, %lane, 4; and.b32 %t0, %t0, 127; add.u32 %t0, %t0, %t1;";
        Assert.Equal(a, Snippet.Run<uint>(
            Rows + "stmatrix.sync.aligned.m8n8.x1.shared.b16 [%t0], {%a}; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%d}, [%t0];", a));
        var transposed = Snippet.Run<uint>("movmatrix.sync.aligned.m8n8.trans.b16 %d, %a;", a);
        Assert.Equal(transposed, Snippet.Run<uint>(
            Rows + "stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%t0], {%a}; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%d}, [%t0];", a));
        for (var lane = 0; lane < 32; lane++)
        {
            for (var e = 0; e < 2; e++)
            {
                var (row, column) = (lane / 4, lane % 4 * 2 + e);
                var source = a[column * 4 + row / 2] >> (16 * (row % 2)) & 0xffff;
                Assert.Equal(source, transposed[lane] >> (16 * e) & 0xffff);
            }
        }
    }

    private static uint[,] Multiply(
        string shape, string types, int k, int packed, Func<int, int, uint> a, Func<int, int, uint> b, Func<int, int, uint> c)
    {
        // Columns of A that one register covers: 4 lanes of `packed` elements.
        var n = k / (4 * packed);
        var registers = Pack(2 * n, (r, e, g, t) => a(g + 8 * (r & 1), 4 * packed * (r / 2) + packed * t + e), packed)
            .Concat(Pack(n, (r, e, g, t) => b(4 * packed * r + packed * t + e, g), packed))
            .Concat(Pack(4, (r, e, g, t) => c(g + 8 * (r / 2), 2 * t + (r & 1)), 1)).ToArray();
        static string List(int first, int count) => string.Join(',', Enumerable.Range(first, count).Select(Snippet.Register));
        var d = RunOnFragments(registers, 4, $"mma.sync.aligned.{shape}.row.col.{types} {{%r0,%r1,%r2,%r3}}, {{{List(0, 2 * n)}}}, {{{List(2 * n, n)}}}, {{{List(3 * n, 4)}}};");
        var result = new uint[16, 8];
        for (var lane = 0; lane < 32; lane++)
        {
            for (var r = 0; r < 4; r++)
            {
                result[lane / 4 + 8 * (r / 2), lane % 4 * 2 + (r & 1)] = d[r][lane];
            }
        }

        return result;
    }

    // Registers of all lanes: the elements that `element` tells for (register, element, g, t), packed from the lowest bits up.
    private static IEnumerable<uint[]> Pack(int registers, Func<int, int, int, int, uint> element, int packed) =>
        Enumerable.Range(0, registers).Select(r => Enumerable.Range(0, 32).Select(lane => Enumerable.Range(0, packed).Aggregate(
            0u, (bits, e) => bits | (element(r, e, lane / 4, lane % 4) & (uint)(uint.MaxValue >> (32 - 32 / packed))) << (32 / packed * e))).ToArray());

    private static uint[][] RunOnFragments(uint[][] registers, int results, string instruction)
    {
        return [.. Enumerable.Range(0, results).Select(r => Snippet.Run<uint>(
            $".reg .b32 %r<{results}>;\n{instruction}\nmov.b32 %d, %r{r};", registers))];
    }

    private static float[,] Matrix(int rows, int columns)
    {
        var matrix = new float[rows, columns];
        for (var i = 0; i < matrix.Length; i++)
        {
            matrix[i / columns, i % columns] = (float)(Random.NextDouble() * 2 - 1);
        }

        return matrix;
    }

    private static int[,] Bytes(int rows, int columns, string type)
    {
        var matrix = new int[rows, columns];
        for (var i = 0; i < matrix.Length; i++)
        {
            matrix[i / columns, i % columns] = type == "s8" ? Random.Next(-128, 128) : Random.Next(0, 256);
        }

        return matrix;
    }

    private static uint Bits(float value, string type) => type switch
    {
        "f16" => BitConverter.HalfToUInt16Bits((Half)value),
        "bf16" => BitConverter.SingleToUInt32Bits(value) >> 16,
        _ => BitConverter.SingleToUInt32Bits(value),
    };

    private static float Rounded(float value, string type) => type switch
    {
        "f16" => (float)(Half)value,
        "bf16" => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xffff0000),
        "tf32" => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xffffe000),
        _ => value,
    };
}
