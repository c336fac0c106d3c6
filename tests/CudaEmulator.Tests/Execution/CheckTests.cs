using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>
/// Every check finds its bug, names where it is, and says nothing of the same kernel without the bug. Kernels have the shared
/// `buffer`, %thread, %lane, %s, and the address of a buffer of 256 words in %p0.
/// </summary>
public sealed class CheckTests
{
    private const string Mine = "shl.b32 %r0, %thread, 2; add.u32 %r1, %s, %r0; xor.b32 %r2, %thread, 63; shl.b32 %r2, %r2, 2; add.u32 %r2, %s, %r2;\n";

    /// <summary>A missing barrier in the middle of each: "|" is where it belongs.</summary>
    public static TheoryData<string, string> Exchanges => new()
    {
        { "write, then read of another warp's", "st.shared.u32 [%r1], %thread; | ld.shared.u32 %r3, [%r2];" },
        { "read, then write of another warp's", "st.shared.u32 [%r1], %thread; bar.sync 0; ld.shared.u32 %r3, [%r2]; | st.shared.u32 [%r1], 7;" },
        { "write, then write of another warp's", "st.shared.u32 [%r1], %thread; | st.shared.u32 [%r2], %thread;" },
        { "vectors", "shl.b32 %r4, %thread, 4; add.u32 %r4, %s, %r4; st.shared.v4.u32 [%r4], {%r1, %r2, %r1, %r2}; | ld.shared.u32 %r3, [%r2];" },
        { "bytes within a word", "add.u32 %r4, %s, %thread; st.shared.u8 [%r4], %r0; | ld.shared.u32 %r3, [buffer+32];" },
        { "an atomic and a read", "st.shared.u32 [%r1], 0; bar.sync 0; red.shared.add.u32 [buffer], 1; | ld.shared.u32 %r3, [buffer];" },
        { "a write and an atomic", "setp.eq.u32 %q0, %thread, 0; @%q0 st.shared.u32 [buffer], 0; | red.shared.add.u32 [buffer], 1;" },
        { "generic addresses", "cvt.u64.u32 %d1, %r1; cvta.shared.u64 %d1, %d1; cvt.u64.u32 %d2, %r2; cvta.shared.u64 %d2, %d2; st.u32 [%d1], %r0; | ld.u32 %r3, [%d2];" },
        { "copies of the other warp", "mul.wide.u32 %d1, %thread, 4; add.u64 %d1, %p0, %d1; cp.async.ca.shared.global [%r1], [%d1], 4; cp.async.wait_all; | ld.shared.u32 %r3, [%r2];" },
        { "a copy over what others still read", "st.shared.u32 [%r1], 0; bar.sync 0; ld.shared.u32 %r3, [%r2]; | cp.async.ca.shared.global [%r1], [%p0], 4; cp.async.wait_all;" },
    };

    [Theory]
    [MemberData(nameof(Exchanges))]
    public void A_missing_barrier_is_a_race(string what, string lines)
    {
        Run(64, Mine + lines.Replace("|", "bar.sync 0;", StringComparison.Ordinal));
        string report = Races(64, Mine + lines.Replace("|", "", StringComparison.Ordinal));
        Assert.Matches(@"a race: thread \(\d+,0,0\) at PTX line \d+ \(\S+\) (wrote|read) the same bytes, shared address 0x[0-9a-f]+ \(buffer\+\d+\), and no (bar.warp.sync or )?barrier orders the two accesses", report);
        Assert.True(report.StartsWith("kernel kernel, PTX line ", StringComparison.Ordinal), what);
    }

