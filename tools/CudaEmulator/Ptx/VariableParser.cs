namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// Reads declarations of variables and parameters:
///
///     .global .align 16 .v4 .f32 table[8][2] = { {...}, ... }, other;
///     └space┘ └───────attributes and type──┘ └dimensions┘ └initial bytes (InitializerParser)
/// </summary>
internal sealed class VariableParser(TokenReader tokens, Scope module)
{
    private readonly InitializerParser _initializers = new(tokens, module);

    /// <summary>The state space that a directive names; null if it names none.</summary>
    public static StateSpace? SpaceOf(Token token) => token.Kind != TokenKind.Dotted ? null : token.Text switch
    {
        "global" => StateSpace.Global,
        "shared" => StateSpace.Shared,
        "local" => StateSpace.Local,
        "const" => StateSpace.Const,
        "param" => StateSpace.Param,
        "reg" => StateSpace.Register,
        _ => null,
    };

    /// <summary>Reads a whole statement from the state space to the semicolon.</summary>
    public IEnumerable<PtxVariable> Statement(bool isExtern)
    {
        StateSpace space = SpaceOf(tokens.Take())!.Value;
        Shape shape = ReadShape();
        do
        {
            PtxVariable variable = Declarator(space, shape, isExtern);
            bool isOpen = variable is { ByteSize: 0, Initializer: null } && variable.Relocations.Count == 0;
            if (isOpen && !(isExtern && space is StateSpace.Shared or StateSpace.Global or StateSpace.Const))
            {
                throw new PtxException(variable.Line, $"the array '{variable.Name}' needs a size; only an .extern one may have none");
            }

            yield return variable;
        }
        while (tokens.Accept(","));

        tokens.Expect(";");
    }

    /// <summary>Reads a list of parameters in parentheses, if there is one.</summary>
    /// <param name="isEntry">Whether they are a kernel's, which lie in memory.</param>
    /// <param name="registers">Where registers for those declared .reg are made; null where there is no body.</param>
    public List<PtxVariable> Parameters(bool isEntry, RegisterFile? registers)
    {
        List<PtxVariable> parameters = [];
        if (!tokens.Accept("(") || tokens.Accept(")"))
        {
            return parameters;
        }

        do
        {
            Token first = tokens.Take();
            StateSpace? space = SpaceOf(first);
            if (space is not (StateSpace.Param or StateSpace.Register) || (isEntry && space == StateSpace.Register))
            {
                throw new PtxException(first.Line, $"expected {(isEntry ? ".param" : ".param or .reg")}, found {first}");
            }

            Shape shape = ReadShape();
            PtxVariable parameter = Declarator(space.Value, shape, isExtern: false);
            if (isEntry && parameter.ByteSize == 0)
            {
                throw new PtxException(parameter.Line, $"the parameter '{parameter.Name}' of an entry needs a size");
            }

            if (space == StateSpace.Register && parameter.ByteSize != shape.Type.ByteSize())
            {
                throw new PtxException(first.Line, $"the register '{parameter.Name}' must be a scalar");
            }

            if (space == StateSpace.Register && registers is not null)
            {
                PtxOperand made = registers.Create(parameter.Name, parameter.Type, 1);
                parameter = parameter with { Register = ((PtxOperand.Register)made).Value };
            }

            parameters.Add(parameter);
        }
        while (tokens.Accept(","));

        tokens.Expect(")");
        return parameters;
    }

    private readonly record struct Shape(PtxType Type, int Components, int Alignment);

    /// <summary>Reads what stands between the state space and the name: alignment, .v2, .v4, the type, .ptr and its own.</summary>
    private Shape ReadShape()
    {
        int line = tokens.Line;
        PtxType? type = null;
        int components = 1;
        int alignment = 0;
        bool isPointer = false;
        while (tokens.Current.Kind == TokenKind.Dotted)
        {
            Token word = tokens.Take();
            if (word.Text == "align")
            {
                int bytes = tokens.ExpectInteger("the alignment", 1 << 20);
                if (!int.IsPow2(bytes))
                {
                    throw new PtxException(word.Line, $"an alignment is a power of two, and {bytes} is none");
                }

                // .ptr .align describes what the pointer points to, not the parameter.
                alignment = isPointer ? alignment : bytes;
            }
            else if (word.Text is "v2" or "v4")
            {
                components = word.Text[1] - '0';
            }
            else if (word.Text == "ptr")
            {
                isPointer = true;
            }
            else if (word.Text is "attribute")
            {
                SkipAttribute();
            }
            else if (PtxTypes.TryParse(word.Text, out PtxType found) && type is null && found.IsFundamental())
            {
                type = found;
            }
            else if (!isPointer || SpaceOf(word) is null)
            {
                throw new PtxException(word.Line, $"{word} cannot be part of a declaration here");
            }
        }

        if (type is not { } known)
        {
            throw tokens.Unexpected("the type of a variable");
        }

        return known.ByteSize() * components <= 16
            ? new(known, components, alignment)
            : throw new PtxException(line, "a vector cannot be larger than 128 bits");
    }

    private void SkipAttribute()
    {
        tokens.Expect("(");
        while (!tokens.Accept(")"))
        {
            if (tokens.IsAtEnd || tokens.At(";"))
            {
                throw tokens.Unexpected("')'");
            }

            tokens.Take();
        }
    }

    private PtxVariable Declarator(StateSpace space, Shape shape, bool isExtern)
    {
        int line = tokens.Line;
        string name = tokens.ExpectName("the name of a variable");
        List<long> dimensions = [];
        long elements = 1;
        bool isPredicate = shape.Type == PtxType.Pred;
        while (tokens.Accept("["))
        {
            long extent = tokens.At("]") && dimensions.Count == 0 ? 0 : ConstantExpression.ParseInteger(tokens);
            tokens.Expect("]");
            dimensions.Add(extent);
            elements = extent < 0 || (extent == 0 && dimensions.Count > 1) ? long.MaxValue : elements * extent;
            if (elements > int.MaxValue)
            {
                throw new PtxException(line, $"the array '{name}' has an impossible size");
            }
        }

        if (isPredicate && space != StateSpace.Register)
        {
            throw new PtxException(line, $"the predicate '{name}' cannot lie in memory");
        }

        int elementBytes = shape.Type.ByteSize() * shape.Components;
        byte[]? initial = null;
        List<PtxRelocation> relocations = [];
        long bytes = elements * elementBytes;
        if (tokens.At("="))
        {
            if (space is not (StateSpace.Global or StateSpace.Const) || isExtern)
            {
                throw new PtxException(line, $"'{name}' cannot have an initial value; .global and .const variables can");
            }

            tokens.Take();
            (initial, relocations, long extent) = _initializers.Parse(shape.Type, shape.Components, dimensions);
            bytes = dimensions is [0, ..] ? extent : bytes;
        }

        return bytes > int.MaxValue
            ? throw new PtxException(line, $"'{name}' is larger than 2 GiB")
            : new PtxVariable(name, space, shape.Type, (int)bytes, shape.Alignment == 0 ? elementBytes : shape.Alignment, initial, line)
            {
                IsExtern = isExtern,
                Relocations = relocations,
            };
    }
}
