using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// One PTX instruction on its way to <see cref="Op"/>s. An instruction family takes the modifiers it knows (whatever is left
/// over is an error), resolves operands to offsets, and emits handlers:
///
///     add.sat.s32 %r1, %r2, 5      Take("sat"), TakeType() = s32, Destination(0), Source(1), Source(2) = the constant's place
/// </summary>
internal sealed unsafe class Emitter(KernelCompiler compiler, PtxInstruction instruction, RegisterAllocation registers, int begin)
{
    private readonly List<string> _modifiers = [.. instruction.Modifiers];
    private int _scratches;

    /// <summary>What is compiled.</summary>
    public PtxInstruction Instruction => instruction;

    /// <summary>The kernel it becomes a part of.</summary>
    public KernelCompiler Compiler => compiler;

    /// <summary>The code label of a target in the function.</summary>
    public required Func<int, CodeLabel> LabelOf { get; init; }

    /// <summary>The label of the function's end.</summary>
    public required CodeLabel End { get; init; }

    /// <summary>Room for a value between two ops of this instruction.</summary>
    public int Scratch() => compiler.Frame.Scratch(_scratches++);

    /// <summary>Number of operands.</summary>
    public int Operands => instruction.Operands.Count;

    /// <summary>The modifiers that have not been taken.</summary>
    public IReadOnlyList<string> Modifiers => _modifiers;

    /// <summary>An error at this instruction.</summary>
    public PtxException Error(string reason) => new(instruction.Line, reason);

    /// <summary>The instruction's name, for errors.</summary>
    public string Name => string.Join('.', [instruction.Opcode, .. instruction.Modifiers]);

    /// <summary>Takes a modifier if it is there.</summary>
    public bool Take(string modifier) => _modifiers.Remove(modifier);

    /// <summary>Takes the first of several modifiers that is there; null if none is.</summary>
    public string? TakeAny(params ReadOnlySpan<string> choices)
    {
        foreach (string choice in choices)
        {
            if (_modifiers.Remove(choice))
            {
                return choice;
            }
        }

        return null;
    }

    /// <summary>Takes the next type.</summary>
    public PtxType TakeType() => TryTakeType() ?? throw Error($"instruction '{Name}' lacks a type");

    /// <summary>Takes the next type if there is one.</summary>
    public PtxType? TryTakeType()
    {
        for (int i = 0; i < _modifiers.Count; i++)
        {
            if (PtxTypes.TryParse(_modifiers[i], out PtxType type))
            {
                _modifiers.RemoveAt(i);
                return type;
            }
        }

        return null;
    }

    /// <summary>Fails if a modifier has not been taken, or if there are not that many operands.</summary>
    public void Expect(int least, int most = -1)
    {
        if (_modifiers.Count > 0)
        {
            throw Error($"modifier '.{_modifiers[0]}' of instruction '{Name}' is unknown or not supported");
        }

        if (Operands < least || Operands > Math.Max(least, most))
        {
            throw Error($"instruction '{Name}' has {Operands} operands, which is not a number it can have");
        }
    }

    /// <summary>Fails if the text is for a device that lacks the instruction.</summary>
    public void Require(int target)
    {
        if (compiler.Target < target)
        {
            throw Error($"instruction '{Name}' requires .target sm_{target} or higher");
        }
    }

    /// <summary>The error of a combination that does not exist, or is not supported.</summary>
    public PtxException Unsupported() => Error($"instruction '{Name}' is not supported in this form");

    /// <summary>A register's place.</summary>
    public int Offset(PtxRegister register) => begin + registers[register];

    /// <summary>An operand's register, if it is one.</summary>
    public PtxRegister? RegisterOf(int operand) => (instruction.Operands[operand] as PtxOperand.Register)?.Value;

    /// <summary>
    /// Offset of the register that operand <paramref name="operand"/> names, which must have <paramref name="bytes"/> bytes.
    /// </summary>
    public int Destination(int operand, int bytes) => Destination(instruction.Operands[operand], bytes);

    /// <inheritdoc cref="Destination(int, int)"/>
    public int Destination(PtxOperand? operand, int bytes) => operand switch
    {
        null or PtxOperand.Sink => Scratch(),
        PtxOperand.Register { Value: var register } when register.Type != PtxType.Pred && register.Type.ByteSize() == bytes => Offset(register),
        _ => throw Mismatch(),
    };

    /// <summary>Offset of the register of a destination that may be wider than what is written.</summary>
    public int Destination(int operand, int bytes, out bool wide)
    {
        PtxType type = RegisterOf(operand)?.Type ?? throw Mismatch();
        wide = type.ByteSize() == 8;
        return type != PtxType.Pred && type.ByteSize() >= bytes ? Destination(operand, type.ByteSize()) : throw Mismatch();
    }

    /// <summary>Offset of a predicate that is written; of room for nothing if it is the sink.</summary>
    public int Predicate(PtxRegister? register) =>
        register is null ? Scratch() : register.Type == PtxType.Pred ? Offset(register) : throw Mismatch();

    /// <summary>Offset of the predicate that is written, the first operand.</summary>
    public int PredicateDestination() => instruction.Operands[0] switch
    {
        PtxOperand.Register { Negated: false, Value: var register } => Predicate(register),
        PtxOperand.Sink => Predicate(null),
        _ => throw Mismatch(),
    };

