using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>shfl, vote, match, redux, elect; barriers; atomics.</summary>
public class WarpTests
{
    private static readonly int[] Lanes = [.. Enumerable.Range(0, 32)];
    private static readonly uint[] Values = [.. Lanes.Select(i => (uint)(i * i + 100))];

    [Theory]
    [InlineData("up", 1, 0)]
    [InlineData("up", 7, 0)]
    [InlineData("down", 3, 31)]
    [InlineData("bfly", 16, 31)]
    [InlineData("idx", 9, 31)]
    [InlineData("down", 2, 0x181f)] // segments of 8
    [InlineData("up", 2, 0x1800)]
    [InlineData("idx", 3, 0x181f)]
    [InlineData("bfly", 5, 0x181f)]
    public void Shuffles(string mode, int b, int c)
    {
        var segment = c >> 8;
        var expected = Lanes.Select(lane =>
        {
            var bound = (lane & segment) | (c & 31 & ~segment);
            var from = mode switch { "up" => lane - b, "down" => lane + b, "bfly" => lane ^ b, _ => (lane & segment) | (b & ~segment) };
            var valid = mode == "up" ? from >= bound : from <= bound;
            return (valid ? Values[from] : Values[lane]) + (valid ? 1000000u : 0);
        });
        Assert.Equal(expected, Snippet.Run<uint>(
            $"shfl.sync.{mode}.b32 %d|%p0, %a, {b}, {c}, 0xffffffff; @%p0 add.u32 %d, %d, 1000000;", Values));
    }

    [Fact]
    public void Shuffles_at_partial_masks()
    {
        // Both halves of the warp shuffle within themselves, each in its own branch; and in one instruction with two masks.
        var d = Snippet.Run<uint>(
            """
            setp.lt.u32 %p0, %lane, 16;
            @%p0 bra LOW;
            shfl.sync.idx.b32 %d, %a, 20, 31, 0xffff0000;
            bra END;
            LOW: shfl.sync.idx.b32 %d, %a, 3, 31, 0x0000ffff;
            END: selp.b32 %t0, 0xffff, 0xffff0000, %p0;
            shfl.sync.bfly.b32 %t1, %lane, 1, 31, %t0;
            mad.lo.u32 %d, %t1, 10000, %d;
            """, Values);
        Assert.Equal(Lanes.Select(i => Values[i < 16 ? 3 : 20] + (uint)(i ^ 1) * 10000), d);
    }

    [Fact]
    public void A_shuffle_in_a_divergent_loop_waits_for_its_members()
    {
        // Lanes come to the shuffle after different trip counts through different copies of the same code.
        var d = Snippet.Run<uint>(
            """
            mov.u32 %t0, 0;
            setp.gt.u32 %p1, %lane, 7;
            @%p1 bra SKIP;
            LOOP: add.u32 %t0, %t0, 1; setp.lt.u32 %p0, %t0, %lane; @%p0 bra LOOP;
            SKIP: shfl.sync.down.b32 %d, %t0, 1, 31, 0xffffffff;
            """);
        static uint Count(int lane) => lane > 7 ? 0 : (uint)Math.Max(1, lane);
        Assert.Equal(Lanes.Select(i => Count(Math.Min(i + 1, 31))), d);
    }

    [Fact]
    public void Votes()
    {
        const string Odd = "and.b32 %t0, %lane, 1; setp.eq.u32 %p0, %t0, 1; ";
        Assert.All(Snippet.Run<uint>(Odd + "vote.sync.ballot.b32 %d, %p0, 0xffffffff;"), v => Assert.Equal(0xaaaaaaaa, v));
        Assert.All(Snippet.Run<uint>(Odd + "vote.sync.ballot.b32 %d, !%p0, 0xffffffff;"), v => Assert.Equal(0x55555555u, v));
        Assert.All(Snippet.Run<uint>(Odd + "vote.sync.any.pred %p1, %p0, 0xffffffff; selp.u32 %d, 1, 0, %p1;"), v => Assert.Equal(1u, v));
        Assert.All(Snippet.Run<uint>(Odd + "vote.sync.all.pred %p1, %p0, 0xffffffff; selp.u32 %d, 1, 0, %p1;"), v => Assert.Equal(0u, v));
        Assert.All(Snippet.Run<uint>(Odd + "vote.sync.uni.pred %p1, 1, 0xffffffff; selp.u32 %d, 1, 0, %p1;"), v => Assert.Equal(1u, v));
        var half = Snippet.Run<uint>("setp.lt.u32 %p1, %lane, 8; mov.u32 %d, 5; @%p1 vote.sync.ballot.b32 %d, 1, 0xff;");
        Assert.Equal(Lanes.Select(i => i < 8 ? 0xffu : 5), half);
    }

