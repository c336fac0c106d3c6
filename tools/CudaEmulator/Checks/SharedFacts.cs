using Handwritten.CudaEmulator.Counters;
using Handwritten.CudaEmulator.Execution;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>What racecheck wants to know of a kernel beforehand.</summary>
internal static class SharedFacts
{
    private const int LargestUnit = 16, TransactionBarrierBytes = 8;

    /// <summary>
    /// Whether an instruction is meant to meet those of other threads. Such accesses are in no race with each other, and order
    /// what comes before and after them.
    /// </summary>
    public static Meeting MeetingOf(PtxInstruction instruction) => instruction.Opcode switch
    {
        "atom" when instruction.Modifiers.Contains("cas") => Meeting.CompareAndSwap,
        "atom" or "red" => Meeting.Strong,
        "mbarrier" when !instruction.Modifiers.Contains("init") => Meeting.Strong,
        "ld" or "st" when instruction.Modifiers.Any(m => m is "volatile" or "relaxed" or "acquire" or "release" or "mmio") => Meeting.Strong,
        _ => Meeting.No,
    };

    /// <summary>
    /// The bytes of the smallest access that the kernel may make to shared memory: accesses are aligned, and so all are whole
    /// numbers of such units.
    /// </summary>
    public static int UnitOf(KernelCode kernel) => OpFacts.Of(kernel)
        .Where(fact => fact.Space is StateSpace.Shared or StateSpace.Generic && fact.Bytes > 0)
        .Select(fact => fact.Bytes)
        .Append(kernel.Sources.Any(source => source.Opcode == "mbarrier") ? TransactionBarrierBytes : LargestUnit)
        .Append(LargestUnit)
        .Min();
}
