using System.Globalization;
using Handwritten.CudaEmulator.Execution;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Counters;

/// <summary>What running one <see cref="Op"/> counts for, found once for every kernel.</summary>
internal struct OpFacts
{
    /// <summary>The counter of its class, if a PTX instruction begins with it; null for the others it consists of.</summary>
    public Counter? Class;

    /// <summary>The counter of its flops.</summary>
    public Counter? Unit;

    /// <summary>Flops of an active lane.</summary>
    public int Flops;

    /// <summary>The memory that it accesses.</summary>
    public StateSpace? Space;

    /// <summary>Bytes that a lane accesses, aligned to as many.</summary>
    public int Bytes;

    /// <summary>What leads from the op's address to the access's.</summary>
    public int Bias;

    /// <summary>The lanes whose addresses count.</summary>
    public uint Lanes;

    /// <summary>It reads what it accesses, writes it, or both.</summary>
    public bool Reads, Writes;

    /// <summary>It reads as many bytes as operand B says: cp.async.</summary>
    public bool ReadsGiven;

    /// <summary>It waits until the whole warp is there, and counts only then.</summary>
    public bool IsWholeWarp;

    /// <summary>It is a branch, taken by its lanes.</summary>
    public bool Branches;

    /// <summary>It is a branch, taken by those of its lanes that predicate A holds in: brx.idx.</summary>
    public bool BranchesIf;

    /// <summary>The facts of all ops of a kernel.</summary>
    public static OpFacts[] Of(KernelCode kernel)
    {
        OpFacts[] facts = new OpFacts[kernel.Sources.Length];
        foreach ((int first, int end) in kernel.Instructions)
        {
            PtxInstruction source = kernel.Sources[first];
            facts[first].Class = ClassOf(source.Opcode);
            if (source.Opcode is "bra" or "ret" or "brx")
            {
                Branch(kernel, source, facts, first, end);
            }

            Flop(source, ref facts[first]);
            Access(source, facts.AsSpan(first, end - first));
        }

        return facts;
    }

    private static Counter ClassOf(string opcode) => opcode switch
    {
        "ld" or "ldu" or "st" or "atom" or "red" or "cp" or "ldmatrix" or "stmatrix" or "prefetch" or "prefetchu" or "discard" or "applypriority"
            => Counter.MemoryInstructions,
        "bra" or "brx" or "ret" or "exit" or "trap" or "brkpt" or "bar" or "barrier" or "mbarrier" or "membar" or "fence" or "nanosleep" or "griddepcontrol" or "wgmma"
            => Counter.ControlInstructions,
        "mma" => Counter.TensorInstructions,
        "mov" or "cvta" or "isspacep" or "shfl" or "vote" or "match" or "redux" or "activemask" or "elect" or "movmatrix" or "pmevent" or "createpolicy"
            => Counter.OtherInstructions,
        _ => Counter.ArithmeticInstructions,
    };

    private static unsafe void Branch(KernelCode kernel, PtxInstruction source, OpFacts[] facts, int first, int end)
    {
        for (int i = first; i < end; i++)
        {
            bool jumps = kernel.Code[i].Target != null;
            facts[i].Branches = jumps && source.Opcode != "brx";
            facts[i].BranchesIf = jumps && source.Opcode == "brx";
        }
    }

