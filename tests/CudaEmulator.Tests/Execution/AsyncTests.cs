using Handwritten.CudaEmulator.Checks;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>cp.async and mbarrier.</summary>
public class AsyncTests
{
    private static readonly uint[] Data = [.. Enumerable.Range(0, 128).Select(i => (uint)(i * i + 1))];

    private const string Addresses =
        "mul.wide.u32 %rd3, %r1, 16; add.u64 %rd2, %rd0, %rd3; mov.u32 %r5, buffer; mad.lo.u32 %r5, %r1, 16, %r5; st.shared.u32 [%r5], 0;";

    [Fact]
    public void Copies_are_invisible_until_they_are_waited_for()
    {
        using Kernel kernel = new(Addresses +
            """
            cp.async.cg.shared.global [%r5], [%rd2], 16;
            cp.async.commit_group;
            ld.shared.u32 %r6, [%r5];
            cp.async.wait_group 1;
            ld.shared.u32 %r7, [%r5];
            cp.async.wait_group 0;
            ld.shared.v4.u32 {%r8, %r9, %r10, %r11}, [%r5];
            add.u32 %r12, %r6, %r7;
            st.global.v4.u32 [%rd2], {%r12, %r8, %r11, 0};
            """);
        var d = kernel.Run(Data, 1, 32, checks: CheckSet.Default);
        for (var i = 0; i < 32; i++)
        {
            Assert.Equal([0, Data[4 * i], Data[4 * i + 3], 0], d[(4 * i)..(4 * i + 4)]);
        }
    }

    [Fact]
    public void Groups_land_in_order()
    {
        using Kernel kernel = new(Addresses +
            """
            st.shared.v4.u32 [%r5], {0, 0, 0, 0};
            cp.async.ca.shared.global [%r5], [%rd2], 4; cp.async.commit_group;
            cp.async.ca.shared.global [%r5+4], [%rd2+4], 4; cp.async.commit_group;
            cp.async.ca.shared.global [%r5+8], [%rd2+8], 8;
            cp.async.wait_group 1;
            ld.shared.v4.u32 {%r6, %r7, %r8, %r9}, [%r5];
            cp.async.wait_all;
            ld.shared.u32 %r10, [%r5+12];
            add.u32 %r8, %r8, %r9;
            st.global.v4.u32 [%rd2], {%r6, %r7, %r8, %r10};
            """);
        var d = kernel.Run(Data, 1, 32, checks: CheckSet.Default);
        for (var i = 0; i < 32; i++)
        {
            Assert.Equal([Data[4 * i], 0, 0, Data[4 * i + 3]], d[(4 * i)..(4 * i + 4)]);
        }
    }

    [Fact]
    public void What_is_not_read_becomes_zero()
    {
        // Lane i reads i mod 17 bytes; with 0 bytes the address may be anything.
        using Kernel kernel = new(Addresses +
            """
            rem.u32 %r6, %r1, 17;
            setp.eq.u32 %p0, %r6, 0; mov.u64 %rd4, %rd2; @%p0 mov.u64 %rd4, 0;
            cp.async.cg.shared.global.L2::128B [%r5], [%rd4], 16, %r6;
            cp.async.wait_all;
            ld.shared.v4.u32 {%r8, %r9, %r10, %r11}, [%r5];
            st.global.v4.u32 [%rd2], {%r8, %r9, %r10, %r11};
            """);
        var d = kernel.Run(Data, 1, 32);
        var (source, result) = (System.Runtime.InteropServices.MemoryMarshal.AsBytes(Data.AsSpan()).ToArray(), System.Runtime.InteropServices.MemoryMarshal.AsBytes(d.AsSpan()).ToArray());
        for (var i = 0; i < result.Length; i++)
        {
            Assert.Equal(i % 16 < i / 16 % 17 ? source[i] : 0, result[i]);
        }
    }

    [Fact]
    public void An_mbarrier_counts_arrivals_by_phases()
    {
        // Warp 0 writes two rounds of values; warp 1 reads each after the phase is over, and tells by a second barrier.
        using Kernel kernel = new(
            """
            mov.u32 %r5, buffer; setp.ne.u32 %p0, %r1, 0; @%p0 bra READY;
            mbarrier.init.shared.b64 [%r5], 32; mbarrier.init.shared.b64 [%r5+8], 32;
            READY: bar.sync 0;
            and.b32 %r6, %r1, 31; mad.lo.u32 %r6, %r6, 4, %r5; mov.u32 %r9, 0; mov.u32 %r11, 0;
            setp.lt.u32 %p1, %r1, 32; @!%p1 bra READ;
            WRITE:
            mad.lo.u32 %r7, %r9, 1000, %r1; st.shared.u32 [%r6+16], %r7;
            mbarrier.arrive.shared.b64 %rd5, [%r5];
            WAIT1: mbarrier.try_wait.parity.shared.b64 %p2, [%r5+8], %r9; @!%p2 bra WAIT1;
            add.u32 %r9, %r9, 1; setp.lt.u32 %p3, %r9, 2; @%p3 bra WRITE;
            bra END;
            READ:
            WAIT2: mbarrier.test_wait.parity.shared.b64 %p2, [%r5], %r9; @!%p2 bra WAIT2;
            ld.shared.u32 %r10, [%r6+16]; mad.lo.u32 %r11, %r11, 5, %r10;
            mbarrier.arrive.shared.b64 _, [%r5+8];
            add.u32 %r9, %r9, 1; setp.lt.u32 %p3, %r9, 2; @%p3 bra READ;
            END: st.global.u32 [%rd1], %r11;
            """);
        Assert.Equal(
            Enumerable.Range(0, 64).Select(i => i < 32 ? 0u : (uint)((i - 32) * 5 + i - 32 + 1000)), kernel.Run(new uint[64], 1, 64));
    }

    [Fact]
    public void Copies_arrive_at_an_mbarrier()
    {
        using Kernel kernel = new(
            """
            mov.u32 %r5, buffer; setp.ne.u32 %p0, %r1, 0; @%p0 bra READY;
            mbarrier.init.shared.b64 [%r5], 64;
            READY: bar.sync 0;
            mad.lo.u32 %r6, %r1, 4, %r5;
            cp.async.ca.shared.global [%r6+16], [%rd1], 4;
            cp.async.mbarrier.arrive.noinc.shared.b64 [%r5];
            WAIT: mbarrier.test_wait.parity.shared.b64 %p2, [%r5], 0; @!%p2 bra WAIT;
            xor.b32 %r7, %r1, 63; mad.lo.u32 %r7, %r7, 4, %r5;
            ld.shared.u32 %r8, [%r7+16];
            st.global.u32 [%rd1], %r8;
            """);
        Assert.Equal(Data[..64].Reverse(), kernel.Run(Data[..64], 1, 64));
    }
}
