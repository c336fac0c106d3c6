using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>
/// A matmul as one writes it for tensor cores, C = A · B with A [64, 128], B [128, 64] in float16 and C [64, 64] in float32:
/// four warps with 32 x 32 of C each, tiles of 32 along k that cp.async brings while the tile before is being multiplied.
/// </summary>
public class TensorCoreMatmulTests
{
    private const int M = 64, N = 64, K = 128;

    // Shared memory: two stages, each A's tile (64 rows of 32 elements) and then B's (32 rows of 64 elements).
    private const int TileK = 32, TileOfA = M * TileK * 2, Stage = TileOfA + TileK * N * 2;

    [Fact]
    public void The_product_is_right()
    {
        var (a, b) = Matrices();
        var c = new float[M * N];
        PtxKernel.Run(128, Kernel("cp.async.wait_group 1;"), a, b, c);
        for (var m = 0; m < M; m++)
        {
            for (var n = 0; n < N; n++)
            {
                double exact = 0;
                float sum = 0;
                for (var k = 0; k < K; k++)
                {
                    exact += (double)a[m * K + k] * (double)b[k * N + n];
                    sum = MathF.FusedMultiplyAdd((float)a[m * K + k], (float)b[k * N + n], sum);
                }

                Assert.Equal(exact, c[m * N + n], 1e-4);
                Assert.Equal(sum, c[m * N + n]);
            }
        }
    }

    // The same kernel without the wait, or with a wait for one group too few, multiplies what was there before.
    [Theory]
    [InlineData("")]
    [InlineData("cp.async.wait_group 2;")]
    public void A_missing_wait_is_seen(string wait)
    {
        var (a, b) = Matrices();
        float[] right = new float[M * N], wrong = new float[M * N];
        PtxKernel.Run(128, Kernel("cp.async.wait_group 1;"), a, b, right);
        PtxKernel.Run(CheckSet.Default, 128, Kernel(wait), a, b, wrong);
        Assert.NotEqual(right, wrong);
        var fault = Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(128, Kernel(wait), a, b, wrong));
        Assert.Contains("a race with a copy", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_past_the_end_is_a_fault()
    {
        var (a, b) = Matrices();
        var fault = Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(128, Kernel("cp.async.wait_group 1;"), a[..^8], b, new float[M * N]));
        Assert.Equal(CudaResult.IllegalAddress, fault.Result);
        Assert.Contains("cp.async", fault.Message, StringComparison.Ordinal);
    }

    private static (Half[] A, Half[] B) Matrices()
    {
        Random random = new(11);
        Half[] Next(int count) => [.. Enumerable.Range(0, count).Select(_ => (Half)(2 * random.NextDouble() - 1))];
        return (Next(M * K), Next(K * N));
    }

