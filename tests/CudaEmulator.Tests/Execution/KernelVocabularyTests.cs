using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>Forms of instructions that hand-written kernels use: each is run, and computes what it would without its hints.</summary>
public sealed class KernelVocabularyTests
{
    private static readonly uint[] Words = [.. Enumerable.Range(0, 256).Select(i => (uint)(i * 77 + 5))];

    [Theory]
    [InlineData("ld.global.nc.v4.u32")]
    [InlineData("ld.global.L1::no_allocate.v4.u32")]
    [InlineData("ld.global.L2::128B.v4.u32")]
    [InlineData("ld.global.nc.L1::no_allocate.L2::128B.v4.u32")]
    [InlineData("ld.global.nc.L1::evict_last.L2::256B.v4.u32")]
    [InlineData("ld.global.cg.v4.u32")]
    [InlineData("ld.global.cs.v4.u32")]
    [InlineData("ld.volatile.global.v4.u32")]
    [InlineData("ld.relaxed.gpu.global.v4.u32")]
    [InlineData("ldu.global.v4.u32")]
    public void Loads_with_hints(string load)
    {
        uint[] x = [.. Words];
        PtxKernel.Run(32, PtxKernel.Text($"mul.wide.u32 %d1, %thread, 16; add.u64 %d1, %p0, %d1; {load} {{%r1, %r2, %r3, %r4}}, [%d1]; st.global.v4.u32 [%d1], {{%r4, %r3, %r2, %r1}};", 1), x);
        Assert.Equal(Words[..128].Chunk(4).SelectMany(four => four.Reverse()).Concat(Words[128..]), x);
    }

    [Theory]
    [InlineData("st.global.cs.u32")]
    [InlineData("st.global.wt.u32")]
    [InlineData("st.global.cg.u32")]
    [InlineData("st.global.L1::no_allocate.u32")]
    [InlineData("st.volatile.global.u32")]
    [InlineData("st.relaxed.gpu.global.u32")]
    public void Stores_with_hints(string store)
    {
        uint[] x = [.. Words];
        PtxKernel.Run(64, PtxKernel.Text($"mul.wide.u32 %d1, %thread, 4; add.u64 %d1, %p0, %d1; {store} [%d1], %thread;", 1), x);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (uint)i).Concat(Words[64..]), x);
    }

    [Theory]
    [InlineData("prefetch.global.L1 [%p0];")]
    [InlineData("prefetch.global.L2 [%p0];")]
    [InlineData("prefetch.global.L2::evict_last [%p0];")]
    [InlineData("prefetch.L1 [%p0];")]
    [InlineData("prefetchu.L1 [%p0];")]
    [InlineData("createpolicy.fractional.L2::evict_first.b64 %d5, 1.0; ld.global.L2::cache_hint.u32 %r1, [%p0], %d5;")]
    [InlineData("createpolicy.fractional.L2::evict_last.b64 %d5; st.global.L2::cache_hint.u32 [%p0], 5, %d5;")]
    public void What_only_hints_changes_nothing(string line)
    {
        uint[] x = [.. Words];
        PtxKernel.Run(32, PtxKernel.Text(line, 1), x);
        Assert.Equal(Words[1..], x[1..]);
    }

    [Fact]
    public void Reductions_of_floats_in_global_memory()
    {
        float[] x = new float[256];
        PtxKernel.Run(64, PtxKernel.Text("mov.f32 %f1, 0f3FC00000; red.global.add.f32 [%p0], %f1; red.relaxed.gpu.global.add.f32 [%p0+4], %f1; red.add.f32 [%p0+8], %f1;", 1), x);
        Assert.Equal([96, 96, 96, 0], x[..4]);
    }

    [Fact]
    public void Packed_halves()
    {
        (Half, Half) Halves(uint bits) => (BitConverter.UInt16BitsToHalf((ushort)bits), BitConverter.UInt16BitsToHalf((ushort)(bits >> 16)));
        uint[] x = new uint[256];
        PtxKernel.Run(1, PtxKernel.Text(
            """
            mov.f32 %f1, 0f3FC00000; mov.f32 %f2, 0f40200000;
            cvt.rn.f16x2.f32 %r1, %f1, %f2; st.global.u32 [%p0], %r1;
            cvt.rn.bf16x2.f32 %r2, %f1, %f2; st.global.u32 [%p0+4], %r2;
            fma.rn.f16x2 %r3, %r1, %r1, %r1; st.global.u32 [%p0+8], %r3;
            fma.rn.ftz.f16x2 %r3, %r1, %r1, %r1; st.global.u32 [%p0+12], %r3;
            fma.rn.bf16x2 %r3, %r2, %r2, %r2; st.global.u32 [%p0+16], %r3;
            ex2.approx.f16x2 %r3, %r1; st.global.u32 [%p0+20], %r3;
            ex2.approx.ftz.bf16x2 %r3, %r2; st.global.u32 [%p0+24], %r3;
            fma.rn.relu.f16x2 %r3, %r1, %r1, %r1; st.global.u32 [%p0+28], %r3;
            mov.b32 %r4, 0; max.f16x2 %r3, %r1, %r4; st.global.u32 [%p0+32], %r3;
            cvt.rn.relu.f16x2.f32 %r3, %f1, %f2; st.global.u32 [%p0+36], %r3;
            mov.b32 %r4, 0x83ff0400; mov.b32 %r5, 0x3c003c00;
            add.ftz.f16x2 %r3, %r4, %r4; st.global.u32 [%p0+40], %r3;
            mul.ftz.f16x2 %r3, %r4, %r5; st.global.u32 [%p0+44], %r3;
            mul.f16x2 %r3, %r4, %r5; st.global.u32 [%p0+48], %r3;
            """, 1), x);
        // The first operand goes to the upper half.
        Assert.Equal(((Half)2.5, (Half)1.5), Halves(x[0]));
        Assert.Equal(0x3fc04020u, x[1]);
        Assert.Equal(((Half)8.75, (Half)3.75), Halves(x[2]));
        Assert.Equal(x[2], x[3]);
        Assert.Equal(0x4070410cu, x[4]);
        Assert.Equal(Math.Pow(2, 2.5), (double)Halves(x[5]).Item1, 0.01);
        Assert.Equal(0x4035u, x[6] >> 16); // 2^1.5 = 2.83
        Assert.Equal(x[2], x[7]);
        Assert.Equal(x[0], x[8]);
        Assert.Equal(x[0], x[9]);
        // The upper half is a negative denormal: with .ftz it is -0. The lower half is the least normal number.
        Assert.Equal(0x80000800u, x[10]);
        Assert.Equal(0x80000400u, x[11]);
        Assert.Equal(0x83ff0400u, x[12]);
    }

    [Theory]
    [InlineData(".maxnreg 64", 64)]
    [InlineData(".maxntid 64, 1, 1\n.minnctapersm 2\n.maxnreg 128", 128)]
    public void Register_limits_are_read(string directives, int limit)
    {
        string text = PtxKernel.Text("st.global.u32 [%p0], 9;", 1);
        text = text.Replace(")\n{", $")\n{directives}\n{{", StringComparison.Ordinal);
        Assert.Contains(directives, text, StringComparison.Ordinal);
        uint[] x = new uint[4];
        PtxKernel.Run(1, text, x);
        Assert.Equal(9u, x[0]);
        Assert.Equal(limit, PtxParser.Parse(text).Functions[0].MaxRegisters);
    }
}
