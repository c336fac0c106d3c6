using System.Runtime.InteropServices;
using System.Text.Json;
using Handwritten.CudaEmulator.Counters;
using Handwritten.CudaEmulator.Tests.Execution;
using Xunit;
using Xunit.Sdk;

namespace Handwritten.CudaEmulator.Tests.Counters;

public class CounterTests
{
    // %rd1 is the address of the thread's own 4 bytes, %r1 its number in the block.
    private const string Load = "ld.global.f32 %f0, [%rd2];";

    [Theory]
    [InlineData(4, 4)]
    [InlineData(8, 8)]
    [InlineData(32, 32)]
    [InlineData(128, 32)]
    [InlineData(0, 1)]
    public void A_warps_load_touches_as_many_sectors_as_its_stride_makes_it(int stride, int sectors)
    {
        var counts = Count($"mul.wide.u32 %rd2, %r1, {stride}; add.u64 %rd2, %rd0, %rd2; {Load}");
        Assert.Equal(sectors, counts[Counter.GlobalSectors]);
        Assert.Equal(sectors * 32, counts[Counter.GlobalUniqueBytes]);
        Assert.Equal(32 * 4, counts[Counter.GlobalBytesRead]);
        Assert.Equal(0, counts[Counter.GlobalBytesWritten]);
    }

    [Fact]
    public void What_blocks_read_again_is_unique_once()
    {
        var counts = Count("ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%rd0];", blocks: 8, threads: 64);
        Assert.Equal(8 * 2, counts[Counter.GlobalSectors]);
        Assert.Equal(8 * 64 * 16, counts[Counter.GlobalBytesRead]);
        Assert.Equal(32, counts[Counter.GlobalUniqueBytes]);
    }

    [Fact]
    public void An_atomic_reads_and_writes()
    {
        var counts = Count("red.global.add.u32 [%rd1], 1;");
        Assert.Equal((128, 128, 4), (counts[Counter.GlobalBytesRead], counts[Counter.GlobalBytesWritten], counts[Counter.GlobalSectors]));
    }

