using System.Numerics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// Gives every register of a function its place in the frame: registers whose lives do not overlap share one, so that the
/// frames of a block's warps stay in the cache.
///
/// Liveness by data flow over the blocks (live in = used + (live out - defined), until nothing changes); a register's life
/// is then taken as the whole stretch of code from its first to its last live place, and the stretches are placed one by
/// one, lowest free place first (linear scan). A lane writes only its own value, so lanes that run different branches do
/// not disturb each other in a shared place, as long as it means the same bytes to both.
/// </summary>
internal sealed class RegisterAllocation
{
    private readonly PtxFunction _function;
    private readonly FlowGraph _graph;
    private readonly int[] _first;
    private readonly int[] _last;
    private readonly int[] _offsets;
    private readonly HashSet<PtxRegister> _sums;

    /// <param name="function">Whose registers.</param>
    /// <param name="graph">Its blocks.</param>
    public RegisterAllocation(PtxFunction function, FlowGraph graph)
    {
        _function = function;
        _graph = graph;
        _first = new int[function.Registers.Count];
        _last = new int[function.Registers.Count];
        _offsets = new int[function.Registers.Count];
        Array.Fill(_first, int.MaxValue);
        Array.Fill(_last, -1);
        _sums = [.. function.Instructions.Where(WarpgroupMultiply.HasSums).SelectMany(instruction => Within(instruction.Operands[0]))];
        FindLives();
        Place();
    }

    /// <summary>Bytes of all places.</summary>
    public int Bytes { get; private set; }

    /// <summary>Most 32-bit registers in use at once.</summary>
    public int Registers { get; private set; }

    /// <summary>A register's offset, from where the function's part of the frame begins.</summary>
    public int this[PtxRegister register] => _offsets[register.Index];

    /// <summary>Registers that are sums of wgmma: it changes them at a time of its own.</summary>
    public IReadOnlySet<PtxRegister> Sums => _sums;

    /// <summary>The registers of an operand.</summary>
    public static IEnumerable<PtxRegister> Within(PtxOperand? operand) => operand switch
    {
        PtxOperand.Register register => [register.Value],
        PtxOperand.Pair pair => new[] { pair.First, pair.Second }.OfType<PtxRegister>(),
        PtxOperand.Address { Base: { } register } => [register],
        PtxOperand.Vector vector => vector.Elements.SelectMany(Within),
        PtxOperand.List list => list.Elements.SelectMany(Within),
        _ => [],
    };

    // The registers that an instruction reads, and those that it writes.
    private static (List<PtxRegister> Reads, List<PtxRegister> Writes) Effects(PtxInstruction instruction)
    {
        List<PtxRegister> reads = [];
        List<PtxRegister> writes = [];
        if (instruction.Guard is { } guard)
        {
            reads.Add(guard.Register);
        }

        int destination = InstructionSet.DestinationOf(instruction);
        for (int i = 0; i < instruction.Operands.Count; i++)
        {
            PtxOperand operand = instruction.Operands[i];
            (i == destination && operand is not PtxOperand.Address ? writes : reads).AddRange(Within(operand));
        }

        return (reads, writes);
    }

