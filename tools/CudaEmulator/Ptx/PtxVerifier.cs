namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// Whether a device takes a text that the parser has understood, asked when a module is loaded: ptxas refuses the same, in
/// much the same words. What an instruction does with its operands in detail is checked where it is translated.
///
///     the module          .version and .target known, and not newer than the device     TargetRequirements
///     each instruction    allowed for that .version and .target                         TargetRequirements
///                         number, kinds and types of its operands                       OperandSignatures
///                         guards are predicates, branches lead to labels, calls match   here
/// </summary>
public static class PtxVerifier
{
    // CUDA's limits.
    private const int MostConstantBytes = 64 << 10;
    private const int MostParameterBytes = 4096;
    private const int MostParameterBytesSince81 = 32764;

    /// <summary>Verifies a module for a device.</summary>
    /// <param name="module">What the parser made.</param>
    /// <param name="computeCapability">The device's, as major * 10 + minor.</param>
    /// <exception cref="PtxException">The device, or any device, would refuse it.</exception>
    public static void Verify(PtxModule module, int computeCapability)
    {
        TargetRequirements.Check(module, computeCapability);
        VerifyConstants(module);
        Dictionary<string, PtxFunction> functions = module.Functions.ToDictionary(function => function.Name);
        foreach (PtxFunction function in module.Functions)
        {
            VerifyParameters(module, function);
            foreach (PtxInstruction instruction in function.Instructions)
            {
                Verify(module, functions, instruction);
            }
        }
    }

    private static void VerifyConstants(PtxModule module)
    {
        long bytes = 0;
        foreach (PtxVariable variable in module.Variables.Where(variable => variable.Space == StateSpace.Const))
        {
            bytes += variable.ByteSize;
            if (bytes > MostConstantBytes)
            {
                throw new PtxException(variable.Line, $"the module has {bytes} bytes of constants; {MostConstantBytes} is the most");
            }
        }
    }

    private static void VerifyParameters(PtxModule module, PtxFunction function)
    {
        int most = module.Version >= 81 && module.Target >= 70 ? MostParameterBytesSince81 : MostParameterBytes;
        long bytes = function.Parameters.Sum(parameter => (long)parameter.ByteSize);
        if (function.IsEntry && bytes > most)
        {
            throw new PtxException(function.Line, $"'{function.Name}' has {bytes} bytes of parameters; {most} is the most");
        }
    }

    private static void Verify(PtxModule module, Dictionary<string, PtxFunction> functions, PtxInstruction instruction)
    {
        if (instruction.Guard is { } guard && guard.Register.Type != PtxType.Pred)
        {
            throw new PtxException(instruction.Line, $"the guard '{guard.Register.Name}' is not a predicate");
        }

        TargetRequirements.Check(module, instruction);
        switch (instruction.Opcode)
        {
            case "bra" when instruction.Operands is not [PtxOperand.Label]:
                throw new PtxException(instruction.Line, "bra wants a label");
            case "brx" when instruction.Operands is not [PtxOperand.Register { Value.Type: PtxType.U32 or PtxType.B32 or PtxType.S32 }, PtxOperand.List]:
                throw new PtxException(instruction.Line, "brx.idx wants a 32-bit register and the name of a .branchtargets list");
            case "brx" when ((PtxOperand.List)instruction.Operands[1]).Elements.Any(target => target is not PtxOperand.Label):
                throw new PtxException(instruction.Line, "the targets of brx.idx must be labels");
            case "call":
                VerifyCall(functions, instruction);
                break;
            default:
                OperandSignatures.Check(instruction);
                break;
        }
    }

    private static void VerifyCall(Dictionary<string, PtxFunction> functions, PtxInstruction call)
    {
        PtxOperand.List results = (PtxOperand.List)call.Operands[1];
        PtxOperand.List arguments = (PtxOperand.List)call.Operands[2];
        if (call.Operands[0] is PtxOperand.FunctionName { Name: var name })
        {
            // The parser has seen to it that the function is known.
            PtxFunction function = functions[name];
            if (function.IsEntry)
            {
                throw new PtxException(call.Line, $"'{name}' is an entry, and only device functions can be called");
            }

            Match(call, name, results, function.Results);
            Match(call, name, arguments, function.Parameters);
        }
        else if (call.Operands is [PtxOperand.Register { Value: var register }, _, _, PtxOperand.Prototype prototype])
        {
            if (register.Type.ByteSize() != 8 || register.Type.IsFloat())
            {
                throw new PtxException(call.Line, $"'{register.Name}' cannot hold the address of a function");
            }

            Match(call, register.Name, results, prototype.Results);
            Match(call, register.Name, arguments, prototype.Parameters);
        }
        else if (call.Operands is not [_, _, _, PtxOperand.List])
        {
            throw new PtxException(call.Line, "a call through a register wants the name of a .callprototype or .calltargets");
        }
    }

    private static void Match(PtxInstruction call, string name, PtxOperand.List actual, IReadOnlyList<PtxVariable> formal)
    {
        // A last parameter of open size takes any further arguments.
        bool isOpen = formal.Count > 0 && formal[^1].ByteSize == 0;
        if (isOpen ? actual.Elements.Count < formal.Count - 1 : actual.Elements.Count != formal.Count)
        {
            throw new PtxException(
                call.Line, $"the call of '{name}' has {actual.Elements.Count} arguments or results where {formal.Count} are declared");
        }

        foreach ((PtxOperand operand, PtxVariable parameter) in actual.Elements.Zip(formal))
        {
            int? bytes = operand switch
            {
                PtxOperand.VariableAddress { Offset: 0, Value: { Space: StateSpace.Param } variable } => variable.ByteSize,
                PtxOperand.Register { Negated: false, Value: var register } => register.Type.ByteSize(),
                PtxOperand.Immediate => parameter.ByteSize,
                _ => null,
            };
            if (bytes != parameter.ByteSize && parameter.ByteSize > 0)
            {
                throw new PtxException(call.Line, $"in the call of '{name}', what is passed as '{parameter.Name}' is not of its type");
            }
        }
    }
}
