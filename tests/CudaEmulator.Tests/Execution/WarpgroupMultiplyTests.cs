using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>wgmma beside a plain product, in every layout that its factors may have in shared memory.</summary>
public class WarpgroupMultiplyTests
{
    private const int Rows = 64, Threads = 128;

    /// <summary>A layout by the bytes of its swizzle, 16 for none, and whether rows of k lie behind each other or k's of a row.</summary>
    /// <remarks>Written down as the manual draws it: pieces of eight rows by so many bytes, in which chunks of 16 change places.</remarks>
    private sealed record Layout(int Bytes, bool IsTransposed, int Width, int Depth)
    {
        private int PieceBytes => 8 * Bytes;

        // Elements of a piece along the direction in which memory goes.
        private int Across => Bytes / 2;

        private int Along => IsTransposed ? Width : Depth; // the direction in which memory goes

        private int Other => IsTransposed ? Depth : Width;

        public int TotalBytes => 2 * Width * Depth;

        /// <summary>Pieces lie one behind the other, first those that are side by side.</summary>
        public int PlaceOf(int row, int k)
        {
            var (along, other) = IsTransposed ? (row, k) : (k, row);
            var piece = other / 8 * (Along / Across) + along / Across;
            var chunk = along % Across / 8 ^ (other % 8 * Bytes / 128);
            return piece * PieceBytes + other % 8 * Bytes + chunk * 16 + along % 8 * 2;
        }

        /// <summary>The descriptor of the elements from depth <paramref name="k"/> on.</summary>
        public ulong Descriptor(int start, int k)
        {
            var toNextAlong = (ulong)PieceBytes / 16;
            var toNextOther = (ulong)(Along / Across * PieceBytes) / 16;
            var mode = Bytes switch { 16 => 0ul, 128 => 1ul, 64 => 2ul, _ => 3ul };
            var first = start + (IsTransposed ? k / 8 * Along / Across * PieceBytes : k / Across * PieceBytes + k % Across * 2);
            var (leading, stride) = (Bytes, IsTransposed) switch
            {
                (16, true) => (toNextOther, toNextAlong), // without a swizzle the stride leads to the next rows, whichever way they lie
                _ => (toNextAlong, toNextOther),
            };
            return (ulong)first / 16 | leading << 16 | stride << 32 | mode << 62;
        }
    }

