namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// How many operands an instruction has, of which kinds and types: <c>mad.wide.s32</c> is "wttw", a destination twice as
/// wide as the type, two sources of the type, one twice as wide. One letter stands for one operand:
///
///     t  the type that the instruction names last          p  a predicate
///     d  the type that it names first                      P  a predicate, or two: p|q
///     w  twice as wide as t                                s  t, or t and a predicate: r|p
///     i  any 32-bit integer                                a  an address
///     T  t or wider; with .v2, .v4 a vector of such        D  d or wider
///     m  t, an address of a variable, a special register, or parts of t in braces
///     n  t, or an address of a variable                    *  anything, unchecked
///     c  a constant                                        ?  what follows may be missing
///
/// A register fits a type of the same size if one of both is untyped (.b32), if both are integers, or if they are equal.
/// Instructions that are not listed are checked where they are translated.
/// </summary>
internal static class OperandSignatures
{
    private static readonly Dictionary<string, string> Table = Rows().SelectMany(row => row.Opcodes.Split(' ')
        .Select(opcode => (opcode, row.Signature))).ToDictionary(row => row.opcode, row => row.Signature);

    private static (string Opcodes, string Signature)[] Rows() =>
    [
        ("add sub addc subc mul24 div rem and or xor copysign", "ttt"),
        ("min max", "ttt?t"),
        ("mul", "ttt"), ("mul.wide", "wtt"), ("mad madc mad24 fma sad", "tttt"), ("mad.wide", "wttw"),
        ("abs neg sqrt rsqrt rcp sin cos lg2 ex2 tanh not cnot brev", "tt"),
        ("shl shr", "tti"), ("shf", "ttti"), ("popc clz bfind", "it"), ("bfe", "ttii"), ("bfi", "tttii"), ("prmt", "tttt"),
        ("lop3", "ttttc"), ("testp", "pt"), ("szext bmsk", "tti"), ("dp4a dp2a", "iiii"),
        ("setp", "Ptt?p"), ("set", "dtt?p"), ("selp", "tttp"), ("slct", "dddt"),
        ("mov", "tm"), ("cvt", "DT"), ("cvta", "tn"), ("isspacep", "p*"),
        ("ld ldu", "Ta?*"), ("st", "aT?*"), ("atom", "tat?**"), ("atom.cas", "tatt?*"), ("red", "at?*"),
        ("shfl", "stii?i"), ("vote", "pp?i"), ("vote.ballot", "ip?i"), ("redux", "tti"), ("activemask", "t"), ("nanosleep", "i"),
        ("ret exit trap brkpt", ""),
    ];

    /// <summary>Checks an instruction's operands.</summary>
    /// <exception cref="PtxException">There are too few or too many, or one does not fit.</exception>
    public static void Check(PtxInstruction instruction)
    {
        CheckAddresses(instruction);
        if (Find(instruction) is not { } signature)
        {
            return;
        }

        List<PtxType> types = [];
        foreach (string modifier in instruction.Modifiers)
        {
            if (PtxTypes.TryParse(modifier, out PtxType type))
            {
                types.Add(type);
            }
        }

        bool wantsType = signature.Any(kind => "tdwsTDmn".Contains(kind, StringComparison.Ordinal));
        if (wantsType && types.Count == 0)
        {
            throw new PtxException(instruction.Line, $"'{Name(instruction)}' lacks a type");
        }

        int optional = signature.IndexOf('?', StringComparison.Ordinal);
        string kinds = signature.Replace("?", "", StringComparison.Ordinal);
        int least = optional < 0 ? kinds.Length : optional;
        IReadOnlyList<PtxOperand> operands = instruction.Operands;
        if (operands.Count < least || operands.Count > kinds.Length)
        {
            throw new PtxException(instruction.Line, $"'{Name(instruction)}' has {operands.Count} operands instead of {least}");
        }

        for (int i = 0; i < operands.Count; i++)
        {
            bool isDestination = i == 0 && kinds[0] != 'a' && instruction.Opcode != "nanosleep";
            if (!Fits(kinds[i], operands[i], instruction, types, isDestination))
            {
                throw new PtxException(instruction.Line, $"operand {i + 1} of '{Name(instruction)}' is not of the kind or type that it wants");
            }
        }
    }