    // Words apart, and the words of one bank that follow from it.
    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0)]
    [InlineData(8, 1)]
    [InlineData(12, 0)]
    [InlineData(16, 3)]
    [InlineData(128, 31)]
    public void Different_words_of_a_bank_come_one_after_another(int stride, int replays)
    {
        var counts = Count($"mul.lo.u32 %r5, %r1, {stride}; st.shared.b32 [%r5], %r5;", dynamicShared: 4096);
        Assert.Equal((1, replays), (counts[Counter.SharedAccesses], counts[Counter.SharedReplays]));
    }

    [Theory]
    [InlineData("ld.shared.v2.f32 {%f0, %f1}, [%r5];", 8, 0)]
    [InlineData("ld.shared.v4.f32 {%f0, %f1, %f2, %f3}, [%r5];", 16, 0)]
    [InlineData("ld.shared.v4.f32 {%f0, %f1, %f2, %f3}, [%r5];", 32, 4)]
    [InlineData("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r6, %r7, %r8, %r9}, [%r5];", 16, 0)]
    [InlineData("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r6, %r7, %r8, %r9}, [%r5];", 128, 28)]
    [InlineData("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r6}, [%r5];", 128, 7)]
    public void Wide_accesses_go_by_parts_of_the_warp(string access, int stride, int replays)
    {
        var counts = Count($"mul.lo.u32 %r5, %r1, {stride}; {access}", dynamicShared: 4096);
        Assert.Equal((1, replays), (counts[Counter.SharedAccesses], counts[Counter.SharedReplays]));
    }

    [Fact]
    public void A_generic_address_counts_where_it_points()
    {
        var counts = Count("mul.wide.u32 %rd2, %r1, 8; mov.u64 %rd3, buffer; cvta.shared.u64 %rd3, %rd3; add.u64 %rd2, %rd2, %rd3; ld.f32 %f0, [%rd2]; ld.f32 %f0, [%rd1];");
        Assert.Equal((1, 1), (counts[Counter.SharedAccesses], counts[Counter.SharedReplays]));
        Assert.Equal((128, 4), (counts[Counter.GlobalBytesRead], counts[Counter.GlobalSectors]));
    }

    [Fact]
    public void An_asynchronous_copy_reads_global_and_writes_shared_memory()
    {
        var counts = Count("mul.wide.u32 %rd2, %r1, 16; add.u64 %rd2, %rd0, %rd2; mul.lo.u32 %r5, %r1, 16; cp.async.cg.shared.global [%r5], [%rd2], 16; cp.async.wait_all;", dynamicShared: 1024);
        Assert.Equal((512, 16), (counts[Counter.GlobalBytesRead], counts[Counter.GlobalSectors]));
        Assert.Equal((1, 0), (counts[Counter.SharedAccesses], counts[Counter.SharedReplays]));
    }

    [Fact]
    public void Local_memory_is_counted_by_bytes()
    {
        var counts = Count("st.local.u32 [mine], %r1; ld.local.v2.u32 {%r5, %r6}, [mine];");
        Assert.Equal((256, 128), (counts[Counter.LocalBytesRead], counts[Counter.LocalBytesWritten]));
    }

    [Fact]
    public void A_loop_of_multiply_adds_has_two_flops_a_turn_and_thread()
    {
        var counts = Count("""
            mov.u32 %r5, 0; mov.f32 %f0, 0f00000000;
            again: fma.rn.f32 %f0, %f0, %f0, %f0; add.u32 %r5, %r5, 1; setp.lt.u32 %p0, %r5, 10; @%p0 bra again;
            """, blocks: 3, threads: 64);
        Assert.Equal(2 * 10 * 3 * 64, counts[Counter.F32FmaFlops]);
        Assert.Equal(0, counts[Counter.DivergentBranches]);
        // A warp: mad, mul, add before the loop, then thirty; six moves; two loads of parameters; ten branches and a return.
        Assert.Equal(
            (6 * 33, 6 * 2, 6 * 11, 6 * 5),
            (counts[Counter.ArithmeticInstructions], counts[Counter.MemoryInstructions], counts[Counter.ControlInstructions], counts[Counter.OtherInstructions]));
    }

    [Fact]
    public void Flops_are_the_active_lanes_and_go_by_type()
    {
        var counts = Count("""
            setp.lt.u32 %p0, %r1, 5;
            @%p0 add.f32 %f0, %f0, %f0; mul.f64 %fd0, %fd0, %fd0; sub.f64 %fd0, %fd0, %fd0; fma.rn.f16x2 %r5, %r5, %r5, %r5; add.f16 %h0, %h0, %h0;
            """);
        Assert.Equal((5, 32, 32), (counts[Counter.F32AddFlops], counts[Counter.F64MulFlops], counts[Counter.F64AddFlops]));
        Assert.Equal((128, 32, 0), (counts[Counter.F16FmaFlops], counts[Counter.F16AddFlops], counts[Counter.F32MulFlops]));
    }

    [Theory]
    [InlineData("m16n8k16.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%r5, %r6, %r7, %r8}, {%r9, %r10}, {%f0, %f1, %f2, %f3}", nameof(Counter.TensorF16Flops), 4096)]
    [InlineData("m16n8k8.row.col.f32.bf16.bf16.f32 {%f0, %f1, %f2, %f3}, {%r5, %r6}, {%r9}, {%f0, %f1, %f2, %f3}", nameof(Counter.TensorBf16Flops), 2048)]
    [InlineData("m16n8k4.row.col.f32.tf32.tf32.f32 {%f0, %f1, %f2, %f3}, {%r5, %r6}, {%r9}, {%f0, %f1, %f2, %f3}", nameof(Counter.TensorTf32Flops), 1024)]
    [InlineData("m8n8k16.row.col.s32.s8.s8.s32 {%r5, %r6}, {%r7}, {%r8}, {%r5, %r6}", nameof(Counter.TensorI8Flops), 2048)]
    [InlineData("m16n8k32.row.col.f32.e4m3.e5m2.f32 {%f0, %f1, %f2, %f3}, {%r5, %r6, %r7, %r8}, {%r9, %r10}, {%f0, %f1, %f2, %f3}", nameof(Counter.TensorF8Flops), 8192)]
    public void A_matrix_product_has_two_flops_a_multiplication(string mma, string counter, long flops)
    {
        var counts = Count($"mma.sync.aligned.{mma};", threads: 64);
        Assert.Equal(2 * flops, counts[Enum.Parse<Counter>(counter)]);
        Assert.Equal(2, counts[Counter.TensorInstructions]);
    }

    [Theory]
    [InlineData(16, 2)] // half of each warp
    [InlineData(32, 0)] // all
    public void A_branch_diverges_where_lanes_part(int period, int divergent)
    {
        var counts = Count($"and.b32 %r5, %r1, 31; setp.lt.u32 %p0, %r5, {period}; @%p0 bra there; mov.u32 %r6, 1; there: mov.u32 %r7, 2;", threads: 64);
        Assert.Equal(divergent, counts[Counter.DivergentBranches]);
    }

    [Fact]
    public void A_barrier_counts_once_a_block()
    {
        var counts = Count("bar.sync 0; bar.sync 0;", blocks: 3, threads: 128);
        Assert.Equal((6, 3, 3 * 128, 1), (counts[Counter.Barriers], counts[Counter.Blocks], counts[Counter.Threads], counts[Counter.Launches]));
    }

    [Fact]
    public void Figures_are_the_same_every_time_and_with_any_workers()
    {
        const string Text = """
            ld.global.u32 %r5, [%rd1]; and.b32 %r6, %r4, 7;
            again: add.u32 %r6, %r6, 1; setp.lt.u32 %p0, %r6, 9; @%p0 bra again;
            mul.lo.u32 %r7, %r1, 8; st.shared.b32 [%r7], %r5; bar.sync 0; st.global.u32 [%rd1], %r6;
            """;
        var first = All(Count(Text, 20, 96, 1024, 1));
        Assert.True(first[(int)Counter.DivergentBranches] > 0);
        Assert.Equal(20 * 96 * 4, first[(int)Counter.GlobalUniqueBytes]);
        Assert.Equal(first, All(Count(Text, 20, 96, 1024, 1)));
        Assert.Equal(first, All(Count(Text, 20, 96, 1024, 4)));
    }

    [Fact]
    public void The_floor_is_the_farther_wall()
    {
        var device = Roofline.All.Single(r => r.Device == "a100");
        KernelCounters counts = new();
        counts[Counter.GlobalUniqueBytes] = 1_555_000;
        Assert.Equal(new Floor(1, "memory"), device.FloorOf(counts));
        counts[Counter.F32AddFlops] = counts[Counter.F32FmaFlops] = 19_500_000;
        Assert.Equal(new Floor(2, "f32"), device.FloorOf(counts));
        counts[Counter.TensorBf16Flops] = 936_000_000;
        Assert.Equal(new Floor(3, "tensorBf16"), device.FloorOf(counts));
        Assert.Null(Roofline.All.Single(r => r.Device == "t4").FloorOf(counts));
    }

    [Fact]
    public void The_file_holds_the_sums_of_all_launches()
    {
        var path = System.IO.Path.GetTempFileName();
        try
        {
            LaunchProfile profile = new(path);
            Count(Load.Replace("%rd2", "%rd1", StringComparison.Ordinal), profile: profile);
            Count(Load.Replace("%rd2", "%rd1", StringComparison.Ordinal), profile: profile);
            profile.Save();
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var kernel = Assert.Single(json.RootElement.GetProperty("kernels").EnumerateArray());
            Assert.Equal("kernel", kernel.GetProperty("name").GetString());
            Assert.Equal(2, kernel.GetProperty("launches").GetInt64());
            Assert.Equal(256, kernel.GetProperty("globalUniqueBytes").GetInt64());
            var floor = kernel.GetProperty("floors").GetProperty("t4");
            Assert.Equal(256 / 320e9 * 1e6, floor.GetProperty("microseconds").GetDouble(), 1e-12);
            Assert.Equal("memory", floor.GetProperty("wall").GetString());
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static long[] All(KernelCounters counts) => [.. Enum.GetValues<Counter>().Select(c => counts[c])];

    private static KernelCounters Count(
        string text, int blocks = 1, int threads = 32, int dynamicShared = 0, int workers = 0, LaunchProfile? profile = null)
    {
        using Kernel kernel = new(text);
        profile ??= new("unused");
        var parameters = new byte[12];
        MemoryMarshal.Write(parameters, kernel.Memory.TryAllocate(1 << 16)!.Address);
        profile.Run(new(kernel.Module.FindKernel("kernel")!, new(blocks, 1, 1), new(threads, 1, 1), dynamicShared, parameters), kernel.Memory, Snippet.Profile, new(workers));
        return profile.Find("kernel") ?? throw new XunitException("The launch was not counted.");
    }
}