    public static TheoryData<int, int, bool, bool> Layouts
    {
        get
        {
            TheoryData<int, int, bool, bool> layouts = [];
            foreach (var bytes in new[] { 16, 32, 64, 128 })
            {
                foreach (var isTransposed in new[] { false, true })
                {
                    layouts.Add(bytes, 128, isTransposed, false);
                    layouts.Add(bytes, 64, false, isTransposed);
                }
            }

            return layouts;
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Products_are_those_of_the_definition_in_every_layout(int bytes, int columns, bool transposesA, bool transposesB) =>
        Check("f16", columns, new(bytes, transposesA, Rows, 64), new(bytes, transposesB, columns, 64));

    [Theory]
    [InlineData("f16", 8)]
    [InlineData("f16", 24)]
    [InlineData("f16", 256)]
    [InlineData("bf16", 8)]
    [InlineData("bf16", 200)]
    public void Products_are_those_of_the_definition_for_all_widths(string type, int columns) =>
        Check(type, columns, new(128, false, Rows, 64), new(128, false, columns, 64));

    [Fact]
    public void Factors_may_have_different_swizzles() =>
        Check("f16", 64, new(32, true, Rows, 32), new(64, false, 64, 32));

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(-1, 1, -1)]
    [InlineData(1, -1, -1)]
    [InlineData(-1, -1, 1)]
    public void Factors_may_be_negated(int signA, int signB, int sign)
    {
        Layout a = new(128, false, Rows, 64), b = new(128, false, 8, 64);
        Check("f16", 8, a, b, signA, signB, sign);
    }

    [Theory]
    [InlineData("m64n12k16.f32.f16.f16", 6, "%d1", "1, 1, 0, 0", "not supported in this form")]
    [InlineData("m64n264k16.f32.f16.f16", 132, "%d1", "1, 1, 0, 0", "not supported in this form")]
    [InlineData("m64n8k16.f32.f16.bf16", 4, "%d1", "1, 1, 0, 0", "not supported in this form")]
    [InlineData("m64n8k16.f16.f16.f16", 2, "%d1", "1, 1, 0, 0", "not supported in this form")]
    [InlineData("m64n8k16.f32.f16.f16", 2, "%d1", "1, 1, 0, 0", "mismatch")]
    [InlineData("m64n8k16.f32.f16.f16", 4, "%d1", "1, 2, 0, 0", "mismatch")]
    [InlineData("m64n8k16.f32.f16.f16", 4, "%r1", "1, 1, 0, 0", "mismatch")]
    [InlineData("m64n8k16.f32.f16.f16", 4, "%d1", "1, 1, 0", "operands")]
    [InlineData("m64n8k16.f32.f16.f16", 4, "{%r1, %r2, %r3, %r4}", "1, 1, 0, 0", "both have to be in shared memory")]
    public void Other_forms_fail_the_load(string form, int sums, string a, string immediates, string reason)
    {
        var text = Text($".reg .f32 %sum<{sums}>;\nwgmma.mma_async.sync.aligned.{form} {List(sums)}, {a}, %d2, 1, {immediates};", 0);
        Assert.Contains(reason, Assert.Throws<PtxException>(() => PtxKernel.Run(Threads, text)).Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Only_one_architecture_has_it()
    {
        var text = Text("wgmma.fence.sync.aligned;", 0);
        PtxVerifier.Verify(PtxParser.Parse(text), 90);
        var error = Assert.Throws<PtxException>(() => PtxVerifier.Verify(PtxParser.Parse(text.Replace("sm_90a", "sm_90", StringComparison.Ordinal)), 90));
        Assert.Contains("requires .target sm_90a", error.Message, StringComparison.Ordinal);
        Assert.Throws<PtxException>(() => PtxVerifier.Verify(PtxParser.Parse(text), 100));
    }

    /// <summary>A kernel of <see cref="PtxKernel.Text"/> for the target that has wgmma.</summary>
    internal static string Text(string lines, int buffers, int shared = 4096) =>
        PtxKernel.Text(lines, buffers, shared: shared).Replace(".target sm_90", ".target sm_90a", StringComparison.Ordinal);

    /// <summary>{%sum0, %sum1, ...}</summary>
    internal static string List(int sums) => $"{{{string.Join(", ", Enumerable.Range(0, sums).Select(i => $"%sum{i}"))}}}";

    // Small integers: every product and sum is exact.
    private static void Check(string type, int columns, Layout layoutA, Layout layoutB, int signA = 1, int signB = 1, int sign = 1)
    {
        Random random = new(columns);
        int depth = layoutA.Depth, sums = columns / 2;
        var a = Fill(random, Rows, depth);
        var b = Fill(random, columns, depth);
        var memory = new byte[layoutA.TotalBytes + layoutB.TotalBytes];
        Put(memory.AsSpan(0, layoutA.TotalBytes), type, layoutA, a);
        Put(memory.AsSpan(layoutA.TotalBytes), type, layoutB, b);
        var d = new float[sums * Threads];

        // The first product takes the place of what is in the registers, the others are added.
        var products = string.Concat(Enumerable.Range(0, depth / 16).Select(step =>
            $"mov.b64 %d1, 0x{layoutA.Descriptor(0, 16 * step):x}; mov.b64 %d2, 0x{layoutB.Descriptor(layoutA.TotalBytes, 16 * step):x}; setp.ne.u32 %q1, {step}, 0;\n"
            + $"wgmma.mma_async.sync.aligned.m64n{columns}k16.f32.{type}.{type} {List(sums)}, %d1, %d2, %q1, {signA}, {signB}, {(layoutA.IsTransposed ? 1 : 0)}, {(layoutB.IsTransposed ? 1 : 0)};\n"));
        PtxKernel.Run(Threads, Text(
            $".reg .f32 %sum<{sums}>;\n"
            + string.Concat(Enumerable.Range(0, sums).Select(i => $"mov.f32 %sum{i}, 0f7fc00000;\n")) // NaN, which must not count
            + $"""
            mul.wide.u32 %d3, %thread, 16; add.u64 %d3, %p0, %d3; shl.b32 %r1, %thread, 4;
            COPY: setp.ge.u32 %q0, %r1, {memory.Length}; @%q0 bra COPIED;
            ld.global.v4.b32 {"{%r2, %r3, %r4, %r5}"}, [%d3]; add.u32 %r6, %s, %r1; st.shared.v4.b32 [%r6], {"{%r2, %r3, %r4, %r5}"};
            add.u64 %d3, %d3, {16 * Threads}; add.u32 %r1, %r1, {16 * Threads}; bra COPY;
            COPIED: fence.proxy.async; bar.sync 0;
            wgmma.fence.sync.aligned;
            {products}
            wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;
            mul.wide.u32 %d3, %thread, 4; add.u64 %d3, %p1, %d3;

            """
            + string.Concat(Enumerable.Range(0, sums).Select(i => $"st.global.f32 [%d3+{4 * Threads * i}], %sum{i};\n")), 2, shared: memory.Length), memory, d);

        for (var row = 0; row < Rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var expected = sign * Enumerable.Range(0, depth).Sum(k => a[row, k] * b[column, k]);
                // The manual's figure of D: warp, lane and register of an element.
                var thread = 32 * (row / 16) + 4 * (row % 8) + column % 8 / 2;
                var register = 4 * (column / 8) + 2 * (row % 16 / 8) + column % 2;
                Assert.Equal(expected, d[Threads * register + thread]);
            }
        }
    }

    private static float[,] Fill(Random random, int rows, int depth)
    {
        var matrix = new float[rows, depth];
        for (var i = 0; i < matrix.Length; i++)
        {
            matrix[i / depth, i % depth] = random.Next(-4, 5);
        }

        return matrix;
    }

    private static void Put(Span<byte> memory, string type, Layout layout, float[,] matrix)
    {
        for (var row = 0; row < matrix.GetLength(0); row++)
        {
            for (var k = 0; k < matrix.GetLength(1); k++)
            {
                var bits = type == "f16" ? BitConverter.HalfToUInt16Bits((Half)matrix[row, k]) : (ushort)(BitConverter.SingleToUInt32Bits(matrix[row, k]) >> 16);
                BitConverter.TryWriteBytes(memory[layout.PlaceOf(row, k)..], bits);
            }
        }
    }
}
