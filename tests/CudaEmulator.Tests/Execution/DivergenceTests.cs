using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

public class DivergenceTests
{
    private static readonly uint[] Lanes = [.. Enumerable.Range(0, 32).Select(i => (uint)i)];

    [Fact]
    public void Branches_nest_and_meet_again()
    {
        var d = Snippet.Run<uint>(
            """
            mov.u32 %d, 0;
            setp.lt.u32 %p0, %lane, 16;
            @!%p0 bra ELSE;
            and.b32 %t0, %lane, 1;
            setp.eq.u32 %p1, %t0, 0;
            @%p1 bra EVEN;
            add.u32 %d, %d, 100;
            bra INNER;
            EVEN: add.u32 %d, %d, 200;
            INNER: activemask.b32 %t1;
            popc.b32 %t1, %t1;
            add.u32 %d, %d, %t1;
            bra END;
            ELSE: add.u32 %d, %d, 1000;
            END: activemask.b32 %t2;
            popc.b32 %t2, %t2;
            mad.lo.u32 %d, %t2, 10000, %d;
            """);
        Assert.Equal(Lanes.Select(i => 320000u + (i >= 16 ? 1000 : (i % 2 == 0 ? 200u : 100) + 16)), d);
    }

    [Fact]
    public void Loops_may_have_different_trip_counts()
    {
        var d = Snippet.Run<uint>(
            """
            mov.u32 %d, 0;
            mov.u32 %t0, 0;
            LOOP:
            setp.ge.u32 %p0, %t0, %lane;
            @%p0 bra DONE;
            add.u32 %t0, %t0, 1;
            mad.lo.u32 %d, %t0, %t0, %d;
            bra LOOP;
            DONE:
            activemask.b32 %t1;
            setp.ne.u32 %p1, %t1, 0xffffffff;
            @%p1 mov.u32 %d, 0;
            """);
        Assert.Equal(Lanes.Select(i => (uint)Enumerable.Range(1, (int)i).Sum(x => x * x)), d);
    }

    [Fact]
    public void Loops_nest_with_breaks_and_continues()
    {
        // for (i = 0; i < lane; i++) { if (i % 3 == 1) continue; for (j = 0; ; j++) { if (j == i || j == 5) break; d += j; } if (d > 40) break; }
        var d = Snippet.Run<uint>(
            """
            mov.u32 %d, 0;
            mov.u32 %t0, 0;
            OUTER:
            setp.ge.u32 %p0, %t0, %lane;
            @%p0 bra END;
            rem.u32 %t1, %t0, 3;
            setp.eq.u32 %p1, %t1, 1;
            @%p1 bra NEXT;
            mov.u32 %t2, 0;
            INNER:
            setp.eq.u32 %p2, %t2, %t0;
            @%p2 bra BREAK;
            setp.eq.u32 %p2, %t2, 5;
            @%p2 bra BREAK;
            add.u32 %d, %d, %t2;
            add.u32 %t2, %t2, 1;
            bra INNER;
            BREAK:
            setp.gt.u32 %p3, %d, 40;
            @%p3 bra END;
            NEXT:
            add.u32 %t0, %t0, 1;
            bra OUTER;
            END:
            """);
        static uint Expected(uint lane)
        {
            uint d = 0;
            for (uint i = 0; i < lane; i++)
            {
                if (i % 3 == 1)
                {
                    continue;
                }

                for (uint j = 0; j != i && j != 5; j++)
                {
                    d += j;
                }

                if (d > 40)
                {
                    break;
                }
            }

            return d;
        }

        Assert.Equal(Lanes.Select(Expected), d);
    }

    [Fact]
    public void Lanes_that_return_early_are_not_waited_for()
    {
        // if (lane & 1) { if (lane & 2) return; x } then a shuffle among all that are left.
        using Kernel kernel = new(
            """
            and.b32 %r5, %r1, 1;
            setp.eq.u32 %p0, %r5, 0;
            @%p0 bra MEET;
            and.b32 %r6, %r1, 2;
            setp.ne.u32 %p1, %r6, 0;
            @%p1 bra OUT;
            add.u32 %r5, %r5, 10;
            MEET:
            activemask.b32 %r7;
            shfl.sync.bfly.b32 %r8, %r1, 4, 31, 0x77777777;
            mad.lo.u32 %r9, %r8, 1000, %r5;
            st.global.u32 [%rd1], %r9;
            st.global.u32 [%rd1+128], %r7;
            OUT:
            """);
        var d = kernel.Run(new uint[64], 1, 32);
        Assert.Equal(Lanes.Select(i => i % 4 == 3 ? 0u : (i ^ 4) * 1000 + (i % 4 == 1 ? 11u : 0)), d[..32]);
        Assert.Equal(Lanes.Select(i => i % 4 == 3 ? 0u : 0x77777777), d[32..]);
    }

