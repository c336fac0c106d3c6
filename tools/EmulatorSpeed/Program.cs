using System.Diagnostics;
using System.Globalization;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

// How fast the CUDA emulator executes: loops of one kind of instruction over 8 blocks of 256 threads, on one core and on
// all, with its bounds and alignment checks, which are always on. Run it with
//
//     dotnet run -c Release --project tools/EmulatorSpeed
//
// The best of several runs counts: this is about the emulator, not about what else the machine does.
const int Blocks = 8, Threads = 256, Runs = 6;

int[] workerCounts = [1, Environment.ProcessorCount];
foreach (int workers in workerCounts.Distinct())
{
    Console.WriteLine($"{workers} {(workers == 1 ? "core" : "cores")}:");
    Time("arithmetic", 3000, 4, 0, "fma.rn.f32 %f1, %f1, %f2, %f3; add.u32 %r2, %r2, %r3; mul.f32 %f4, %f4, %f2; xor.b32 %r2, %r2, %r1;");
    Time("fma", 3000, 16, 2 * 32, "fma.rn.f32 %f1, %f1, %f2, %f3;");
    Time("shared store and load", 1000, 8, 0, "st.shared.u32 [buffer], %r2; ld.shared.u32 %r2, [buffer];");
    Time("global load", 1000, 16, 0, "ld.global.u32 %r2, [%rd1];");
    Time("mma m16n8k16 f16", 1000, 8, 2 * 16 * 8 * 16, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f4, %f5, %f6, %f7}, {%r4, %r5, %r6, %r7}, {%r4, %r5}, {%f4, %f5, %f6, %f7};");

    void Time(string name, int iterations, int copies, double flops, string code)
    {
        DeviceProfile profile = DeviceProfile.All[0];
        using DeviceMemory memory = new(1 << 28);
        using LoadedModule module = LoadedModule.Load(Text(iterations, string.Concat(Enumerable.Repeat(code, copies))), profile, memory);
        Allocation data = memory.TryAllocate(Blocks * Threads * sizeof(uint))!;
        LaunchRequest request = new(module.FindKernel("kernel")!, new Dim3(Blocks, 1, 1), new Dim3(Threads, 1, 1), 0, BitConverter.GetBytes(data.Address));
        double best = double.PositiveInfinity;
        for (int run = 0; run < Runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            GridRunner.Run(request, memory, profile, new(workers));
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        // Three instructions of each iteration are the loop's own.
        const double warps = Blocks * Threads / 32.0;
        double instructions = warps * iterations * ((copies * code.Count(c => c == ';')) + 3);
        string rate = flops > 0 ? $", {warps * iterations * copies * flops / best / 1e9:F1} GFLOP/s" : "";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-22} {instructions / best / 1e6,5:F0} million warp-instructions/s{rate}"));
    }
}

static string Text(int iterations, string body) => $$"""
    .version 8.0
    .target sm_90
    .address_size 64
    .visible .entry kernel(.param .u64 data)
    {
    .reg .b32 %r<8>; .reg .b64 %rd<2>; .reg .f32 %f<8>; .reg .pred %p<1>;
    .shared .align 16 .b8 buffer[1024];
    ld.param.u64 %rd0, [data];
    mov.u32 %r0, %tid.x;
    mul.wide.u32 %rd1, %r0, 4;
    add.u64 %rd1, %rd0, %rd1;
    st.global.u32 [%rd1], %r0;
    mov.u32 %r1, 0; mov.u32 %r2, 1; mov.u32 %r3, 3; mov.u32 %r4, 0; mov.u32 %r5, 0; mov.u32 %r6, 0; mov.u32 %r7, 0;
    mov.f32 %f1, 0f3F800000; mov.f32 %f2, 0f3F7FFFFF; mov.f32 %f3, 0f33000000;
    mov.f32 %f4, %f1; mov.f32 %f5, %f1; mov.f32 %f6, %f1; mov.f32 %f7, %f1;
    again:
    {{body}}
    add.u32 %r1, %r1, 1;
    setp.lt.u32 %p0, %r1, {{iterations}};
    @%p0 bra again;
    st.global.u32 [%rd1], %r2;
    ret;
    }
    """;