    [Fact]
    public void Matches_reductions_and_elections()
    {
        uint[] a = [.. Lanes.Select(i => (uint)(i % 5))];
        Assert.Equal(Lanes.Select(i => (uint)Lanes.Where(o => o % 5 == i % 5).Sum(o => 1L << o)), Snippet.Run<uint>("match.any.sync.b32 %d, %a, 0xffffffff;", a));
        Assert.All(Snippet.Run<uint>("match.all.sync.b32 %d|%p0, %a, 0xffffffff; @%p0 mov.u32 %d, 7;", a), v => Assert.Equal(0u, v));
        Assert.All(Snippet.Run<uint>("mov.u64 %w0, 5; match.all.sync.b64 %d|%p0, %w0, 0xffffffff; @%p0 add.u32 %d, %d, 7;"), v => Assert.Equal(6u, v));
        int[] signed = [.. Lanes.Select(i => 50 - i * 7)];
        Assert.All(Snippet.Run<int>("redux.sync.min.s32 %d, %a, 0xffffffff;", signed), v => Assert.Equal(signed.Min(), v));
        Assert.All(Snippet.Run<int>("redux.sync.add.s32 %d, %a, 0xffffffff;", signed), v => Assert.Equal(signed.Sum(), v));
        Assert.All(Snippet.Run<uint>("redux.sync.xor.b32 %d, %a, 0xffffffff;", Values), v => Assert.Equal(Values.Aggregate((x, y) => x ^ y), v));
        Assert.Equal(Lanes.Select(i => i == 0 ? 1u : 0), Snippet.Run<uint>("elect.sync %t0|%p0, 0xffffffff; selp.u32 %d, 1, %t0, %p0;"));
    }

    [Fact]
    public void Barriers_order_shared_memory()
    {
        // Every thread writes its word, and reads that of the thread across, 50 times.
        using Kernel kernel = new(
            """
            mov.u32 %r5, buffer; shl.b32 %r6, %r1, 2; add.u32 %r6, %r5, %r6;
            sub.u32 %r7, %r3, 1; sub.u32 %r7, %r7, %r1; shl.b32 %r7, %r7, 2; add.u32 %r7, %r5, %r7;
            mov.u32 %r8, 0; mov.u32 %r9, %r1;
            LOOP:
            st.shared.u32 [%r6], %r9;
            bar.sync 0;
            ld.shared.u32 %r10, [%r7];
            add.u32 %r9, %r10, 1;
            barrier.sync 0;
            add.u32 %r8, %r8, 1; setp.lt.u32 %p0, %r8, 50; @%p0 bra LOOP;
            st.global.u32 [%rd1], %r9;
            """);
        var d = kernel.Run(new uint[3 * 200], 3, 200);
        Assert.Equal(Enumerable.Range(0, 600).Select(i => (uint)(i % 200 + 50)), d);
    }

    [Fact]
    public void Named_barriers_join_some_warps()
    {
        // Warps 0 and 1 produce and consume by barriers 1 and 2 with 64 threads; warp 2 stays away.
        using Kernel kernel = new(
            """
            mov.u32 %r5, buffer; and.b32 %r6, %r1, 31; shl.b32 %r6, %r6, 2; add.u32 %r5, %r5, %r6;
            setp.lt.u32 %p0, %r1, 32; @%p0 bra PRODUCE;
            setp.lt.u32 %p1, %r1, 64; @!%p1 bra END;
            bar.sync 1, 64;
            ld.shared.u32 %r7, [%r5];
            st.global.u32 [%rd1], %r7;
            bra END;
            PRODUCE:
            mad.lo.u32 %r7, %r1, 3, 1;
            st.shared.u32 [%r5], %r7;
            bar.arrive 1, 64;
            st.global.u32 [%rd1], %r1;
            END:
            bar.sync 0;
            """);
        var d = kernel.Run(new uint[96], 1, 96);
        Assert.Equal(Enumerable.Range(0, 96).Select(i => i < 32 ? (uint)i : i < 64 ? (uint)((i - 32) * 3 + 1) : 0), d);
    }

    [Fact]
    public void Barriers_count_votes()
    {
        using Kernel kernel = new(
            """
            setp.lt.u32 %p0, %r1, 37;
            bar.red.popc.u32 %r5, 0, %p0;
            barrier.red.or.pred %p1, 0, %p0;
            bar.red.and.pred %p2, 0, !%p0;
            selp.u32 %r6, 1000, 0, %p1; add.u32 %r5, %r5, %r6;
            selp.u32 %r6, 5000, 0, %p2; add.u32 %r5, %r5, %r6;
            st.global.u32 [%rd1], %r5;
            """);
        Assert.All(kernel.Run(new uint[100], 1, 100), v => Assert.Equal(1037u, v));
    }

