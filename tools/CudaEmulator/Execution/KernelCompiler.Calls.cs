using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <content>Calls, which are inlined: parameters are bound to what the caller passes, and results are fetched.</content>
internal sealed unsafe partial class KernelCompiler
{
    /// <summary>Inlines a call.</summary>
    public void Call(Emitter caller)
    {
        int line = caller.Instruction.Line;
        IReadOnlyList<PtxOperand> operands = caller.Instruction.Operands;
        if (operands[0] is not PtxOperand.FunctionName { Name: var name })
        {
            throw new PtxException(line, "calls through a register are not supported: the function must be named");
        }

        IReadOnlyList<PtxOperand> results = ((PtxOperand.List)operands[1]).Elements;
        IReadOnlyList<PtxOperand> arguments = ((PtxOperand.List)operands[2]).Elements;
        if (!_functions.TryGetValue(name, out PtxFunction? function))
        {
            throw new PtxException(line, $"call of '{name}', which is not declared");
        }

        if (function.Parameters.Count != arguments.Count || function.Results.Count != results.Count)
        {
            throw new PtxException(line, $"call of '{name}' with {arguments.Count} arguments and {results.Count} results; it has {function.Parameters.Count} and {function.Results.Count}");
        }

        if (function.IsDeclaration)
        {
            SystemCalls.Emit(caller, name, results, arguments);
            return;
        }

        if (_callers.Contains(function))
        {
            throw new PtxException(line, $"'{name}' calls itself: recursion is not supported");
        }

        int begin = Begin(function);
        foreach ((PtxVariable formal, PtxOperand actual) in function.Parameters.Zip(arguments))
        {
            Bind(caller, formal, actual, begin);
        }

        foreach ((PtxVariable formal, PtxOperand actual) in function.Results.Zip(results))
        {
            if (formal.Register is null && actual is PtxOperand.VariableAddress)
            {
                Bind(caller, formal, actual, begin);
            }
        }

        // A guarded call: lanes without it branch around.
        CodeLabel around = new();
        if (caller.Instruction.Guard is not null)
        {
            BranchTo(caller.Emit(&Branches.Branch, invertGuard: true), around);
        }

        Emit(function, begin);
        around.Index = _ops.Count;
        if (caller.Instruction.Guard is not null)
        {
            caller.Emit(&Branches.Join, guarded: false);
        }

        foreach ((PtxVariable formal, PtxOperand actual) in function.Results.Zip(results))
        {
            Fetch(caller, formal, actual, begin);
        }
    }

    // Lets a function's parameter or result be what the caller passes: a variable of its own in the caller's memory, or a value
    // that has to be stored first.
    private void Bind(Emitter caller, PtxVariable formal, PtxOperand actual, int begin)
    {
        if (formal.Register is { } register)
        {
            caller.Move(begin + _analyses[_functions[((PtxOperand.FunctionName)caller.Instruction.Operands[0]).Name]].Registers[register], actual, register.Type);
        }
        else if (actual is not PtxOperand.VariableAddress { Value: var variable, Offset: 0 } || !_memory.TryShare(formal, variable))
        {
            throw new PtxException(caller.Instruction.Line, $"the argument for '{formal.Name}' is not a .param variable of {formal.ByteSize} bytes");
        }
    }

    private void Fetch(Emitter caller, PtxVariable formal, PtxOperand actual, int begin)
    {
        if (formal.Register is { } register && actual is PtxOperand.Register target)
        {
            PtxFunction function = _functions[((PtxOperand.FunctionName)caller.Instruction.Operands[0]).Name];
            caller.Move(caller.Offset(target.Value), begin + _analyses[function].Registers[register], register.Type);
        }
        else if (actual is not PtxOperand.VariableAddress)
        {
            throw new PtxException(caller.Instruction.Line, $"the result '{formal.Name}' must go to a .param variable");
        }
    }
}