    /// <summary>Offset of a predicate that is read.</summary>
    public int PredicateSource(int operand)
    {
        switch (instruction.Operands[operand])
        {
            case PtxOperand.Register { Value: { Type: PtxType.Pred } register, Negated: var negated }:
                if (!negated)
                {
                    return Offset(register);
                }

                int inverse = Scratch();
                Emit(&Predicates.Not, inverse, Offset(register));
                return inverse;
            case PtxOperand.Immediate { IsFloat: false, Bits: var bits }:
                return bits != 0 ? FrameLayout.True : FrameLayout.False;
            default:
                throw Mismatch();
        }
    }

    /// <summary>Offset of the value that an operand of a type has: a register, a constant, a special register or an address.</summary>
    public int Source(int operand, PtxType type) => Source(instruction.Operands[operand], type);

    /// <inheritdoc cref="Source(int, PtxType)"/>
    public int Source(PtxOperand? operand, PtxType type, bool orWider = false)
    {
        int bytes = type.ByteSize();
        switch (operand)
        {
            case PtxOperand.Register { Negated: false, Value: var register } when register.Type != PtxType.Pred
                && (register.Type.ByteSize() == bytes || (orWider && register.Type.ByteSize() > bytes)):
                return Offset(register);
            case PtxOperand.Immediate immediate:
                return Constant(ConstantBits(immediate, type), bytes == 8);
            case PtxOperand.Special { Name: var name } when SpecialRegisters.Knows(name):
                return compiler.Frame.Special(name, bytes == 8);
            case PtxOperand.Special { Name: ['c' or 'g', ..] name } when Clocks.Knows(name):
                int time = Scratch();
                Emit(Clocks.HandlerOf(name), time);
                return time;
            case PtxOperand.Special { Name: var name }:
                throw Error($"the special register '%{name}' is not supported");
            case PtxOperand.VariableAddress { Value: var variable, Offset: var offset } when bytes >= 4:
                return Constant(compiler.AddressOf(variable, instruction.Line).Address + (ulong)offset, bytes == 8);
            default:
                throw Mismatch();
        }
    }

    /// <summary>Offset of a constant.</summary>
    public int Constant(ulong bits, bool wide) => compiler.Frame.Constant(bits, wide);

    /// <summary>An operand that must be an integer constant.</summary>
    public long ConstantOf(int operand) => instruction.Operands[operand] is PtxOperand.Immediate { IsFloat: false, Bits: var bits }
        ? (long)bits
        : throw Error($"operand {operand + 1} of instruction '{Name}' must be an integer constant");

    /// <summary>A vector operand's elements; a single operand is a vector of one.</summary>
    public IReadOnlyList<PtxOperand?> Elements(int operand) =>
        instruction.Operands[operand] is PtxOperand.Vector vector ? vector.Elements : [instruction.Operands[operand]];

    /// <summary>
    /// Adds an instruction, with the guard of the PTX instruction.
    /// </summary>
    public int Emit(
        Handler handler, int d = 0, int a = 0, int b = 0, int c = 0, long constant = 0, ReadOnlySpan<int> slots = default, int count = 0, bool guarded = true, bool invertGuard = false)
    {
        PtxGuard? guard = guarded ? instruction.Guard : null;
        return compiler.Add(instruction, new()
        {
            Handler = handler,
            Guard = guard is { } g ? Offset(g.Register) : FrameLayout.True,
            GuardFlip = guard is { Negated: var negated } && negated != invertGuard ? Lanes.All : 0,
            D = d,
            A = a,
            B = b,
            C = c,
            Constant = constant,
            Slots = slots.IsEmpty ? null : compiler.AddSlots(slots),
            Count = slots.IsEmpty ? count : slots.Length,
        });
    }

    /// <summary>Copies an operand to a place.</summary>
    public void Move(int target, PtxOperand source, PtxType type) => Move(target, Source(source, type), type);

    /// <summary>Copies a register to a place.</summary>
    public void Move(int target, int source, PtxType type) => Emit(type.ByteSize() == 8 ? &Moves.Wide : &Moves.Narrow, target, source);

    /// <summary>The error of an operand that does not fit the instruction's type.</summary>
    public PtxException Mismatch() => Error($"Arguments mismatch for instruction '{instruction.Opcode}'");

    private ulong ConstantBits(PtxOperand.Immediate immediate, PtxType type) => (immediate.IsFloat, type) switch
    {
        (true, PtxType.F32 or PtxType.B32 or PtxType.TF32) when immediate.IsSingle || type != PtxType.B32 => BitConverter.SingleToUInt32Bits(immediate.ToSingle()),
        (true, PtxType.F64) => BitConverter.DoubleToUInt64Bits(immediate.ToDouble()),
        (true, PtxType.B64) when !immediate.IsSingle => immediate.Bits,
        (true, _) => throw Mismatch(),
        (false, PtxType.F32) => BitConverter.SingleToUInt32Bits((long)immediate.Bits),
        (false, PtxType.F64) => BitConverter.DoubleToUInt64Bits((long)immediate.Bits),
        _ => immediate.Bits,
    };
}
