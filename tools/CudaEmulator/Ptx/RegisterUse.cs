namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// Which registers an instruction reads and which it writes. PTX puts the destination first; only few instructions have
/// none, and most of them begin with an address, whose register is read.
/// </summary>
public static class RegisterUse
{
    /// <summary>Registers that are read, also in addresses and as the guard; one may come twice.</summary>
    public static IEnumerable<PtxRegister> Reads(PtxInstruction instruction)
    {
        if (instruction.Guard is { } guard)
        {
            yield return guard.Register;
        }

        for (int i = 0; i < instruction.Operands.Count; i++)
        {
            PtxOperand operand = instruction.Operands[i];
            if (!IsDestination(instruction, i) || IsAccumulator(instruction))
            {
                foreach (PtxRegister register in RegistersOf(operand))
                {
                    yield return register;
                }
            }
        }
    }

    /// <summary>Registers that are written. Under a guard they keep their value in the lanes that do not take part.</summary>
    public static IEnumerable<PtxRegister> Writes(PtxInstruction instruction)
    {
        for (int i = 0; i < instruction.Operands.Count; i++)
        {
            if (IsDestination(instruction, i))
            {
                foreach (PtxRegister register in RegistersOf(instruction.Operands[i]))
                {
                    yield return register;
                }
            }
        }
    }

    private static bool IsDestination(PtxInstruction instruction, int index) => instruction.Opcode switch
    {
        // Function, results, arguments.
        "call" => index == 1,
        // bar.sync a, b names a barrier and a number of threads; bar.red gives a value.
        "bar" or "barrier" => index == 0 && instruction.Modifiers.Contains("red"),
        "bra" or "brx" or "nanosleep" or "pmevent" or "setmaxnreg" or "stackrestore" => false,
        _ => index == 0 && instruction.Operands[0] is not PtxOperand.Address,
    };

    /// <summary>wgmma adds to its destination in place.</summary>
    private static bool IsAccumulator(PtxInstruction instruction) => instruction.Opcode == "wgmma";

    private static IEnumerable<PtxRegister> RegistersOf(PtxOperand? operand) => operand switch
    {
        PtxOperand.Register register => [register.Value],
        PtxOperand.Pair pair => new[] { pair.First, pair.Second }.OfType<PtxRegister>(),
        PtxOperand.Address { Base: { } register } => [register],
        PtxOperand.Vector vector => vector.Elements.SelectMany(RegistersOf),
        PtxOperand.List list => list.Elements.SelectMany(RegistersOf),
        _ => [],
    };
}