    [Fact]
    public void Named_barriers_order_those_who_meet_there()
    {
        // Warps 0 and 1 exchange at barrier 1, warps 2 and 3 at barrier 2; nobody else waits.
        const string exchange = "shr.u32 %r5, %thread, 6; add.u32 %r5, %r5, 1; st.shared.u32 [%r1], %thread; {0} ld.shared.u32 %r3, [%r6];\n";
        string other(int mask) => Mine + $"xor.b32 %r6, %thread, {mask}; shl.b32 %r6, %r6, 2; add.u32 %r6, %s, %r6;\n";
        Run(128, other(32) + exchange.Replace("{0}", "barrier.sync %r5, 64;", StringComparison.Ordinal));
        Assert.Contains("a race", Races(128, other(64) + exchange.Replace("{0}", "barrier.sync %r5, 64;", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bar.warp.sync 0xffffffff;")]
    [InlineData("shfl.sync.idx.b32 %r5, %r0, 0, 31, 0xffffffff;")]
    [InlineData("vote.sync.any.pred %q1, %q0, 0xffffffff;")]
    public void Lanes_of_a_warp_synchronise_too(string synchronisation)
    {
        const string lines = "setp.eq.u32 %q0, %lane, 0; xor.b32 %r6, %thread, 1; shl.b32 %r6, %r6, 2; add.u32 %r6, %s, %r6; st.shared.u32 [%r1], %thread;\n";
        Run(32, Mine + lines + synchronisation + "ld.shared.u32 %r3, [%r6];");
        Fails(32, Mine + lines + "ld.shared.u32 %r3, [%r6];", CudaResult.LaunchFailed, "no bar.warp.sync or barrier orders");
    }

    [Fact]
    public void Lanes_that_write_different_values_to_one_place_in_one_instruction_race()
    {
        Run(32, "st.shared.u32 [buffer], 5;");
        Fails(32, "st.shared.u32 [buffer], %lane;", CudaResult.LaunchFailed, "write different values to the same place", "(buffer+0)");
        Fails(32, "shr.u32 %r5, %lane, 1; shl.b32 %r5, %r5, 4; add.u32 %r5, %s, %r5; st.shared.v4.u32 [%r5], {%lane, %r5, %r5, %r5};",
            CudaResult.LaunchFailed, "write different values to the same place");
    }

    [Fact]
    public void A_thread_may_do_what_it_likes_with_its_own_bytes() =>
        Run(64, Mine + "st.shared.u32 [%r1], 1; ld.shared.u32 %r3, [%r1]; st.shared.u32 [%r1], %r3; red.shared.add.u32 [%r1], 1; ld.shared.u32 %r3, [%r1];");

    [Fact]
    public void A_loop_around_compare_and_swap_begins_with_a_plain_read() => Run(64, Mine +
        """
        st.shared.u32 [%r1], 0; bar.sync 0;
        ld.shared.u32 %r3, [buffer];
        AGAIN: mov.b32 %r4, %r3; add.u32 %r5, %r4, 1; atom.shared.cas.b32 %r3, [buffer], %r4, %r5;
        setp.ne.u32 %q0, %r3, %r4; @%q0 bra AGAIN;
        """);

    [Fact]
    public void Threads_that_wait_for_a_flag_come_after_who_sets_it()
    {
        const string lines =
            """
            st.shared.u32 [%r1], 0; bar.sync 0;
            setp.lt.u32 %q0, %thread, 32; @!%q0 bra READ;
            st.shared.u32 [%r1+512], 5; bar.warp.sync 0xffffffff;
            setp.eq.u32 %q1, %thread, 0; @%q1 st.release.cta.shared.u32 [buffer+8], 1; bra END;
            READ: WAIT ld.shared.u32 %r3, [%r2+512]; END:
            """;
        Run(64, Mine + lines.Replace("WAIT", "AGAIN: ld.acquire.cta.shared.u32 %r4, [buffer+8]; setp.eq.u32 %q2, %r4, 0; @%q2 bra AGAIN;", StringComparison.Ordinal));
        Assert.Contains("a race", Races(64, Mine + lines.Replace("WAIT", "", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    // A pipeline of two stages, as matrix products have it: tile i + 1 is copied while tile i is read.
    [Theory]
    [InlineData("", "", null)]
    [InlineData("cp.async.wait_group 1;", "cp.async.wait_group 2;", "a race with a copy")]
    [InlineData("cp.async.wait_group 1; bar.sync 0;", "cp.async.wait_group 1;", "a race")]
    [InlineData("bar.sync 1;", "", "a race")]
    public void A_pipeline_needs_its_waits_and_its_barriers(string correct, string wrong, string? report)
    {
        string lines = Mine +
            """
            mul.wide.u32 %d1, %thread, 4; add.u64 %d1, %p0, %d1; mov.u32 %r5, 0; mov.u32 %r6, 0;
            cp.async.ca.shared.global [%r1], [%d1], 4; cp.async.commit_group;
            LOOP:
            xor.b32 %r7, %r6, 256; add.u32 %r8, %r1, %r7;
            cp.async.ca.shared.global [%r8], [%d1], 4; cp.async.commit_group;
            cp.async.wait_group 1; bar.sync 0;
            add.u32 %r8, %r2, %r6; ld.shared.u32 %r3, [%r8];
            bar.sync 1;
            mov.u32 %r6, %r7; add.u32 %r5, %r5, 1; setp.lt.u32 %q0, %r5, 6; @%q0 bra LOOP;
            """;
        if (report is null)
        {
            Run(64, lines);
            return;
        }

        Assert.Contains(correct, lines, StringComparison.Ordinal);
        Assert.Contains(report, Races(64, lines.Replace(correct, wrong, StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void An_mbarrier_orders_what_comes_before_it()
    {
        const string lines =
            """
            setp.eq.u32 %q0, %thread, 0; @%q0 mbarrier.init.shared.b64 [buffer+1024], 32; bar.sync 0;
            setp.lt.u32 %q1, %thread, 32; @!%q1 bra READ;
            st.shared.u32 [%r1], 5; mbarrier.arrive.shared.b64 _, [buffer+1024]; bra END;
            READ: WAIT ld.shared.u32 %r3, [%r2]; END:
            """;
        Run(64, Mine + lines.Replace("WAIT", "AGAIN: mbarrier.test_wait.parity.shared.b64 %q2, [buffer+1024], 0; @!%q2 bra AGAIN;", StringComparison.Ordinal));
        Assert.Contains("a race", Races(64, Mine + lines.Replace("WAIT", "", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("a race", Races(64, Mine + lines.Replace("bar.sync 0;", "", StringComparison.Ordinal).Replace("WAIT", "", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    // What is written before the read, and what is forgotten.
    [Theory]
    [InlineData("ld.shared.u32 %r3, [%r1];", "(buffer+0)", "", "st.shared.u32 [%r1], 0;")]
    [InlineData("ld.shared.v2.u32 {%r3, %r4}, [buffer];", "(buffer+4)", "st.shared.u32 [buffer], 0;", "st.shared.u32 [buffer+4], 0;")]
    [InlineData("red.shared.add.u32 [buffer], 1;", "(buffer+0)", "", "st.shared.u32 [buffer], 0;")]
    [InlineData("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r3}, [buffer];", "(buffer+4)", "st.shared.u32 [buffer], 0; mov.b64 %d1, 0; st.shared.b64 [buffer+8], %d1;", "st.shared.u32 [buffer+4], 0;")]
    [InlineData("ld.shared.u32 %r3, [buffer];", "(buffer+1)", "st.shared.u8 [buffer], 0; st.shared.u16 [buffer+2], 0;", "st.shared.u8 [buffer+1], 0;")]
    [InlineData("ld.shared.u32 %r3, [buffer+16];", "(buffer+16)", "", "@%q0 cp.async.cg.shared.global [buffer+16], [%p0], 16; cp.async.wait_all;")]
    public void Shared_memory_that_nothing_has_written(string read, string place, string before, string missing)
    {
        const string first = Mine + "setp.eq.u32 %q0, %thread, 0;\n";
        Run(32, first + before + missing + "bar.sync 0;\n" + read);
        Fails(32, first + before + "bar.sync 0;\n" + read, CudaResult.LaunchFailed, place, "that nothing in the block has written");
    }

    [Fact]
    public void Shared_memory_of_the_block_before_counts_as_unwritten()
    {
        using Kernel kernel = new("setp.eq.u32 %p0, %r2, 0; @%p0 st.shared.u32 [buffer], 1; bar.sync 0; ld.shared.u32 %r5, [buffer]; st.global.u32 [%rd1], %r5;");
        Assert.Equal(32, kernel.Run(new uint[32], 1, 32, workers: 1).Sum(x => (int)x));
        var fault = Assert.Throws<DeviceFaultException>(() => kernel.Run(new uint[64], 2, 32, workers: 1));
        Assert.Contains("block (1,0,0)", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Local_memory_that_the_thread_has_not_written()
    {
        const string write = "st.local.u32 [mine+4], 1;";
        using Kernel correct = new($"st.local.u32 [mine], 1; {write} ld.local.v2.u32 {{%r5, %r6}}, [mine]; st.global.u32 [%rd1], %r5;");
        Assert.All(correct.Run(new uint[64], 2, 32), x => Assert.Equal(1u, x));
        using Kernel wrong = new($"st.local.u32 [mine], 1; setp.lt.u32 %p0, %r1, 9; @%p0 {write} ld.local.v2.u32 {{%r5, %r6}}, [mine]; st.global.u32 [%rd1], %r5;");
        var fault = Assert.Throws<DeviceFaultException>(() => wrong.Run(new uint[64], 2, 32));
        Assert.Contains("thread (9,0,0)", fault.Message, StringComparison.Ordinal);
        Assert.Contains("local address", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(1)]
    public void A_barrier_that_the_lanes_of_a_warp_reach_apart(int threads)
    {
        const string lines = "and.b32 %r5, %lane, 1; setp.eq.u32 %q0, %r5, 0; @%q0 bra EVEN; SYNC bra END; EVEN: SYNC END:\n";
        Run(threads, lines.Replace("SYNC", "barrier.sync 0;", StringComparison.Ordinal)); // these may be apart
        Run(threads, "bar.sync 0;");
        if (threads > 1)
        {
            Fails(threads, lines.Replace("SYNC", "bar.sync 0;", StringComparison.Ordinal), CudaResult.LaunchFailed, "at different instructions");
            Fails(threads, "setp.eq.u32 %q0, %lane, 0; @%q0 bar.sync 1, 32; bar.sync 0;", CudaResult.LaunchTimeout, "hangs");
        }
    }

    [Fact]
    public void What_is_not_asked_for_is_not_checked()
    {
        string race = PtxKernel.Text(Mine + "st.shared.u32 [%r1], %thread; ld.shared.u32 %r3, [%r2];", 1);
        string unwritten = PtxKernel.Text("ld.shared.u32 %r3, [buffer];", 1);
        PtxKernel.Run(CheckSet.Default, 64, race, new uint[256]);
        PtxKernel.Run(CheckSet.Default, 64, unwritten, new uint[256]);
        PtxKernel.Run(CheckSet.Initialisation, 32, race.Replace("xor.b32 %r2, %thread, 63", "mov.b32 %r2, %thread", StringComparison.Ordinal), new uint[256]);
        PtxKernel.Run(CheckSet.Races, 64, unwritten, new uint[256]);
        Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(CheckSet.Races, 64, race, new uint[256]));
        Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(CheckSet.Initialisation, 64, unwritten, new uint[256]));
    }

    private static void Run(int threads, string lines) => PtxKernel.Run(threads, PtxKernel.Text(lines, 1), new uint[256]);

    // What racecheck alone reports: an exchange without a barrier may also read what is not there yet.
    private static string Races(int threads, string lines)
    {
        var fault = Assert.Throws<DeviceFaultException>(() => PtxKernel.Run(CheckSet.Races, threads, PtxKernel.Text(lines, 1), new uint[256]));
        Assert.Equal(CudaResult.LaunchFailed, fault.Result);
        return fault.Message;
    }

    private static void Fails(int threads, string lines, CudaResult result, params string[] reports)
    {
        var fault = Assert.Throws<DeviceFaultException>(() => Run(threads, lines));
        Assert.Equal(result, fault.Result);
        Assert.StartsWith("kernel kernel, ", fault.Message, StringComparison.Ordinal);
        Assert.All(reports, report => Assert.Contains(report, fault.Message, StringComparison.Ordinal));
    }
}
