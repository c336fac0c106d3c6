using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>A PTX module on a device of its own, for tests that launch grids.</summary>
internal sealed unsafe class Kernel : IDisposable
{
    private readonly LoadedModule module;

    /// <param name="body">A whole module without its header, or a body (without ret) of an entry `kernel(.param .u64 data, .param .u32 n)`.</param>
    /// <param name="isModule">Which of both.</param>
    /// <param name="target">.target.</param>
    public Kernel(string body, bool isModule = false, int target = 90)
    {
        var header = $".version 8.4\n.target sm_{target}\n.address_size 64\n";
        module = LoadedModule.Load(
            isModule ? header + body : header + $$"""
            .visible .entry kernel(.param .u64 data, .param .u32 n)
            {
            .reg .b32 %r<20>; .reg .b64 %rd<20>; .reg .pred %p<10>; .reg .b16 %h<10>; .reg .f32 %f<10>; .reg .f64 %fd<10>;
            .shared .align 16 .b8 buffer[1024];
            .local .align 16 .b8 mine[64];
            ld.param.u64 %rd0, [data]; ld.param.u32 %r0, [n]; mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x;
            mad.lo.u32 %r4, %r2, %r3, %r1;
            mul.wide.u32 %rd1, %r4, 4; add.u64 %rd1, %rd0, %rd1;
            {{body}}
            ret;
            }
            """, Snippet.Profile, Memory);
    }

    public DeviceMemory Memory { get; } = new(1 << 28);

    public LoadedModule Module => module;

    /// <summary>Runs `kernel` on data (copied in, and back), with the number of its elements as the second parameter.</summary>
    public T[] Run<T>(T[] data, int blocks, int threads, int dynamicShared = 0, int workers = 0, string name = "kernel", CheckSet checks = CheckSet.All, long limit = LaunchOptions.DefaultLimit)
        where T : unmanaged
    {
        var allocation = Memory.TryAllocate(data.Length * sizeof(T))!;
        data.CopyTo(new Span<T>((void*)allocation.Address, data.Length));
        var parameters = new byte[12];
        MemoryMarshal.Write(parameters, allocation.Address);
        MemoryMarshal.Write(parameters.AsSpan(8), data.Length);
        var code = module.FindKernel(name)!;
        try
        {
            GridRunner.Run(new(code, new(blocks, 1, 1), new(threads, 1, 1), dynamicShared, parameters[..code.ParameterBytes]), Memory, Snippet.Profile, new(workers, checks, limit));
            return new Span<T>((void*)allocation.Address, data.Length).ToArray();
        }
        finally
        {
            Memory.Free(allocation.Address);
        }
    }

    public void Dispose()
    {
        module.Dispose();
        Memory.Dispose();
    }
}
