using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

public class TransactionBarrierTests
{
    // Thread 0 makes a barrier for n arrivals at the beginning of shared memory; %d0 is the thread's word of the first buffer.
    private static string Init(int arrivals) =>
        $"mul.wide.u32 %d9, %thread, 4; add.u64 %d0, %p0, %d9; setp.eq.u32 %q9, %thread, 0;\n"
        + $"@%q9 mbarrier.init.shared.b64 [%s], {arrivals};\nbar.sync 0;\n";

    [Fact]
    public void Warps_pass_data_from_phase_to_phase()
    {
        // Warp 0 writes, the other three read, round after round, with one barrier for "full" and one for "empty".
        const int Rounds = 50;
        var sums = new uint[128];
        PtxKernel.Run(128, PtxKernel.Text(
            $$"""
            mul.wide.u32 %d9, %thread, 4; add.u64 %d0, %p0, %d9; shl.b32 %r8, %lane, 2; add.u32 %r8, %s, %r8;
            setp.eq.u32 %q9, %thread, 0;
            @%q9 mbarrier.init.shared::cta.b64 [%s], 32;
            @%q9 mbarrier.init.shared::cta.b64 [%s+8], 96;
            bar.sync 0;
            mov.u32 %r0, 0; mov.u32 %r1, 0;
            setp.ge.u32 %q0, %thread, 32;
            @%q0 bra READER;
            WRITE:
            and.b32 %r3, %r0, 1; xor.b32 %r3, %r3, 1;
            EMPTY:
            mbarrier.try_wait.parity.shared::cta.b64 %q1, [%s+8], %r3;
            @!%q1 bra EMPTY;
            mad.lo.u32 %r4, %r0, 1000, %lane;
            st.shared.u32 [%r8+64], %r4;
            mbarrier.arrive.release.cta.shared::cta.b64 %d5, [%s];
            add.u32 %r0, %r0, 1;
            setp.lt.u32 %q2, %r0, {{Rounds}};
            @%q2 bra WRITE;
            bra DONE;
            READER:
            and.b32 %r3, %r0, 1;
            FULL:
            mbarrier.test_wait.parity.acquire.cta.shared::cta.b64 %q1, [%s], %r3;
            @!%q1 bra FULL;
            ld.shared.u32 %r4, [%r8+64];
            add.u32 %r1, %r1, %r4;
            mbarrier.arrive.shared::cta.b64 _, [%s+8];
            add.u32 %r0, %r0, 1;
            setp.lt.u32 %q2, %r0, {{Rounds}};
            @%q2 bra READER;
            DONE:
            st.global.u32 [%d0], %r1;
            """, 1), sums);
        for (var thread = 0; thread < 128; thread++)
        {
            Assert.Equal(thread < 32 ? 0 : (uint)Enumerable.Range(0, Rounds).Sum(round => 1000 * round + thread % 32), sums[thread]);
        }
    }

    [Fact]
    public void A_state_tells_its_phase_and_what_was_pending()
    {
        // Each lane arrives: it finds one arrival less pending than the lane before; then the phase is complete.
        var seen = new uint[96];
        PtxKernel.Run(32, PtxKernel.Text(Init(33) +
            """
            mbarrier.arrive.shared.b64 %d1, [%s];
            mbarrier.pending_count.b64 %r0, %d1;
            st.global.u32 [%d0], %r0;
            mbarrier.test_wait.shared.b64 %q0, [%s], %d1;
            selp.u32 %r1, 1, 0, %q0;
            st.global.u32 [%d0+128], %r1;
            @%q9 mbarrier.arrive.shared.b64 %d2, [%s], 1;
            mbarrier.test_wait.shared.b64 %q0, [%s], %d1;
            selp.u32 %r1, 1, 0, %q0;
            st.global.u32 [%d0+256], %r1;
            """, 1), seen);
        Assert.Equal(Enumerable.Range(0, 32).Select(lane => 33u - (uint)lane), seen[..32]);
        Assert.All(seen[32..64], x => Assert.Equal(0u, x));
        Assert.All(seen[64..], x => Assert.Equal(1u, x));
    }

