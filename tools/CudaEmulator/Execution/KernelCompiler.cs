using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>A place in the code that is being built; branches to it are patched when all is laid out.</summary>
internal sealed class CodeLabel
{
    /// <summary>Index of the instruction behind it.</summary>
    public int Index { get; set; } = -1;
}

/// <summary>
/// Compiles an entry to <see cref="KernelCode"/>: walks the blocks of the function in their order and lets the
/// <see cref="InstructionSet"/> emit <see cref="Op"/>s for each instruction. Calls are inlined, each with a part of the
/// frame of its own; so there is no stack, a return is a branch, and recursion is refused. Parameters of device functions
/// live in local memory.
/// </summary>
internal sealed unsafe partial class KernelCompiler
{
    private const int MaxOps = 1 << 20;

    private readonly PtxModule _module;
    private readonly PtxFunction _entry;
    private readonly MemoryLayout _memory;
    private readonly Dictionary<string, PtxFunction> _functions = [];
    private readonly Dictionary<PtxFunction, (FlowGraph Graph, RegisterAllocation Registers)> _analyses = [];
    private readonly List<Op> _ops = [];
    private readonly List<int> _slots = [];
    private readonly List<PtxInstruction> _sources = [];
    private readonly List<(int First, int End)> _instructions = [];
    private readonly List<(int Op, CodeLabel Label)> _branches = [];
    private readonly List<PtxFunction> _callers = [];
    private int _registers;

    private KernelCompiler(PtxModule module, PtxFunction entry, IReadOnlyDictionary<string, ulong> globals)
    {
        _module = module;
        _entry = entry;
        foreach (PtxFunction function in module.Functions.Where(f => !f.IsEntry))
        {
            if (!function.IsDeclaration || !_functions.ContainsKey(function.Name))
            {
                _functions[function.Name] = function;
            }
        }

        _memory = new(entry, Reachable(), globals);
    }

    /// <summary>The frame that is being laid out.</summary>
    public FrameLayout Frame { get; } = new();

    /// <summary>.target's number.</summary>
    public int Target => _module.Target;

    /// <summary>Set by instructions that change global memory atomically.</summary>
    public bool HasGlobalAtomics { get; set; }

    /// <summary>Whether the instructions being compiled are a device function's.</summary>
    public bool InDeviceFunction => _callers.Count > 1;

    /// <summary>Compiles an entry.</summary>
    /// <param name="module">Its module.</param>
    /// <param name="entry">The kernel.</param>
    /// <param name="globals">Addresses of the module's .global and .const variables.</param>
    /// <exception cref="PtxException">An instruction that is wrong or not supported.</exception>
    public static KernelCode Compile(PtxModule module, PtxFunction entry, IReadOnlyDictionary<string, ulong> globals) =>
        new KernelCompiler(module, entry, globals).Compile();

    /// <summary>Adds an instruction; returns its index.</summary>
    public int Add(PtxInstruction source, Op op)
    {
        if (_ops.Count == MaxOps)
        {
            throw new PtxException(source.Line, $"kernel '{_entry.Name}' has more than {MaxOps} instructions with its calls inlined");
        }

        _ops.Add(op);
        _sources.Add(source);
        return _ops.Count - 1;
    }

    /// <summary>Makes the target of a branch that has been added.</summary>
    public void BranchTo(int op, CodeLabel label) => _branches.Add((op, label));

    /// <summary>Keeps operand offsets; for <see cref="Op.Slots"/> until the code is complete.</summary>
    public int* AddSlots(ReadOnlySpan<int> offsets)
    {
        _slots.AddRange(offsets);
        return (int*)(_slots.Count - offsets.Length + 1); // an index, from 1
    }

    /// <summary>A variable's space and its address there.</summary>
    public (StateSpace Space, ulong Address) AddressOf(PtxVariable variable, int line) => _memory.AddressOf(variable, line);