    /// <summary>The signature, or null for what is checked elsewhere.</summary>
    private static string? Find(PtxInstruction instruction)
    {
        IReadOnlyList<string> modifiers = instruction.Modifiers;
        string? variant = instruction.Opcode switch
        {
            // Packed results, 8-bit floats, atomics on vectors, logic with a predicate as a result: forms of their own.
            "cvt" when instruction.Operands.Count != 2 || modifiers.Count(modifier => PtxTypes.TryParse(modifier, out _)) != 2 => null,
            "atom" or "red" when modifiers.Any(modifier => modifier is "v2" or "v4" or "v8" or "async") => null,
            "st" when modifiers.Contains("async") => null,
            "lop3" when modifiers.Any(modifier => modifier is "and" or "or") => null,
            "mul" or "mad" when modifiers.Contains("wide") => $"{instruction.Opcode}.wide",
            "atom" when modifiers.Contains("cas") => "atom.cas",
            "vote" when modifiers.Contains("ballot") => "vote.ballot",
            _ => instruction.Opcode,
        };
        return variant is null ? null : Table.GetValueOrDefault(variant);
    }

    private static bool Fits(char kind, PtxOperand operand, PtxInstruction instruction, List<PtxType> types, bool isDestination)
    {
        PtxType type = types.Count == 0 ? PtxType.U32 : types[^1];
        return kind switch
        {
            't' when IsVectorMove(instruction) => operand is PtxOperand.Vector vector && ArePartsOf(vector, type, isVectorMove: true),
            't' => IsValue(operand, type, isDestination) || (isDestination && operand is PtxOperand.Sink && instruction.Opcode == "atom"),
            'd' => IsValue(operand, types[0], isDestination),
            'w' => Twice(type) is { } wide && IsValue(operand, wide, isDestination),
            'i' => IsValue(operand, PtxType.U32, isDestination),
            'p' => IsValue(operand, PtxType.Pred, isDestination),
            'P' => operand is PtxOperand.Sink || IsPair(operand, PtxType.Pred) || IsValue(operand, PtxType.Pred, isDestination),
            's' => IsPair(operand, type) || IsValue(operand, type, isDestination),
            'a' => operand is PtxOperand.Address,
            'c' => operand is PtxOperand.Immediate { IsFloat: false },
            'T' => IsWide(operand, type, instruction, isDestination),
            'D' => IsWide(operand, types[0], instruction, isDestination),
            'n' => operand is PtxOperand.VariableAddress || IsValue(operand, type, isDestination),
            'm' => IsMovable(operand, instruction, type),
            _ => true,
        };
    }

    private static bool IsValue(PtxOperand operand, PtxType type, bool isDestination) => operand switch
    {
        PtxOperand.Register { Negated: false, Value: var register } => Matches(register.Type, type),
        PtxOperand.Register { Value: var register } => !isDestination && register.Type == PtxType.Pred && type == PtxType.Pred,
        PtxOperand.Immediate immediate => !isDestination && Matches(immediate, type),
        // mov.b64 {a, b}, c: the parts of the destination.
        PtxOperand.Vector vector => isDestination && ArePartsOf(vector, type, isVectorMove: false),
        _ => false,
    };

    private static bool IsPair(PtxOperand operand, PtxType first) => operand is PtxOperand.Pair pair
        && (pair.First is null || Matches(pair.First.Type, first))
        && (pair.Second is null || pair.Second.Type == PtxType.Pred);

    /// <summary>Loads, stores and conversions take registers that are wider than the value, of the same kind.</summary>
    private static bool IsWide(PtxOperand operand, PtxType type, PtxInstruction instruction, bool isDestination)
    {
        int width = instruction.Modifiers.Contains("v2") ? 2 : instruction.Modifiers.Contains("v4") ? 4 : instruction.Modifiers.Contains("v8") ? 8 : 1;
        return operand switch
        {
            PtxOperand.Vector vector => vector.Elements.Count == width
                && vector.Elements.All(element => element is null ? isDestination : IsWideValue(element)),
            _ => width == 1 && IsWideValue(operand),
        };

        bool IsWideValue(PtxOperand value) => value is PtxOperand.Register { Negated: false, Value.Type: var actual }
            ? actual != PtxType.Pred && actual.ByteSize() >= type.ByteSize() && IsSameKind(actual, type)
            : IsValue(value, type, isDestination);
    }

