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

    private readonly PtxModule module;
    private readonly PtxFunction entry;
    private readonly MemoryLayout memory;
    private readonly Dictionary<string, PtxFunction> functions = [];
    private readonly Dictionary<PtxFunction, (FlowGraph Graph, RegisterAllocation Registers)> analyses = [];
    private readonly List<Op> ops = [];
    private readonly List<int> slots = [];
    private readonly List<PtxInstruction> sources = [];
    private readonly List<(int First, int End)> instructions = [];
    private readonly List<(int Op, CodeLabel Label)> branches = [];
    private readonly List<PtxFunction> callers = [];
    private int registers;

    private KernelCompiler(PtxModule module, PtxFunction entry, IReadOnlyDictionary<string, ulong> globals)
    {
        this.module = module;
        this.entry = entry;
        foreach (var function in module.Functions.Where(f => !f.IsEntry))
        {
            if (!function.IsDeclaration || !functions.ContainsKey(function.Name))
            {
                functions[function.Name] = function;
            }
        }

        memory = new(entry, Reachable(), globals);
    }

    /// <summary>The frame that is being laid out.</summary>
    public FrameLayout Frame { get; } = new();

    /// <summary>.target's number.</summary>
    public int Target => module.Target;

    /// <summary>Set by instructions that change global memory atomically.</summary>
    public bool HasGlobalAtomics { get; set; }

    /// <summary>Whether the instructions being compiled are a device function's.</summary>
    public bool InDeviceFunction => callers.Count > 1;

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
        if (ops.Count == MaxOps)
        {
            throw new PtxException(source.Line, $"kernel '{entry.Name}' has more than {MaxOps} instructions with its calls inlined");
        }

        ops.Add(op);
        sources.Add(source);
        return ops.Count - 1;
    }

    /// <summary>Makes the target of a branch that has been added.</summary>
    public void BranchTo(int op, CodeLabel label) => branches.Add((op, label));

    /// <summary>Keeps operand offsets; for <see cref="Op.Slots"/> until the code is complete.</summary>
    public int* AddSlots(ReadOnlySpan<int> offsets)
    {
        slots.AddRange(offsets);
        return (int*)(slots.Count - offsets.Length + 1); // an index, from 1
    }

    /// <summary>A variable's space and its address there.</summary>
    public (StateSpace Space, ulong Address) AddressOf(PtxVariable variable, int line) => memory.AddressOf(variable, line);

    private KernelCode Compile()
    {
        var begin = Begin(entry);
        Emit(entry, begin);
        var end = new PtxInstruction(entry.Line, null, "exit", [], []);
        Add(end, new() { Handler = &Branches.Exit, Guard = FrameLayout.True });
        var pool = GC.AllocateArray<int>(slots.Count + 1, pinned: true);
        slots.CopyTo(pool);
        var start = (int*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(pool, 0);
        var code = ops.ToArray();
        for (var i = 0; i < code.Length; i++)
        {
            code[i].Slots = code[i].Slots == null ? null : start + ((int)code[i].Slots - 1);
        }

        var kernel = new KernelCode(code, pool, [.. sources], Frame)
        {
            Name = entry.Name,
            Parameters = [.. entry.Parameters.Select(p => new KernelParameter(memory.OffsetOf(p), p.ByteSize))],
            ParameterBytes = memory.ParameterBytes,
            StaticSharedBytes = memory.SharedBytes,
            LocalBytes = memory.LocalBytes,
            ConstBytes = module.Variables.Where(v => v.Space == StateSpace.Const).Sum(v => v.ByteSize),
            RegisterCount = Math.Clamp(registers + 8, 16, MostRegisters()),
            MaxThreads = entry.MaxThreads,
            RequiresExactThreads = entry.RequiresExactThreads,
            MinBlocks = entry.MinBlocks,
            PtxVersion = module.Version,
            Target = module.Target,
            RunsInOrder = HasGlobalAtomics,
            Instructions = [.. instructions],
            SharedVariables = [.. memory.SharedVariables],
        };
        foreach (var (op, label) in branches)
        {
            kernel.Code[op].Target = kernel.Code + label.Index;
        }

        return kernel;
    }

    // An assembler takes no more than leave room for the threads that the kernel says it is launched with, in steps of 8.
    private int MostRegisters() => entry.MaxRegisters
        ?? Math.Min(DeviceProfile.MaxRegistersPerThread, DeviceProfile.RegistersPerMultiprocessor / (entry.MaxThreads ?? 1) / 8 * 8);

    private List<PtxFunction> Reachable()
    {
        List<PtxFunction> found = [entry];
        for (var i = 0; i < found.Count; i++)
        {
            var calls = found[i].Instructions.Where(x => x.Opcode == "call").Select(x => x.Operands[0]).OfType<PtxOperand.FunctionName>();
            found.AddRange(calls.Select(c => functions.GetValueOrDefault(c.Name)).OfType<PtxFunction>().Except(found).Distinct().ToArray());
        }

        return found;
    }

    private static IEnumerable<PtxRegister> RegistersOf(PtxInstruction instruction) => instruction.Operands.SelectMany(RegisterAllocation.Within);

    // Makes room for a function's registers behind those of its callers; returns where.
    private int Begin(PtxFunction function)
    {
        if (!analyses.TryGetValue(function, out var analysis))
        {
            var graph = new FlowGraph(function);
            analyses.Add(function, analysis = (graph, new(function, graph)));
            foreach (var variable in function.Variables.Concat(function.IsEntry ? [] : function.Parameters.Concat(function.Results)))
            {
                if (variable.Space is StateSpace.Local or StateSpace.Param && variable.Register is null)
                {
                    memory.AddLocal(variable);
                }
            }
        }

        var begin = callers.Sum(f => analyses[f].Registers.Bytes);
        Frame.Reserve(begin + analysis.Registers.Bytes);
        registers = Math.Max(registers, callers.Sum(f => analyses[f].Registers.Registers) + analysis.Registers.Registers);
        return begin;
    }

    private void Emit(PtxFunction function, int begin)
    {
        callers.Add(function);
        var (graph, allocation) = analyses[function];
        var labels = graph.Blocks.Select(_ => new CodeLabel()).ToArray();
        var end = labels.Length - 1;
        for (var i = 0; i < graph.Order.Count; i++)
        {
            var index = graph.Order[i];
            var block = graph.Blocks[index];
            labels[index].Index = ops.Count;
            var head = block.First < function.Instructions.Count
                ? function.Instructions[block.First]
                : new PtxInstruction(function.Instructions.Count > 0 ? function.Instructions[^1].Line : function.Line, null, "ret", [], []);
            if (block.Joins)
            {
                Add(head, new() { Handler = &Branches.Join, Guard = FrameLayout.True });
            }

            for (var at = block.First; at < block.End; at++)
            {
                var emitter = new Emitter(this, function.Instructions[at], allocation, begin)
                {
                    LabelOf = target => labels[graph.BlockOf(target)],
                    End = labels[end],
                };
                var sums = RegistersOf(emitter.Instruction).Where(allocation.Sums.Contains).Distinct().ToArray();
                if (sums.Length > 0 && !WarpgroupMultiply.HasSums(emitter.Instruction))
                {
                    WarpgroupMultiply.EmitTouch(emitter, sums);
                }

                var first = ops.Count;
                InstructionSet.Emit(emitter);
                if (ops.Count > first && emitter.Instruction.Opcode != "call")
                {
                    instructions.Add((first, ops.Count));
                }
            }

            if (block.FallsThrough && index + 1 != graph.Order[i + 1])
            {
                BranchTo(Add(head, new() { Handler = &Branches.Branch, Guard = FrameLayout.True }), labels[index + 1]);
            }
        }

        callers.RemoveAt(callers.Count - 1);
    }
}
