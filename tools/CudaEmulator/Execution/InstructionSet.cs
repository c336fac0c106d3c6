using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>How the instructions of a family are compiled, by opcode.</summary>
internal sealed class InstructionTable : Dictionary<string, Action<Emitter>>;

/// <summary>All instructions that the emulator has. What is in no table fails the load.</summary>
internal static class InstructionSet
{
    private static readonly Dictionary<string, Action<Emitter>> Table = new IEnumerable<KeyValuePair<string, Action<Emitter>>>[]
    {
        Branches.Table,
        Moves.Table,
        Predicates.Table,
        Arithmetic.Table,
        Multiplication.Table,
        CarryArithmetic.Table,
        BitManipulation.Table,
        FloatFunctions.Table,
        Conversions.Table,
        MemoryAccess.Table,
        AddressSpaces.Table,
        Barriers.Table,
        Shuffles.Table,
        Votes.Table,
        Atomics.Table,
        AsyncCopies.Table,
        TransactionBarriers.Table,
        MatrixMultiply.Table,
        WarpgroupMultiply.Table,
        MatrixMoves.Table,
        DependentLaunches.Table,
        NoOperations.Table,
    }.SelectMany(table => table).ToDictionary();

    // What has no destination: its operands are all read.
    private static readonly HashSet<string> WithoutDestination =
    [
        "st", "red", "bra", "brx", "ret", "exit", "trap", "brkpt", "membar", "fence", "prefetch", "prefetchu", "discard", "applypriority",
        "stmatrix", "nanosleep", "griddepcontrol", "cp", "pmevent", "setmaxnreg", "wgmma",
    ];

    /// <summary>Compiles one instruction.</summary>
    /// <exception cref="PtxException">It is not in the set, or not in this form.</exception>
    public static void Emit(Emitter emitter)
    {
        if (!Table.TryGetValue(emitter.Instruction.Opcode, out Action<Emitter>? compile))
        {
            throw emitter.Error($"instruction '{emitter.Name}' is not supported");
        }

        compile(emitter);
    }

    /// <summary>Which operand is written; -1 for none.</summary>
    public static int DestinationOf(PtxInstruction instruction) => instruction.Opcode switch
    {
        "call" => 1,
        "bar" or "barrier" => instruction.Modifiers.Contains("red") ? 0 : -1,
        "mbarrier" => instruction.Modifiers[0] is "init" or "inval" or "expect_tx" or "complete_tx" ? -1
            : instruction.Operands[0] is PtxOperand.Address ? -1 : 0,
        var opcode when WithoutDestination.Contains(opcode) => -1,
        _ => 0,
    };
}