    [Fact]
    public void Guarded_exits_and_guarded_instructions()
    {
        using Kernel kernel = new(
            """
            setp.gt.u32 %p0, %r1, 20;
            @%p0 exit;
            setp.gt.u32 %p1, %r1, 10;
            mov.u32 %r5, 1;
            @%p1 mov.u32 %r5, 2;
            @!%p1 add.u32 %r5, %r5, 10;
            st.global.u32 [%rd1], %r5;
            """);
        Assert.Equal(Lanes.Select(i => i > 20 ? 0u : i > 10 ? 2u : 11), kernel.Run(new uint[32], 1, 32));
    }

    [Fact]
    public void Brx_goes_where_the_index_says()
    {
        var d = Snippet.Run<uint>(
            """
            rem.u32 %t0, %lane, 3;
            targets: .branchtargets ZERO, ONE, TWO;
            brx.idx %t0, targets;
            ZERO: mov.u32 %d, 10; bra END;
            ONE: mov.u32 %d, 11; bra END;
            TWO: mov.u32 %d, 12;
            END: activemask.b32 %t1; setp.ne.u32 %p0, %t1, 0xffffffff; @%p0 mov.u32 %d, 0;
            """);
        Assert.Equal(Lanes.Select(i => 10 + i % 3), d);
    }

    [Fact]
    public void A_lane_that_spins_lets_the_others_go_on()
    {
        // Lane 0 waits for what lane 1, which took the other branch, writes.
        var d = Snippet.Run<uint>(
            """
            mov.u32 %t0, buffer;
            st.shared.u32 [%t0], 0;
            bar.warp.sync 0xffffffff;
            setp.eq.u32 %p0, %lane, 0;
            @!%p0 bra WRITE;
            SPIN:
            ld.volatile.shared.u32 %d, [%t0];
            setp.eq.u32 %p1, %d, 0;
            @%p1 bra SPIN;
            bra END;
            WRITE:
            mov.u32 %d, 5;
            st.volatile.shared.u32 [%t0], 7;
            END:
            """);
        Assert.Equal(Lanes.Select(i => i == 0 ? 7u : 5), d);
    }

    [Fact]
    public void Functions_are_called_and_return_from_several_places()
    {
        using Kernel kernel = new(
            """
            .func (.param .b32 result) collatz(.param .b32 start)
            {
            .reg .b32 %r<5>; .reg .pred %p<3>;
            ld.param.u32 %r0, [start];
            mov.u32 %r1, 0;
            LOOP:
            setp.le.u32 %p0, %r0, 1;
            @%p0 bra STOP;
            add.u32 %r1, %r1, 1;
            setp.gt.u32 %p1, %r1, 50;
            @!%p1 bra GO;
            st.param.b32 [result], 999;
            ret;
            GO:
            and.b32 %r2, %r0, 1;
            setp.eq.u32 %p2, %r2, 0;
            @%p2 bra EVEN;
            mad.lo.u32 %r0, %r0, 3, 1;
            bra LOOP;
            EVEN: shr.u32 %r0, %r0, 1;
            bra LOOP;
            STOP:
            st.param.b32 [result], %r1;
            ret;
            }
            .visible .entry kernel(.param .u64 data)
            {
            .reg .b32 %r<5>; .reg .b64 %rd<5>; .reg .pred %p<3>;
            mov.u32 %r0, %tid.x;
            setp.eq.u32 %p0, %r0, 13;
            mov.u32 %r2, 77;
            { .param .b32 argument; .param .b32 value; st.param.b32 [argument], %r0; @!%p0 call (value), collatz, (argument); @!%p0 ld.param.b32 %r2, [value]; }
            { .param .b32 argument; .param .b32 value; add.u32 %r1, %r0, 1; st.param.b32 [argument], %r1; call (value), collatz, (argument); ld.param.b32 %r3, [value]; }
            mad.lo.u32 %r2, %r3, 1000, %r2;
            ld.param.u64 %rd0, [data];
            mul.wide.u32 %rd1, %r0, 4; add.u64 %rd1, %rd0, %rd1;
            st.global.u32 [%rd1], %r2;
            ret;
            }
            """, isModule: true);
        static uint Collatz(uint n)
        {
            for (uint count = 0; ; n = n % 2 == 0 ? n / 2 : 3 * n + 1)
            {
                if (n <= 1)
                {
                    return count;
                }

                if (++count > 50)
                {
                    return 999;
                }
            }
        }

        Assert.Equal(Lanes.Select(i => Collatz(i + 1) * 1000 + (i == 13 ? 77 : Collatz(i))), kernel.Run(new uint[32], 1, 32));
    }
}
