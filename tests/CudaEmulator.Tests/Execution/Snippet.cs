using System.Runtime.InteropServices;
using System.Text;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>
/// Runs a few lines of PTX over the 32 lanes of a warp: inputs are in %a, %b, %c, %i3, … (an element of each array a lane), the
/// result is what the lines leave in %d. There are also %t0 to %t9 (.b32), %w0 to %w9 (.b64), %h0 to %h9 (.b16), %p0 to %p9
/// (.pred), %lane, and `buffer`, 4096 bytes of shared memory.
/// </summary>
internal static unsafe class Snippet
{
    public static readonly DeviceProfile Profile = new(
        "test", "a device for tests", 90, 132, 1L << 32, 49152, 232448, 233472, 2048, 32, 50 << 20, 1980000, 2619000, 5120);

    /// <summary>Runs the lines; each of the arrays has 32 elements.</summary>
    public static TOut[] Run<TOut>(string lines, params Array[] inputs)
        where TOut : unmanaged => RunFor<TOut>(90, lines, inputs);

    /// <summary>As <see cref="Run"/>, for a .target.</summary>
    public static TOut[] RunFor<TOut>(int target, string lines, params Array[] inputs)
        where TOut : unmanaged
    {
        using DeviceMemory memory = new(1 << 24);
        StringBuilder text = new($".version 8.0\n.target sm_{target}\n.address_size 64\n.visible .entry snippet(");
        text.AppendJoin(", ", Enumerable.Range(0, inputs.Length + 1).Select(i => $".param .u64 p{i}")).AppendLine(")\n{");
        text.AppendLine(".reg .b32 %t<10>, %lane; .reg .b64 %w<10>, %at, %o; .reg .b16 %h<10>; .reg .pred %p<10>;");
        text.AppendLine(".shared .align 16 .b8 buffer[4096];");
        for (var i = 0; i < inputs.Length; i++)
        {
            text.AppendLine($".reg .b{8 * SizeOf(inputs[i])} {Register(i)};");
        }

        text.AppendLine($".reg .b{8 * sizeof(TOut)} %d;\nmov.u32 %lane, %laneid;");
        List<ulong> parameters = [];
        for (var i = 0; i < inputs.Length; i++)
        {
            var size = SizeOf(inputs[i]);
            text.AppendLine($"mul.wide.u32 %o, %lane, {size}; ld.param.u64 %at, [p{i}]; add.u64 %at, %at, %o; ld.global.b{8 * size} {Register(i)}, [%at];");
            var address = memory.TryAllocate(Lanes * size)!.Address;
            parameters.Add(address);
            Assert.Equal(Lanes, inputs[i].Length);
            MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(inputs[i]), Lanes * size).CopyTo(new Span<byte>((void*)address, Lanes * size));
        }

        text.AppendLine(lines);
        text.AppendLine($"mul.wide.u32 %o, %lane, {sizeof(TOut)}; ld.param.u64 %at, [p{inputs.Length}]; add.u64 %at, %at, %o; st.global.b{8 * sizeof(TOut)} [%at], %d;\nret;\n}}");
        var result = memory.TryAllocate(Lanes * sizeof(TOut))!.Address;
        parameters.Add(result);
        using var module = LoadedModule.Load(text.ToString(), Profile, memory);
        var bytes = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(parameters)).ToArray();
        GridRunner.Run(new(module.FindKernel("snippet")!, new(1, 1, 1), new(Lanes, 1, 1), 0, bytes), memory, Profile, new(Checks: CheckSet.All));
        return new Span<TOut>((void*)result, Lanes).ToArray();
    }

    private const int Lanes = 32;

    /// <summary>The register of an input: %a, %b, %c, then %i3, %i4, …</summary>
    public static string Register(int input) => input < 3 ? $"%{(char)('a' + input)}" : $"%i{input}";

    private static int SizeOf(Array array) => Marshal.SizeOf(array.GetType().GetElementType()!);
}