    private static void Flop(PtxInstruction source, ref OpFacts facts)
    {
        facts.IsWholeWarp = source.Opcode == "wgmma";
        if (source.Opcode == "mma" || WarpgroupMultiply.HasSums(source))
        {
            facts.IsWholeWarp = true;
            facts.Class = Counter.TensorInstructions;
            facts.Unit = source.Modifiers[source.Opcode == "mma" ? ^3 : ^1] switch
            {
                "f16" => Counter.TensorF16Flops,
                "bf16" => Counter.TensorBf16Flops,
                "tf32" => Counter.TensorTf32Flops,
                "e4m3" or "e5m2" => Counter.TensorF8Flops,
                _ => Counter.TensorI8Flops,
            };
            string[] shape = source.Modifiers.First(m => m[0] == 'm' && m.Contains('k', StringComparison.Ordinal)).Split('m', 'n', 'k');
            int threads = source.Opcode == "mma" ? 32 : 32 * WarpgroupQueue.Warps;
            facts.Flops = 2 * shape[1..].Aggregate(1, (product, extent) => product * int.Parse(extent, CultureInfo.InvariantCulture)) / threads;
            return;
        }

        int operation = source.Opcode switch { "fma" or "mad" => 0, "add" or "sub" => 1, "mul" => 2, _ => -1 };
        (Counter First, int Values)? type = source.Modifiers.Count == 0 ? null : source.Modifiers[^1] switch
        {
            "f32" => (Counter.F32FmaFlops, 1),
            "f64" => (Counter.F64FmaFlops, 1),
            "f16" or "bf16" => (Counter.F16FmaFlops, 1),
            "f16x2" or "bf16x2" => (Counter.F16FmaFlops, 2),
            _ => null,
        };
        if (operation >= 0 && type is { } unit)
        {
            facts.Unit = unit.First + operation;
            facts.Flops = operation == 0 ? 2 * unit.Values : unit.Values;
        }
    }

    // The op that accesses memory is the instruction's last; cp.async ends with two.
    private static void Access(PtxInstruction source, Span<OpFacts> ops)
    {
        ref OpFacts last = ref ops[^1];
        switch (source.Opcode)
        {
            case "ld" or "ldu" or "st" or "atom" or "red":
                int count = source.Modifiers.Any(m => m == "v8") ? 8 : source.Modifiers.Any(m => m == "v4") ? 4 : source.Modifiers.Any(m => m == "v2") ? 2 : 1;
                int bytes = BytesOf(source.Modifiers[^1]);
                bool isAtomic = source.Opcode is "atom" or "red";
                Set(ref last, SpaceOf(source), bytes * count, source.Opcode != "st", isAtomic || source.Opcode == "st");
                last.Bias = isAtomic ? -bytes * (count - 1) : 0; // one op an element
                break;
            case "ldmatrix" or "stmatrix":
                int rows = 8 * (source.Modifiers.First(m => m is "x1" or "x2" or "x4")[1] - '0');
                Set(ref last, StateSpace.Shared, 16, source.Opcode == "ldmatrix", source.Opcode == "stmatrix");
                last.Lanes = uint.MaxValue >> (32 - rows);
                last.IsWholeWarp = true;
                ops[0].IsWholeWarp = true;
                break;
            case "cp" when source.Modifiers.Contains("global"):
                int copied = (int)((PtxOperand.Immediate)source.Operands[2]).Bits;
                Set(ref ops[^2], StateSpace.Shared, copied, false, true);
                Set(ref last, StateSpace.Global, copied, true, false);
                last.ReadsGiven = true;
                break;
        }
    }

    private static void Set(ref OpFacts facts, StateSpace space, int bytes, bool reads, bool writes)
    {
        facts.Space = space is StateSpace.Param or StateSpace.Const ? null : space;
        facts.Bytes = bytes;
        facts.Reads = reads;
        facts.Writes = writes;
        facts.Lanes = uint.MaxValue;
    }

    private static int BytesOf(string type) =>
        type.EndsWith("x2", StringComparison.Ordinal) ? 4 : int.Parse(type.AsSpan(type.IndexOfAny(['8', '1', '3', '6'])), CultureInfo.InvariantCulture) / 8;

    private static StateSpace SpaceOf(PtxInstruction source)
    {
        foreach (string modifier in source.Modifiers)
        {
            switch (modifier.Split(':')[0])
            {
                case "global":
                    return StateSpace.Global;
                case "shared":
                    return StateSpace.Shared;
                case "local":
                    return StateSpace.Local;
                case "param":
                    return StateSpace.Param;
                case "const":
                    return StateSpace.Const;
            }
        }

        return source.Operands.OfType<PtxOperand.Address>().First().Symbol?.Space ?? StateSpace.Generic;
    }
}
