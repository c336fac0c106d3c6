using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>Where a kernel's parameter lies in <see cref="LaunchRequest.Parameters"/>.</summary>
public readonly record struct KernelParameter(int Offset, int Bytes);

/// <summary>
/// A kernel, decoded for execution: an array of <see cref="Op"/> in which calls are inlined, registers are offsets into a
/// warp's frame, and branch targets are addresses; with the facts that cuFuncGetAttribute tells.
/// </summary>
public sealed unsafe class KernelCode
{
    internal KernelCode(Op[] ops, int[] slots, PtxInstruction[] sources, FrameLayout frame)
    {
        Code = (Op*)NativeMemory.AlignedAlloc((nuint)(ops.Length * sizeof(Op)), 64);
        ops.CopyTo(new Span<Op>(Code, ops.Length));
        Slots = slots;
        Sources = sources;
        Frame = frame;
    }

    /// <summary>Frees the decoded instructions.</summary>
    ~KernelCode() => NativeMemory.AlignedFree(Code);

    /// <summary>The entry's name.</summary>
    public required string Name { get; init; }

    /// <summary>Parameters, in order.</summary>
    public required IReadOnlyList<KernelParameter> Parameters { get; init; }

    /// <summary>Bytes of all parameters.</summary>
    public required int ParameterBytes { get; init; }

    /// <summary>Shared memory that the kernel declares.</summary>
    public required int StaticSharedBytes { get; init; }

    /// <summary>Local memory of a thread.</summary>
    public required int LocalBytes { get; init; }

    /// <summary>.const memory of the module.</summary>
    public required int ConstBytes { get; init; }

    /// <summary>32-bit registers of a thread: the most that are live at once.</summary>
    public required int RegisterCount { get; init; }

    /// <summary>.maxntid or .reqntid; null if not given.</summary>
    public int? MaxThreads { get; init; }

    /// <summary>Whether <see cref="MaxThreads"/> came from .reqntid.</summary>
    public bool RequiresExactThreads { get; init; }

    /// <summary>.minnctapersm.</summary>
    public int? MinBlocks { get; init; }

    /// <summary>.version, as major * 10 + minor.</summary>
    public required int PtxVersion { get; init; }

    /// <summary>.target's number.</summary>
    public required int Target { get; init; }

    /// <summary>
    /// Whether it holds atomics on global memory: its blocks then run one after another, in order, so that the result is
    /// the same every time.
    /// </summary>
    public required bool RunsInOrder { get; init; }

    /// <summary>Where its shared variables lie, in order.</summary>
    internal IReadOnlyList<(string Name, int Offset)> SharedVariables { get; init; } = [];

    internal Op* Code { get; }

    /// <summary>The PTX instruction behind each element of <see cref="Code"/>.</summary>
    internal PtxInstruction[] Sources { get; }

    /// <summary>
    /// Which of <see cref="Code"/> each PTX instruction became. Calls are not among them: what they call is, inlined.
    /// </summary>
    internal IReadOnlyList<(int First, int End)> Instructions { get; init; } = [];

    internal FrameLayout Frame { get; }

    /// <summary>Pinned memory that <see cref="Op.Slots"/> points into.</summary>
    internal int[] Slots { get; }

    /// <summary>The PTX instruction that <paramref name="op"/> came from.</summary>
    internal PtxInstruction SourceOf(Op* op) => Sources[op - Code];

    /// <summary>For reports, a place in shared memory: <c>shared address 0x7c (tile+124)</c>.</summary>
    internal string DescribeShared(int offset)
    {
        (string Name, int Offset) variable = SharedVariables.LastOrDefault(v => v.Offset <= offset);
        return variable.Name is null ? $"shared address 0x{offset:x}" : $"shared address 0x{offset:x} ({variable.Name}+{offset - variable.Offset})";
    }
}