    [Fact]
    public void A_barrier_does_not_wait_for_threads_that_have_exited()
    {
        using Kernel kernel = new("setp.gt.u32 %p0, %r1, 70; @%p0 exit; bar.sync 0; st.global.u32 [%rd1], 1;");
        Assert.Equal(Enumerable.Range(0, 128).Select(i => i > 70 ? 0u : 1), kernel.Run(new uint[128], 1, 128));
    }

    [Fact]
    public void A_barrier_in_both_branches_is_one_barrier()
    {
        using Kernel kernel = new(
            """
            and.b32 %r5, %r1, 1; setp.eq.u32 %p0, %r5, 0; @%p0 bra EVEN;
            barrier.sync 0; st.global.u32 [%rd1], 1; bra END;
            EVEN: barrier.sync 0; st.global.u32 [%rd1], 2;
            END:
            """);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => i % 2 == 0 ? 2u : 1), kernel.Run(new uint[64], 1, 64));
    }

    [Fact]
    public void Global_atomics_are_deterministic()
    {
        using Kernel kernel = new(
            """
            atom.global.add.u32 %r5, [%rd0], 1;
            cvt.rn.f32.u32 %f0, %r4; mul.f32 %f0, %f0, 0f3DCCCCCD;
            red.global.add.f32 [%rd0+4], %f0;
            atom.global.max.u32 %r6, [%rd0+8], %r4;
            atom.global.cas.b32 %r7, [%rd0+12], 0, %r4;
            red.global.xor.b32 [%rd0+16], %r4;
            atom.global.inc.u32 %r8, [%rd0+20], 9;
            red.add.u64 [%rd0+24], 3;
            atom.global.exch.b32 %r9, [%rd0+32], %r4;
            red.global.min.s32 [%rd0+36], -5;
            red.global.dec.u32 [%rd0+40], 6;
            """);
        var d = kernel.Run(new uint[16], 20, 96);
        const int N = 20 * 96;
        var sum = Enumerable.Range(0, N).Aggregate(0f, (s, i) => s + i * 0.1f);
        Assert.Equal((uint)N, d[0]);
        Assert.Equal(sum, BitConverter.UInt32BitsToSingle(d[1]));
        Assert.Equal(N - 1u, d[2]);
        Assert.Equal(1u, d[3]);
        Assert.Equal(Enumerable.Range(0, N).Aggregate(0u, (x, i) => x ^ (uint)i), d[4]);
        Assert.Equal(N % 10u, d[5]);
        Assert.Equal(3u * N, d[6]);
        Assert.Equal(N - 1u, d[8]);
        Assert.Equal(-5, (int)d[9]);
        Assert.Equal((uint)(7 - N % 7) % 7, d[10]);
    }

    [Fact]
    public void Shared_atomics_of_all_types()
    {
        var half = BitConverter.HalfToUInt16Bits((Half)0.5f);
        Assert.All(Snippet.Run<uint>(
            $$"""
            mov.b32 %t0, 0; st.shared.v4.b32 [buffer], {%t0, %t0, %t0, %t0}; st.shared.v4.b32 [buffer+16], {%t0, %t0, %t0, %t0};
            bar.warp.sync 0xffffffff;
            mov.b32 %t0, {{half | half << 16}};
            red.shared.add.noftz.f16x2 [buffer], %t0;
            mov.f64 %w0, 0d3FF8000000000000;
            atom.shared.add.f64 %w1, [buffer+8], %w0;
            mov.b16 %h0, {{half}};
            atom.shared.add.noftz.f16 %h1, [buffer+16], %h0;
            red.shared.and.b32 [buffer+20], 1;
            atom.shared.add.u32 %t5, [buffer+24], 2;
            bar.warp.sync 0xffffffff;
            ld.shared.b32 %d, [buffer];
            ld.shared.f64 %w2, [buffer+8]; cvt.rzi.u32.f64 %t1, %w2; add.u32 %d, %d, %t1;
            ld.shared.b16 %h2, [buffer+16]; cvt.f32.f16 %t2, %h2; cvt.rzi.u32.f32 %t2, %t2; add.u32 %d, %d, %t2;
            ld.shared.u32 %t3, [buffer+24]; add.u32 %d, %d, %t3;
            """), v => Assert.Equal(0x4c004c00u + 48 + 16 + 64, v));
    }

    [Fact]
    public void A_lock_taken_by_compare_and_swap_is_free_again()
    {
        // Each lane in turn takes the lock, adds without atomics, and gives it back.
        using Kernel kernel = new(
            """
            LOOP:
            atom.global.cas.b32 %r5, [%rd0], 0, 1;
            setp.ne.u32 %p0, %r5, 0;
            @%p0 bra LOOP;
            ld.global.u32 %r6, [%rd0+4];
            add.u32 %r6, %r6, 1;
            st.global.u32 [%rd0+4], %r6;
            atom.global.exch.b32 %r7, [%rd0], 0;
            """);
        Assert.Equal([0u, 128], kernel.Run(new uint[2], 2, 64));
    }
}
