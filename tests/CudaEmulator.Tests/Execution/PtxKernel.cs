using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>
/// Runs one block of a whole kernel whose parameters are buffers:
/// <c>Run(128, Text("…"), a, b)</c> gives the lines a's and b's addresses in %p0 and %p1, and afterwards a and b hold what
/// the kernel left in them.
/// </summary>
internal static unsafe class PtxKernel
{
    /// <summary>
    /// A kernel around lines of PTX. They have %r0 … (.b32), %f0 … (.f32), %d0 … (.b64), %q0 … (.pred), %thread and %lane,
    /// `buffer`, <paramref name="shared"/> bytes of shared memory, and %s, its address.
    /// </summary>
    public static string Text(string lines, int buffers, int target = 90, int shared = 4096) =>
        $$"""
        .version 8.4
        .target sm_{{target}}
        .address_size 64
        .visible .entry kernel({{string.Join(", ", Enumerable.Range(0, buffers).Select(i => $".param .u64 buffer{i}"))}})
        {
            .reg .b32 %r<100>, %thread, %lane, %s; .reg .f32 %f<100>; .reg .b64 %d<100>, %p<10>; .reg .pred %q<10>;
            .shared .align 16 .b8 buffer[{{shared}}];
            mov.u32 %s, buffer; mov.u32 %thread, %tid.x; and.b32 %lane, %thread, 31;
            {{string.Concat(Enumerable.Range(0, buffers).Select(i => $"ld.param.u64 %p{i}, [buffer{i}]; "))}}
            {{lines}}
            ret;
        }
        """;

    /// <summary>Runs one block of <paramref name="threads"/> threads.</summary>
    public static void Run(int threads, string text, params Array[] buffers) => Run(CheckSet.All, threads, text, buffers);

    /// <summary>As <see cref="Run(int, string, Array[])"/>, for kernels that do on purpose what some checks forbid.</summary>
    public static void Run(CheckSet checks, int threads, string text, params Array[] buffers)
    {
        using DeviceMemory memory = new(1 << 28);
        using var module = LoadedModule.Load(text, Snippet.Profile, memory);
        var places = buffers.Select(b => (nint)memory.TryAllocate(Bytes(b).Length)!.Address).ToArray();
        for (var i = 0; i < buffers.Length; i++)
        {
            Bytes(buffers[i]).CopyTo(new Span<byte>((void*)places[i], Bytes(buffers[i]).Length));
        }

        var parameters = MemoryMarshal.AsBytes(places.AsSpan()).ToArray();
        GridRunner.Run(new(module.FindKernel("kernel")!, new(1, 1, 1), new(threads, 1, 1), 0, parameters), memory, Snippet.Profile, new(Checks: checks));
        for (var i = 0; i < buffers.Length; i++)
        {
            new ReadOnlySpan<byte>((void*)places[i], Bytes(buffers[i]).Length).CopyTo(Bytes(buffers[i]));
        }
    }

    private static Span<byte> Bytes(Array array) => MemoryMarshal.CreateSpan(
        ref MemoryMarshal.GetArrayDataReference(array), array.Length * Marshal.SizeOf(array.GetType().GetElementType()!));
}
