using System.Globalization;
using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

// How fast the CUDA emulator executes: loops of one kind of instruction over 8 blocks of 256 threads, on one core, with each
// set of checks. Run it with
//
//     dotnet run -c Release --project tools/EmulatorSpeed
//
// Time is the processor's, not the clock's, and the best of several runs counts: this is about the emulator, not about what
// else the machine does.
const int Blocks = 8, Threads = 256, Runs = 6;

(string Name, int Iterations, int Copies, double Flops, string Code)[] loops =
[
    ("arithmetic", 3000, 4, 0, "fma.rn.f32 %f1, %f1, %f2, %f3; add.u32 %r2, %r2, %r3; mul.f32 %f4, %f4, %f2; xor.b32 %r2, %r2, %r1;"),
    ("fma in one chain", 3000, 16, 2 * 32, "fma.rn.f32 %f1, %f1, %f2, %f3;"),
    ("half fma", 3000, 16, 4 * 32, "fma.rn.f16x2 %r4, %r4, %r5, %r6;"),
    ("exponential", 1000, 16, 0, "ex2.approx.f32 %f5, %f4;"),
    ("shared store and load", 1000, 8, 0, "st.shared.u32 [%r8], %r2; ld.shared.u32 %r2, [%r8];"),
    ("shared vector load", 1000, 8, 0, "ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r9];"),
    ("ldmatrix", 1000, 8, 0, "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%r9];"),
    ("global load", 1000, 16, 0, "ld.global.u32 %r2, [%rd1];"),
    ("global vector load", 1000, 8, 0, "ld.global.v4.u32 {%r4, %r5, %r6, %r7}, [%rd2];"),
    ("shuffle", 1000, 16, 0, "shfl.sync.bfly.b32 %r2, %r2, 16, 31, 0xffffffff;"),
    ("mma m16n8k16 f16", 1000, 8, 2 * 16 * 8 * 16, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f4, %f5, %f6, %f7}, {%r4, %r5, %r6, %r7}, {%r4, %r5}, {%f4, %f5, %f6, %f7};"),
];

Console.WriteLine($"{"million warp-instructions/s",-28}{"none",8}{"memcheck",10}{"all",8}{"GFLOP/s",10}");
foreach (var loop in loops)
{
    double none = Rate(CheckSet.None);
    string flops = loop.Flops > 0 ? $"{none * loop.Flops * loop.Copies / (loop.Copies * loop.Code.Count(c => c == ';') + 3) / 1e3,10:F1}" : "";
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{loop.Name,-28}{none,8:F1}{Rate(CheckSet.Default),10:F1}{Rate(CheckSet.All),8:F1}{flops}"));

    double Rate(CheckSet checks)
    {
        DeviceProfile profile = DeviceProfile.All[0];
        using DeviceMemory memory = new(1 << 28) { TracksWrites = checks.HasFlag(CheckSet.Initialisation) };
        using LoadedModule module = LoadedModule.Load(Text(loop.Iterations, string.Concat(Enumerable.Repeat(loop.Code, loop.Copies))), profile, memory);
        // One word more than is ever written: the emulator keeps looking.
        Allocation data = memory.TryAllocate(Blocks * Threads * 4 * sizeof(uint) + sizeof(uint))!;
        LaunchRequest request = new(module.FindKernel("kernel")!, new Dim3(Blocks, 1, 1), new Dim3(Threads, 1, 1), 0, BitConverter.GetBytes(data.Address));
        double best = double.PositiveInfinity;
        for (int run = 0; run < Runs; run++)
        {
            double start = Seconds();
            GridRunner.Run(request, memory, profile, new(Workers: 1, checks));
            best = Math.Min(best, Seconds() - start);
        }

        // Three instructions of each iteration are the loop's own.
        return Blocks * Threads / 32.0 * loop.Iterations * ((loop.Copies * loop.Code.Count(c => c == ';')) + 3) / best / 1e6;
    }
}

static double Seconds()
{
    const int ThreadCpuTime = 3; // CLOCK_THREAD_CPUTIME_ID: one worker is the calling thread
    long[] time = new long[2]; // struct timespec: seconds, nanoseconds
    _ = LibC.GetTime(ThreadCpuTime, time);
    return time[0] + 1e-9 * time[1];
}

static string Text(int iterations, string body) => $$"""
    .version 8.0
    .target sm_90
    .address_size 64
    .visible .entry kernel(.param .u64 data)
    {
    .reg .b32 %r<12>; .reg .b64 %rd<3>; .reg .f32 %f<8>; .reg .pred %p<1>;
    .shared .align 16 .b8 buffer[4096];
    ld.param.u64 %rd0, [data];
    mov.u32 %r0, %tid.x; mov.u32 %r10, %ctaid.x; mad.lo.u32 %r10, %r10, {{Threads}}, %r0;
    mul.wide.u32 %rd1, %r10, 4; add.u64 %rd1, %rd0, %rd1;
    mul.wide.u32 %rd2, %r10, 16; add.u64 %rd2, %rd0, %rd2;
    mov.u32 %r8, buffer; mad.lo.u32 %r9, %r0, 16, %r8; mad.lo.u32 %r8, %r0, 4, %r8;
    mov.u32 %r1, 0; mov.u32 %r2, 1; mov.u32 %r3, 3; mov.u32 %r4, 0; mov.u32 %r5, 0; mov.u32 %r6, 0; mov.u32 %r7, 0;
    mov.f32 %f1, 0f3F800000; mov.f32 %f2, 0f3F7FFFFF; mov.f32 %f3, 0f33000000;
    mov.f32 %f4, %f1; mov.f32 %f5, %f1; mov.f32 %f6, %f1; mov.f32 %f7, %f1;
    st.global.v4.u32 [%rd2], {%r4, %r5, %r6, %r7};
    st.shared.v4.u32 [%r9], {%r4, %r5, %r6, %r7};
    bar.sync 0;
    again:
    {{body}}
    add.u32 %r1, %r1, 1;
    setp.lt.u32 %p0, %r1, {{iterations}};
    @%p0 bra again;
    st.global.u32 [%rd2], %r2;
    ret;
    }
    """;

internal static partial class LibC
{
    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    public static partial int GetTime(int clock, [Out] long[] time);
}
