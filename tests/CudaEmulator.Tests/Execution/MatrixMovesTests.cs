using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

public class MatrixMovesTests
{
    private const int SharedWords = 1024;

    // What of a fragment's register lane has: the manual's picture has elements 2t and 2t + 1 of row r in lane 4r + t.
    private static (int Row, int Column) ElementOf(int lane, int half) => (lane / 4, 2 * (lane % 4) + half);

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(4, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(4, true)]
    public void Ldmatrix_gives_each_lane_its_elements(int count, bool transposes)
    {
        var random = new Random(count);
        for (var form = 0; form < 4; form++)
        {
            var memory = Noise(random, SharedWords);
            var rows = RowAddresses(random, count);
            var result = new uint[32 * count];
            var trans = transposes ? ".trans" : "";
            PtxKernel.Run(32, PtxKernel.Text(Fill + form switch
            {
                0 => $"add.u32 %r1, %s, %r0; ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {List("%r1", count)}, [%r1];\n",
                1 => $"add.u32 %r1, %s, %r0; cvt.u64.u32 %d1, %r1; ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared::cta.b16 {List("%r1", count)}, [%d1];\n",
                2 => $"add.u32 %r1, %s, %r0; cvt.u64.u32 %d1, %r1; cvta.shared.u64 %d1, %d1; sub.u64 %d1, %d1, 64; ldmatrix.sync.aligned.m8n8.x{count}{trans}.b16 {List("%r1", count)}, [%d1+64];\n",
                _ => $"add.u32 %r1, %s, %r0; sub.u32 %r1, %r1, 32; ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {List("%r1", count)}, [%r1+32];\n",
            } + string.Concat(Enumerable.Range(0, count).Select(i => $"st.global.b32 [%d2+{128 * i}], %r1{i};\n")), 3),
                memory, rows, result);
            for (var matrix = 0; matrix < count; matrix++)
            {
                for (var lane = 0; lane < 32; lane++)
                {
                    uint expected = 0;
                    for (var half = 0; half < 2; half++)
                    {
                        var (row, column) = ElementOf(lane, half);
                        expected |= (uint)(transposes ? Element(memory, rows, matrix, column, row) : Element(memory, rows, matrix, row, column)) << (16 * half);
                    }

                    Assert.Equal(expected, result[32 * matrix + lane]);
                }
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
    public void Stmatrix_stores_each_lanes_elements(int count, bool transposes)
    {
        var random = new Random(count);
        var before = Noise(random, SharedWords);
        var rows = RowAddresses(random, count);
        var registers = Noise(random, 32 * count);
        var after = new uint[SharedWords];
        PtxKernel.Run(32, PtxKernel.Text(Fill
            + string.Concat(Enumerable.Range(0, count).Select(i => $"ld.global.b32 %r1{i}, [%d2+{128 * i}];\n"))
            + $"add.u32 %r1, %s, %r0; stmatrix.sync.aligned.m8n8.x{count}{(transposes ? ".trans" : "")}.shared.b16 [%r1], {List("%r1", count)};\n"
            + Dump, 4), before, rows, registers, after);
        var expected = (uint[])before.Clone();
        for (var matrix = 0; matrix < count; matrix++)
        {
            for (var lane = 0; lane < 32; lane++)
            {
                for (var half = 0; half < 2; half++)
                {
                    var (row, column) = ElementOf(lane, half);
                    (row, column) = transposes ? (column, row) : (row, column);
                    var at = rows[8 * matrix + row] + 2 * column;
                    var shift = 8 * (int)(at % 4);
                    expected[at / 4] = (expected[at / 4] & ~(0xffffu << shift)) | ((registers[32 * matrix + lane] >> (16 * half) & 0xffff) << shift);
                }
            }
        }

        Assert.Equal(expected, after);
    }

    [Fact]
    public void Movmatrix_transposes()
    {
        var a = Noise(new Random(7), 32);
        var d = new uint[32];
        PtxKernel.Run(32, PtxKernel.Text(
            """
            mul.wide.u32 %d9, %lane, 4; add.u64 %d0, %p0, %d9; add.u64 %d1, %p1, %d9;
            ld.global.b32 %r0, [%d0];
            movmatrix.sync.aligned.m8n8.trans.b16 %r1, %r0;
            st.global.b32 [%d1], %r1;
            movmatrix.sync.aligned.m8n8.trans.b16 %r1, %r1;
            st.global.b32 [%d0], %r1;
            """, 2), a, d);
        var original = Noise(new Random(7), 32);
        var before = MatrixFragments.Unpack(original, 8, 8, 2, 16, (g, t, i) => (g, 2 * t + i));
        var after = MatrixFragments.Unpack(d, 8, 8, 2, 16, (g, t, i) => (g, 2 * t + i));
        for (var i = 0; i < 64; i++)
        {
            Assert.Equal(before[i / 8, i % 8], after[i % 8, i / 8]);
        }

        Assert.Equal(original, a); // twice is once back
    }

    [Theory]
    [InlineData(8, 3, "shared address 0x8 is not a multiple of 16", CudaResult.MisalignedAddress)]
    [InlineData(4096, 7, "beyond the 4096 bytes of shared memory", CudaResult.IllegalAddress)]
    [InlineData(-16, 0, "beyond the 4096 bytes of shared memory", CudaResult.IllegalAddress)]
    public void Rows_out_of_place_are_faults(int address, int lane, string report, CudaResult result)
    {
        foreach (var instruction in new[] { "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r1]", "stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r1], {%r2}" })
        {
            var fault = Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(32, PtxKernel.Text(
                $"mul.lo.u32 %r1, %lane, 16; setp.eq.u32 %q0, %lane, {lane}; @%q0 mov.b32 %r1, {address}; {instruction};", 0)));
            Assert.Equal(result, fault.Result);
            Assert.Contains(report, fault.Message, StringComparison.Ordinal);
            Assert.Contains($"thread ({lane},0,0)", fault.Message, StringComparison.Ordinal);
            Assert.Contains(instruction.Split(' ')[0], fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Generic_addresses_must_point_into_shared_memory()
    {
        var global = new uint[64];
        var text = PtxKernel.Text("ldmatrix.sync.aligned.m8n8.x1.b16 {%r2}, [%p0];", 1);
        Assert.Equal(CudaResult.IllegalAddress, Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(32, text, global)).Result);
    }

    [Fact]
    public void Half_a_warp_cannot_move_matrices()
    {
        foreach (var instruction in new[] { "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%s]", "movmatrix.sync.aligned.m8n8.trans.b16 %r2, %r1" })
        {
            var fault = Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(16, PtxKernel.Text(instruction + ";", 0)));
            Assert.Contains("needs all 32 threads", fault.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(80, "stmatrix.sync.aligned.m8n8.x1.shared.b16 [%s], {%r0}", "sm_90")]
    [InlineData(90, "ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r0}, [%s]", "mismatch")]
    [InlineData(90, "ldmatrix.sync.aligned.m8n8.x1.global.b16 {%r0}, [%p0]", "not supported")]
    [InlineData(90, "ldmatrix.sync.aligned.m16n16.x1.trans.shared.b8 {%r0, %r1}, [%s]", "not supported")]
    [InlineData(90, "ldmatrix.sync.aligned.m8n8.x3.shared.b16 {%r0, %r1, %r2}, [%s]", "not supported")]
    public void What_the_device_or_the_emulator_lacks_fails_the_load(int target, string instruction, string reason)
    {
        var error = Assert.Throws<PtxException>(() => PtxKernel.Run(32, PtxKernel.Text(instruction + ";", 0, target)));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    // Copies the first buffer to shared memory, loads the lane's word of the second to %r0; the third's place is in %d2.
    private const string Fill =
        """
        mul.wide.u32 %d9, %lane, 4; mov.u32 %r90, %lane;
        FILL:
        mul.wide.u32 %d8, %r90, 4; add.u64 %d7, %p0, %d8; ld.global.b32 %r91, [%d7];
        shl.b32 %r92, %r90, 2; add.u32 %r92, %s, %r92; st.shared.b32 [%r92], %r91;
        add.u32 %r90, %r90, 32; setp.lt.u32 %q0, %r90, 1024; @%q0 bra FILL;
        bar.sync 0;
        add.u64 %d1, %p1, %d9; ld.global.b32 %r0, [%d1]; add.u64 %d2, %p2, %d9;

        """;

    // Copies shared memory to the fourth buffer.
    private const string Dump =
        """
        bar.sync 0; mov.u32 %r90, %lane;
        DUMP:
        shl.b32 %r92, %r90, 2; add.u32 %r92, %s, %r92; ld.shared.b32 %r91, [%r92];
        mul.wide.u32 %d8, %r90, 4; add.u64 %d7, %p3, %d8; st.global.b32 [%d7], %r91;
        add.u32 %r90, %r90, 32; setp.lt.u32 %q0, %r90, 1024; @%q0 bra DUMP;

        """;

    private static string List(string name, int count) => $"{{{string.Join(", ", Enumerable.Range(0, count).Select(i => name + i))}}}";

    private static uint[] Noise(Random random, int words) => [.. Enumerable.Range(0, words).Select(_ => (uint)random.NextInt64(1L << 32))];

    // Different rows, anywhere; lanes that are not asked have addresses that would be faults.
    private static uint[] RowAddresses(Random random, int count)
    {
        var rows = Enumerable.Range(0, 4 * SharedWords / 16).Select(i => (uint)(16 * i)).ToArray();
        random.Shuffle(rows);
        return [.. rows.Take(8 * count), .. Enumerable.Repeat(0x123457u, 32 - 8 * count)];
    }

    private static ushort Element(uint[] memory, uint[] rows, int matrix, int row, int column)
    {
        var at = rows[8 * matrix + row] + 2 * column;
        return (ushort)(memory[at / 4] >> (8 * (int)(at % 4)));
    }
}