    [Fact]
    public void Parity_is_that_of_the_phase_that_ended()
    {
        // Before anything has happened the phase before the first, of parity 1, counts as complete.
        var seen = new uint[32];
        string Note(int bit) => $"mbarrier.test_wait.parity.shared.b64 %q0, [%s], 0; @%q0 or.b32 %r5, %r5, {1 << bit};\n"
            + $"mbarrier.test_wait.parity.shared.b64 %q0, [%s], 1; @%q0 or.b32 %r5, %r5, {2 << bit};\n";
        PtxKernel.Run(32, PtxKernel.Text(Init(2) + "mov.u32 %r5, 0;\n" + Note(0)
            + "@%q9 mbarrier.arrive.shared.b64 _, [%s];\n" + Note(2)
            + "@%q9 mbarrier.arrive.shared.b64 _, [%s];\n" + Note(4)
            + "@%q9 mbarrier.arrive.shared.b64 _, [%s], 2;\n" + Note(6)
            + "st.global.u32 [%d0], %r5;", 1), seen);
        Assert.All(seen, x => Assert.Equal(0b10_01_10_10u, x));
    }

    [Fact]
    public void Dropping_leaves_fewer_for_the_next_phases()
    {
        var seen = new uint[32];
        PtxKernel.Run(32, PtxKernel.Text(Init(32) +
            """
            setp.lt.u32 %q0, %lane, 20;
            @%q0 mbarrier.arrive_drop.shared.b64 %d1, [%s];
            @!%q0 mbarrier.arrive.shared.b64 %d1, [%s];
            mbarrier.test_wait.shared.b64 %q1, [%s], %d1;
            selp.u32 %r0, 100, 0, %q1;
            @%q9 mbarrier.arrive.noComplete.release.cta.shared.b64 %d2, [%s], 1;
            @%q9 mbarrier.pending_count.b64 %r1, %d2;
            @%q9 add.u32 %r0, %r0, %r1;
            st.global.u32 [%d0], %r0;
            """, 1), seen);
        Assert.Equal(Enumerable.Range(0, 32).Select(lane => lane == 0 ? 112u : 100u), seen);
    }

    [Fact]
    public void Bytes_to_come_keep_a_phase_open()
    {
        var seen = new uint[32];
        PtxKernel.Run(32, PtxKernel.Text(Init(1) +
            """
            @%q9 mbarrier.arrive.expect_tx.shared.b64 _, [%s], 100;
            mbarrier.test_wait.parity.shared.b64 %q0, [%s], 0;
            selp.u32 %r0, 1, 0, %q0;
            @%q9 mbarrier.complete_tx.relaxed.cta.shared.b64 [%s], 60;
            mbarrier.test_wait.parity.shared.b64 %q0, [%s], 0;
            @%q0 or.b32 %r0, %r0, 2;
            @%q9 mbarrier.complete_tx.shared.b64 [%s], 40;
            mbarrier.test_wait.parity.shared.b64 %q0, [%s], 0;
            @%q0 or.b32 %r0, %r0, 4;
            @%q9 mbarrier.expect_tx.relaxed.cta.shared.b64 [%s], 8;
            @%q9 mbarrier.arrive.shared.b64 _, [%s];
            mbarrier.test_wait.parity.shared.b64 %q0, [%s], 1;
            @%q0 or.b32 %r0, %r0, 8;
            @%q9 mbarrier.complete_tx.shared.b64 [%s], 8;
            mbarrier.test_wait.parity.shared.b64 %q0, [%s], 1;
            @%q0 or.b32 %r0, %r0, 16;
            st.global.u32 [%d0], %r0;
            """, 1), seen);
        Assert.All(seen, x => Assert.Equal(0b10100u, x));
    }