    private static string Kernel(string wait) => PtxKernel.Text(
        $$"""
        // %r1: step; %r2: shared address of the stage to fill; %r3: of the one to multiply
        mov.u32 %r1, 0; mov.u32 %r2, %s; mov.u32 %r3, %s;
        {{Each(0, 32, i => $"mov.f32 %f{i}, 0f00000000;\n")}}

        // Where this thread copies: A's chunks are 16 bytes, 4 a row; B's are 8 a row. It copies two of each.
        shr.u32 %r10, %thread, 2; and.b32 %r11, %thread, 3;
        mad.lo.u32 %r12, %r10, {{2 * K}}, 0; shl.b32 %r13, %r11, 4; add.u32 %r12, %r12, %r13; cvt.u64.u32 %d0, %r12; add.u64 %d0, %p0, %d0;
        shl.b32 %r14, %thread, 4;
        shr.u32 %r10, %thread, 3; and.b32 %r11, %thread, 7;
        mad.lo.u32 %r12, %r10, {{2 * N}}, 0; shl.b32 %r13, %r11, 4; add.u32 %r12, %r12, %r13; cvt.u64.u32 %d1, %r12; add.u64 %d1, %p1, %d1;

        // Where this lane's rows for ldmatrix are: A row 32 wm + lane % 16, chunk lane / 16; B row lane % 16, column 32 wn + 8 (lane / 16).
        shr.u32 %r20, %thread, 6; shr.u32 %r21, %thread, 5; and.b32 %r21, %r21, 1;
        and.b32 %r22, %lane, 15; shr.u32 %r23, %lane, 4;
        mad.lo.u32 %r24, %r20, 32, %r22; shl.b32 %r24, %r24, 6; mad.lo.u32 %r24, %r23, 16, %r24;
        shl.b32 %r25, %r22, 7; mad.lo.u32 %r25, %r21, 64, %r25; mad.lo.u32 %r25, %r23, 16, %r25; add.u32 %r25, %r25, {{TileOfA}};

        {{Copy}}
        LOOP:
        add.u32 %r1, %r1, 1;
        setp.ge.u32 %q0, %r1, {{K / TileK}};
        @%q0 bra NOTHING_LEFT;
        {{Copy}}
        bra COPIED;
        NOTHING_LEFT:
        cp.async.commit_group;
        COPIED:
        {{wait}}
        bar.sync 0;
        add.u32 %r30, %r3, %r24; add.u32 %r31, %r3, %r25;
        {{Each(0, TileK / 16, k =>
            Each(0, 2, i => $"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {List("%r4", 4 * i, 4)}, [%r30+{1024 * i + 32 * k}];\n")
            + Each(0, 2, j => $"ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {List("%r5", 4 * j, 4)}, [%r31+{2048 * k + 32 * j}];\n")
            + Each(0, 8, x => $"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {List("%f", 4 * x, 4)}, {List("%r4", 4 * (x / 4), 4)}, {List("%r5", 2 * (x % 4), 2)}, {List("%f", 4 * x, 4)};\n"))}}
        bar.sync 0;
        sub.u32 %r3, %r3, %s; xor.b32 %r3, %r3, {{Stage}}; add.u32 %r3, %r3, %s;
        @!%q0 bra LOOP;

        // C row 32 wm + lane / 4, column 32 wn + 2 (lane % 4).
        shr.u32 %r60, %lane, 2; and.b32 %r61, %lane, 3;
        mad.lo.u32 %r60, %r20, 32, %r60; shl.b32 %r61, %r61, 1; mad.lo.u32 %r61, %r21, 32, %r61;
        mad.lo.u32 %r60, %r60, {{N}}, %r61; mul.wide.u32 %d5, %r60, 4; add.u64 %d5, %p2, %d5;
        {{Each(0, 8, x => Each(0, 2, half =>
            $"st.global.v2.f32 [%d5+{4 * ((16 * (x / 4) + 8 * half) * N + 8 * (x % 4))}], {List("%f", 4 * x + 2 * half, 2)};\n"))}}
        """, 3, target: 80, shared: 2 * Stage);

    // Begins the copies of a tile, moves the sources on by a tile, and changes the stage to fill.
    private static string Copy =>
        $$"""
        add.u32 %r15, %r2, %r14;
        cp.async.cg.shared.global [%r15], [%d0], 16;
        cp.async.cg.shared.global [%r15+2048], [%d0+{{32 * 2 * K}}], 16;
        cp.async.cg.shared.global [%r15+{{TileOfA}}], [%d1], 16;
        cp.async.cg.shared.global [%r15+{{TileOfA + 2048}}], [%d1+{{16 * 2 * N}}], 16;
        cp.async.commit_group;
        add.u64 %d0, %d0, {{2 * TileK}}; add.u64 %d1, %d1, {{2 * N * TileK}};
        sub.u32 %r2, %r2, %s; xor.b32 %r2, %r2, {{Stage}}; add.u32 %r2, %r2, %s;
        """;

    private static string Each(int from, int count, Func<int, string> line) => string.Concat(Enumerable.Range(from, count).Select(line));

    private static string List(string name, int from, int count) =>
        $"{{{string.Join(", ", Enumerable.Range(from, count).Select(i => name + i))}}}";
}