    private static bool IsMovable(PtxOperand operand, PtxInstruction instruction, PtxType type) => operand switch
    {
        PtxOperand.VariableAddress or PtxOperand.FunctionName => type.ByteSize() is 4 or 8 && !type.IsFloat(),
        PtxOperand.Special => !type.IsFloat(),
        PtxOperand.Vector vector => ArePartsOf(vector, type, IsVectorMove(instruction)),
        _ => IsValue(operand, type, isDestination: false),
    };

    /// <summary>mov.v4.u32 moves four values of the type; mov.b64 {a, b} takes one apart, or puts it together.</summary>
    private static bool IsVectorMove(PtxInstruction instruction) =>
        instruction.Opcode == "mov" && (instruction.Modifiers.Contains("v2") || instruction.Modifiers.Contains("v4"));

    private static bool ArePartsOf(PtxOperand.Vector vector, PtxType type, bool isVectorMove)
    {
        int parts = isVectorMove ? 1 : vector.Elements.Count;
        return (isVectorMove || IsBits(type)) && vector.Elements.Count is 2 or 4 or 8 && vector.Elements.All(element => element switch
        {
            PtxOperand.Register { Negated: false, Value.Type: var part } => part != PtxType.Pred && part.ByteSize() * parts == type.ByteSize(),
            PtxOperand.Immediate => true,
            PtxOperand.Special => isVectorMove,
            _ => element is null,
        });
    }

    private static bool Matches(PtxOperand.Immediate immediate, PtxType type) =>
        immediate.IsFloat
            ? type.IsFloat() || (IsBits(type) && type.ByteSize() == (immediate.IsSingle ? 4 : 8))
            : !type.IsFloat();

    private static bool Matches(PtxType register, PtxType type) =>
        register == PtxType.Pred || type == PtxType.Pred
            ? register == type
            : register.ByteSize() == type.ByteSize() && IsSameKind(register, type);

    private static bool IsSameKind(PtxType register, PtxType type) =>
        IsBits(register) || (type.IsFundamental() && (IsBits(type) || register == type || (!register.IsFloat() && !type.IsFloat())));

    private static bool IsBits(PtxType type) => type is PtxType.B8 or PtxType.B16 or PtxType.B32 or PtxType.B64 or PtxType.B128;

    private static PtxType? Twice(PtxType type) => type switch
    {
        PtxType.U16 or PtxType.S16 => PtxType.U32,
        PtxType.U32 or PtxType.S32 => PtxType.U64,
        _ => null,
    };

    /// <summary>The base of an address is an integer, and a variable lies in the space that the instruction names.</summary>
    private static void CheckAddresses(PtxInstruction instruction)
    {
        StateSpace? named = null;
        if (instruction.Opcode is "ld" or "ldu" or "st" or "atom" or "red" or "ldmatrix" or "stmatrix")
        {
            foreach (string modifier in instruction.Modifiers)
            {
                named ??= modifier switch
                {
                    "global" => StateSpace.Global,
                    "shared" or "shared::cta" => StateSpace.Shared,
                    "local" => StateSpace.Local,
                    "const" => StateSpace.Const,
                    "param" or "param::entry" or "param::func" => StateSpace.Param,
                    _ => null,
                };
            }
        }

        foreach (PtxOperand operand in instruction.Operands)
        {
            if (operand is not PtxOperand.Address address)
            {
                continue;
            }

            if (address.Base is { } register && (register.Type.IsFloat() || register.Type == PtxType.Pred || register.Type.ByteSize() < 4))
            {
                throw new PtxException(instruction.Line, $"'{register.Name}' of type .{register.Type.Name()} cannot hold an address");
            }

            if (named is { } space && address.Symbol is { } symbol && symbol.Space != space)
            {
                throw new PtxException(instruction.Line, $"'{symbol.Name}' lies in another state space than '{Name(instruction)}' names");
            }
        }
    }

    private static string Name(PtxInstruction instruction) => string.Join('.', instruction.Modifiers.Prepend(instruction.Opcode));
}