    // Warp 0 copies and says so to the barrier; warp 1 looks too early, which the checks would forbid, then waits there.
    [Theory]
    [InlineData("", 1)]
    [InlineData(".noinc", 33)]
    public void Copies_arrive_at_a_barrier(string form, int arrivals)
    {
        var source = Enumerable.Range(1, 32).Select(i => (uint)i).ToArray();
        var seen = new uint[128];
        PtxKernel.Run(CheckSet.Default, 64, PtxKernel.Text(Init(arrivals) +
            $$"""
            add.u64 %d1, %p1, %d9; shl.b32 %r8, %lane, 2; add.u32 %r8, %s, %r8;
            setp.ge.u32 %q0, %thread, 32;
            @%q0 bra READER;
            cp.async.ca.shared.global [%r8+64], [%d1], 4;
            cp.async.mbarrier.arrive{{form}}.shared.b64 [%s];
            bar.sync 1;
            @%q9 mbarrier.arrive.shared.b64 _, [%s];
            bra DONE;
            READER:
            bar.sync 1;
            ld.shared.u32 %r1, [%r8+64];
            st.global.u32 [%d0], %r1;
            WAIT:
            mbarrier.try_wait.parity.shared.b64 %q1, [%s], 0, 1000;
            @!%q1 bra WAIT;
            ld.shared.u32 %r1, [%r8+64];
            st.global.u32 [%d0+128], %r1;
            DONE:
            """, 2), seen, source);
        Assert.All(seen[32..64], x => Assert.Equal(0u, x));
        Assert.Equal(source, seen[64..96]);
    }

    [Theory]
    [InlineData("mbarrier.arrive.shared.b64 _, [%s+64];", "no barrier has been initialised at shared address 0x40")]
    [InlineData("mbarrier.test_wait.parity.shared.b64 %q0, [%s+64], 0;", "no barrier has been initialised")]
    [InlineData("@%q9 mbarrier.inval.shared.b64 [%s];\nbar.sync 0;\n mbarrier.arrive.shared.b64 _, [%s];", "no barrier has been initialised")]
    [InlineData("mbarrier.arrive.shared.b64 _, [%s], 3;", "waits for 2 more arrivals in this phase, and 3 come")]
    [InlineData("@%q9 mbarrier.arrive.noComplete.shared.b64 %d1, [%s], 2;", "2 come that must not complete it")]
    [InlineData("@%q9 mbarrier.expect_tx.shared.b64 [%s], 1048576;", "would count 1048576 transactions")]
    [InlineData("@%q9 mbarrier.init.shared.b64 [%s], 0;", "cannot wait for 0 arrivals")]
    [InlineData("mbarrier.arrive.shared.b64 _, [%s+4];", "shared address 0x4 is not a multiple of 8")]
    [InlineData("mbarrier.arrive.shared.b64 _, [%s+4096];", "beyond the 4096 bytes of shared memory")]
    public void Misuse_is_a_fault(string lines, string report)
    {
        var fault = Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(32, PtxKernel.Text(Init(2) + lines, 1), new uint[32]));
        Assert.Contains(report, fault.Message, StringComparison.Ordinal);
        Assert.Contains("mbarrier.", fault.Message, StringComparison.Ordinal);
        Assert.NotEqual(CudaResult.LaunchTimeout, fault.Result);
    }

    [Theory]
    [InlineData(75, "mbarrier.init.shared.b64 [%s], 1", "sm_80")]
    [InlineData(80, "mbarrier.try_wait.parity.shared.b64 %q0, [%s], 0", "sm_90")]
    [InlineData(80, "mbarrier.expect_tx.shared.b64 [%s], 8", "sm_90")]
    [InlineData(90, "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%s]", "shared::cluster")]
    [InlineData(90, "mbarrier.init.shared.b64 [%s]", "mismatch")]
    public void What_the_device_or_the_emulator_lacks_fails_the_load(int target, string instruction, string reason)
    {
        var error = Assert.Throws<PtxException>(() => PtxKernel.Run(32, PtxKernel.Text(instruction + ";", 0, target)));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, 1, 1)]
    [InlineData(1, -1, TransactionBarrier.Most, 0)]
    [InlineData(0, TransactionBarrier.Most, 5, TransactionBarrier.Most)]
    [InlineData(1, -TransactionBarrier.Most, TransactionBarrier.Most, 77)]
    public void Bits_hold_a_barrier(int phase, int transactions, int expected, int pending)
    {
        TransactionBarrier barrier = new(phase, transactions, expected, pending);
        Assert.True(TransactionBarrier.IsValid(barrier.Encode()));
        Assert.Equal(barrier, TransactionBarrier.Decode(barrier.Encode()));
    }
}