    private void FindLives()
    {
        int words = (_function.Registers.Count + 63) / 64;
        IReadOnlyList<int> order = _graph.Order;
        ulong[][] liveIn = _graph.Blocks.Select(_ => new ulong[words]).ToArray();
        (List<PtxRegister> Reads, List<PtxRegister> Writes)[] effects = _function.Instructions.Select(Effects).ToArray();
        ulong[] live = new ulong[words];
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int i = order.Count - 1; i >= 0; i--)
            {
                BasicBlock block = _graph.Blocks[order[i]];
                LiveOut(block, liveIn, live);
                for (int at = block.End - 1; at >= block.First; at--)
                {
                    Step(_function.Instructions[at], effects[at], live);
                }

                changed |= !live.AsSpan().SequenceEqual(liveIn[order[i]]);
                live.CopyTo(liveIn[order[i]], 0);
            }
        }

        int position = 0;
        foreach (int index in order)
        {
            BasicBlock block = _graph.Blocks[index];
            Mark(liveIn[index], position);
            for (int at = block.First; at < block.End; at++, position++)
            {
                foreach (PtxRegister register in effects[at].Reads.Concat(effects[at].Writes))
                {
                    Mark(register.Index, position);
                }
            }

            LiveOut(block, liveIn, live);
            Mark(live, Math.Max(0, position - 1));
        }
    }

    private static void LiveOut(BasicBlock block, ulong[][] liveIn, ulong[] live)
    {
        Array.Clear(live);
        foreach (int successor in block.Successors)
        {
            for (int word = 0; word < live.Length; word++)
            {
                live[word] |= liveIn[successor][word];
            }
        }
    }

    private static void Step(PtxInstruction instruction, (List<PtxRegister> Reads, List<PtxRegister> Writes) effects, ulong[] live)
    {
        foreach (PtxRegister register in effects.Writes)
        {
            // What a guarded instruction writes may still hold its old value afterwards.
            if (instruction.Guard is null)
            {
                live[register.Index / 64] &= ~(1ul << register.Index);
            }
        }

        foreach (PtxRegister register in effects.Reads)
        {
            live[register.Index / 64] |= 1ul << register.Index;
        }
    }

    private void Mark(ulong[] set, int position)
    {
        for (int word = 0; word < set.Length; word++)
        {
            for (ulong rest = set[word]; rest != 0; rest &= rest - 1)
            {
                Mark(64 * word + BitOperations.TrailingZeroCount(rest), position);
            }
        }
    }

    private void Mark(int register, int position)
    {
        _first[register] = Math.Min(_first[register], position);
        _last[register] = Math.Max(_last[register], position);
    }

    // Results of device functions declared .reg live to the end, where the caller fetches them; their parameters from the
    // beginning. Sums of wgmma are written when they are waited for, which may be anywhere.
    private void Place()
    {
        foreach (PtxRegister register in _function.Parameters.Concat(_function.Results).Select(v => v.Register).OfType<PtxRegister>().Concat(_sums))
        {
            Mark(register.Index, 0);
            Mark(register.Index, int.MaxValue);
        }

        // A lane's value lies elsewhere in a 64-bit register than in a 32-bit one, so the two never share a place.
        List<int> predicates = [];
        List<int> words = [];
        List<int> pairs = [];
        foreach (PtxRegister register in _function.Registers.Where(r => _last[r.Index] >= 0).OrderBy(r => _first[r.Index]))
        {
            _offsets[register.Index] = Take(register.Type == PtxType.Pred ? predicates : IsWide(register) ? pairs : words, register.Index);
        }

        int wordsAt = (predicates.Count * 4 + 63) / 64 * 64;
        int pairsAt = wordsAt + Lanes.Narrow * words.Count;
        foreach (PtxRegister register in _function.Registers)
        {
            _offsets[register.Index] = register.Type == PtxType.Pred ? 4 * _offsets[register.Index]
                : IsWide(register) ? pairsAt + Lanes.Wide * _offsets[register.Index]
                : wordsAt + Lanes.Narrow * _offsets[register.Index];
        }

        Registers = words.Count + 2 * pairs.Count;
        Bytes = pairsAt + Lanes.Wide * pairs.Count;
    }

    private static bool IsWide(PtxRegister register) => register.Type.ByteSize() == 8;

    // A place is free from the position behind the one in the list; a source and a destination of an instruction never share one.
    private int Take(List<int> places, int register)
    {
        int place = places.FindIndex(busyTo => busyTo < _first[register]);
        if (place < 0)
        {
            place = places.Count;
            places.Add(0);
        }

        places[place] = _last[register];
        return place;
    }
}