    private KernelCode Compile()
    {
        int begin = Begin(_entry);
        Emit(_entry, begin);
        PtxInstruction end = new(_entry.Line, null, "exit", [], []);
        Add(end, new() { Handler = &Branches.Exit, Guard = FrameLayout.True });
        int[] pool = GC.AllocateArray<int>(_slots.Count + 1, pinned: true);
        _slots.CopyTo(pool);
        int* start = (int*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(pool, 0);
        Op[] code = _ops.ToArray();
        for (int i = 0; i < code.Length; i++)
        {
            code[i].Slots = code[i].Slots == null ? null : start + ((int)code[i].Slots - 1);
        }

        KernelCode kernel = new(code, pool, [.. _sources], Frame)
        {
            Name = _entry.Name,
            Parameters = [.. _entry.Parameters.Select(p => new KernelParameter(_memory.OffsetOf(p), p.ByteSize))],
            ParameterBytes = _memory.ParameterBytes,
            StaticSharedBytes = _memory.SharedBytes,
            LocalBytes = _memory.LocalBytes,
            ConstBytes = _module.Variables.Where(v => v.Space == StateSpace.Const).Sum(v => v.ByteSize),
            RegisterCount = Math.Clamp(_registers + 8, 16, MostRegisters()),
            MaxThreads = _entry.MaxThreads,
            RequiresExactThreads = _entry.RequiresExactThreads,
            MinBlocks = _entry.MinBlocks,
            PtxVersion = _module.Version,
            Target = _module.Target,
            RunsInOrder = HasGlobalAtomics,
            Instructions = [.. _instructions],
            SharedVariables = [.. _memory.SharedVariables],
        };
        foreach ((int op, CodeLabel label) in _branches)
        {
            kernel.Code[op].Target = kernel.Code + label.Index;
        }

        return kernel;
    }

    // An assembler takes no more than leave room for the threads that the kernel says it is launched with, in steps of 8.
    private int MostRegisters() => _entry.MaxRegisters
        ?? Math.Min(DeviceProfile.MaxRegistersPerThread, DeviceProfile.RegistersPerMultiprocessor / (_entry.MaxThreads ?? 1) / 8 * 8);

    private List<PtxFunction> Reachable()
    {
        List<PtxFunction> found = [_entry];
        for (int i = 0; i < found.Count; i++)
        {
            IEnumerable<PtxOperand.FunctionName> calls = found[i].Instructions.Where(x => x.Opcode == "call").Select(x => x.Operands[0]).OfType<PtxOperand.FunctionName>();
            found.AddRange(calls.Select(c => _functions.GetValueOrDefault(c.Name)).OfType<PtxFunction>().Except(found).Distinct().ToArray());
        }

        return found;
    }

    private static IEnumerable<PtxRegister> RegistersOf(PtxInstruction instruction) => instruction.Operands.SelectMany(RegisterAllocation.Within);

    // Makes room for a function's registers behind those of its callers; returns where.
    private int Begin(PtxFunction function)
    {
        if (!_analyses.TryGetValue(function, out (FlowGraph Graph, RegisterAllocation Registers) analysis))
        {
            FlowGraph graph = new(function);
            _analyses.Add(function, analysis = (graph, new(function, graph)));
            foreach (PtxVariable variable in function.Variables.Concat(function.IsEntry ? [] : function.Parameters.Concat(function.Results)))
            {
                if (variable.Space is StateSpace.Local or StateSpace.Param && variable.Register is null)
                {
                    _memory.AddLocal(variable);
                }
            }
        }

        int begin = _callers.Sum(f => _analyses[f].Registers.Bytes);
        Frame.Reserve(begin + analysis.Registers.Bytes);
        _registers = Math.Max(_registers, _callers.Sum(f => _analyses[f].Registers.Registers) + analysis.Registers.Registers);
        return begin;
    }

    private void Emit(PtxFunction function, int begin)
    {
        _callers.Add(function);
        (FlowGraph graph, RegisterAllocation allocation) = _analyses[function];
        CodeLabel[] labels = graph.Blocks.Select(_ => new CodeLabel()).ToArray();
        int end = labels.Length - 1;
        for (int i = 0; i < graph.Order.Count; i++)
        {
            int index = graph.Order[i];
            BasicBlock block = graph.Blocks[index];
            labels[index].Index = _ops.Count;
            PtxInstruction head = block.First < function.Instructions.Count
                ? function.Instructions[block.First]
                : new PtxInstruction(function.Instructions.Count > 0 ? function.Instructions[^1].Line : function.Line, null, "ret", [], []);
            if (block.Joins)
            {
                Add(head, new() { Handler = &Branches.Join, Guard = FrameLayout.True });
            }

            for (int at = block.First; at < block.End; at++)
            {
                Emitter emitter = new(this, function.Instructions[at], allocation, begin)
                {
                    LabelOf = target => labels[graph.BlockOf(target)],
                    End = labels[end],
                };
                PtxRegister[] sums = RegistersOf(emitter.Instruction).Where(allocation.Sums.Contains).Distinct().ToArray();
                if (sums.Length > 0 && !WarpgroupMultiply.HasSums(emitter.Instruction))
                {
                    WarpgroupMultiply.EmitTouch(emitter, sums);
                }

                int first = _ops.Count;
                InstructionSet.Emit(emitter);
                if (_ops.Count > first && emitter.Instruction.Opcode != "call")
                {
                    _instructions.Add((first, _ops.Count));
                }
            }

            if (block.FallsThrough && index + 1 != graph.Order[i + 1])
            {
                BranchTo(Add(head, new() { Handler = &Branches.Branch, Guard = FrameLayout.True }), labels[index + 1]);
            }
        }

        _callers.RemoveAt(_callers.Count - 1);
    }
}
