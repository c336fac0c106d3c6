namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// A name that may be declared further down: a label, a list of targets, a prototype. Gone when the function is read.
/// </summary>
internal sealed record ForwardReference(string Name, Scope Scope, int Line) : PtxOperand;

/// <summary>
/// Reads operands and looks up what they name:
///
///     %r1   !%p1   %p1|%p2   %v.x   %tid.x   _   4+4*2   0f3F800000   table+8
///     [%rd1+16]   [table]   {%f1, _, 0f00000000}   (a, b) of a call   a label
/// </summary>
internal sealed class OperandParser(TokenReader tokens, RegisterFile registers)
{
    /// <summary>Where names are looked up; the innermost braces at this place.</summary>
    public required Scope Scope { get; set; }

    /// <summary>Reads an operand of an instruction other than call.</summary>
    public PtxOperand Operand()
    {
        if (tokens.At("["))
        {
            return Address();
        }

        if (tokens.At("{"))
        {
            return Vector();
        }

        if (tokens.At("!") && tokens.Following.Kind == TokenKind.Identifier)
        {
            tokens.Take();
            return new PtxOperand.Register(Register(), Negated: true);
        }

        if (ConstantExpression.BeginsAt(tokens))
        {
            return ConstantExpression.Parse(tokens).ToOperand();
        }

        PtxOperand operand = Name();
        return operand switch
        {
            PtxOperand.Register or PtxOperand.Sink when tokens.Accept("|") => Pair(operand),
            PtxOperand.VariableAddress when tokens.At("[") => throw new PtxException(
                tokens.Line, "elements of an array are not supported as operands; write the offset in bytes: name+4"),
            PtxOperand.VariableAddress symbol => symbol with { Offset = Offset() },
            _ => operand,
        };
    }

    /// <summary>The operands of a call, as <see cref="PtxInstruction.Operands"/> orders them.</summary>
    public PtxOperand[] Call()
    {
        PtxOperand.List results = new([]);
        if (tokens.At("("))
        {
            results = List();
            tokens.Expect(",");
        }

        int line = tokens.Line;
        PtxOperand target = Name();
        if (target is not (PtxOperand.FunctionName or PtxOperand.Register))
        {
            throw new PtxException(line, target is ForwardReference unknown
                ? $"call of '{unknown.Name}', which is not declared above"
                : "a call names a function or a register that holds its address");
        }

        PtxOperand.List arguments = new([]);
        bool hasMore = tokens.Accept(",");
        if (hasMore && tokens.At("("))
        {
            arguments = List();
            hasMore = tokens.Accept(",");
        }

        PtxOperand? prototype = hasMore ? Name() : null;
        return prototype is null ? [target, results, arguments] : [target, results, arguments, prototype];
    }

    /// <summary>A name that must be a register.</summary>
    public PtxRegister Register()
    {
        int line = tokens.Line;
        return Name() is PtxOperand.Register register
            ? register.Value
            : throw new PtxException(line, "a register is expected here");
    }

    // What is subtracted is written +-4; a minus behind a name is no PTX.
    private long Offset() => tokens.At("+") ? ConstantExpression.ParseInteger(tokens) : 0;

    private PtxOperand Name()
    {
        Token token = tokens.Expect(TokenKind.Identifier, "an operand");
        string name = token.Text;
        if (name == "_")
        {
            return new PtxOperand.Sink();
        }

        PtxOperand? meaning = Scope.Find(name, registers);
        if (meaning is null && name[0] == '%')
        {
            return Special(token);
        }

        return meaning switch
        {
            PtxOperand.Vector vector when tokens.Current.Kind == TokenKind.Dotted => Component(vector),
            PtxOperand.Register or PtxOperand.Vector or PtxOperand.VariableAddress or PtxOperand.FunctionName => meaning,
            _ => new ForwardReference(name, Scope, token.Line),
        };
    }

    private PtxOperand Special(Token token)
    {
        string name = token.Text[1..];
        if (SpecialRegisters.IsScalar(name))
        {
            return new PtxOperand.Special(name);
        }

        if (!SpecialRegisters.IsVector(name))
        {
            throw new PtxException(token.Line, $"the register '{token.Text}' is not declared");
        }

        if (tokens.Current.Kind != TokenKind.Dotted)
        {
            return SpecialRegisters.Whole(name);
        }

        Token component = tokens.Take();
        return component.Text is "x" or "y" or "z" or "w"
            ? new PtxOperand.Special($"{name}.{component.Text}")
            : throw new PtxException(component.Line, $"'{token.Text}' has no component {component}");
    }

    /// <summary>.x .y .z .w, or .r .g .b .a, of a vector register.</summary>
    private PtxOperand Component(PtxOperand.Vector vector)
    {
        Token component = tokens.Take();
        int index = component.Text switch
        {
            "x" or "r" => 0,
            "y" or "g" => 1,
            "z" or "b" => 2,
            "w" or "a" => 3,
            _ => -1,
        };
        return index >= 0 && index < vector.Elements.Count
            ? vector.Elements[index]!
            : throw new PtxException(component.Line, $"the vector has no component {component}");
    }

    private PtxOperand.Pair Pair(PtxOperand first)
    {
        int line = tokens.Line;
        PtxOperand second = Name();
        return second is PtxOperand.Register or PtxOperand.Sink
            ? new((first as PtxOperand.Register)?.Value, (second as PtxOperand.Register)?.Value)
            : throw new PtxException(line, "behind '|' a register is expected");
    }

    private PtxOperand.Address Address()
    {
        tokens.Expect("[");
        PtxRegister? register = null;
        PtxVariable? symbol = null;
        long offset = 0;
        if (tokens.Current is { Kind: TokenKind.Identifier, Text: not "WARP_SZ" })
        {
            Token name = tokens.Current;
            switch (Name())
            {
                case PtxOperand.Register { Value: var value }:
                    register = value;
                    break;
                case PtxOperand.VariableAddress { Value: var value }:
                    symbol = value;
                    break;
                case ForwardReference:
                    throw new PtxException(name.Line, $"the address '{name.Text}' is not declared");
                default:
                    throw new PtxException(name.Line, $"{name} cannot be an address");
            }

            offset = Offset();
        }
        else
        {
            offset = ConstantExpression.ParseInteger(tokens);
        }

        if (tokens.At(","))
        {
            throw new PtxException(tokens.Line, "coordinates in an address (textures, bulk copies of tensors) are not supported");
        }

        tokens.Expect("]");
        return new(register, symbol, offset);
    }

    private PtxOperand.Vector Vector()
    {
        tokens.Expect("{");
        List<PtxOperand?> elements = [];
        do
        {
            PtxOperand element = Element();
            elements.Add(element is PtxOperand.Sink ? null : element);
        }
        while (tokens.Accept(","));

        tokens.Expect("}");
        return new([.. elements]);
    }

    private PtxOperand.List List()
    {
        tokens.Expect("(");
        List<PtxOperand> elements = [];
        if (!tokens.At(")"))
        {
            do
            {
                elements.Add(Element());
            }
            while (tokens.Accept(","));
        }

        tokens.Expect(")");
        return new([.. elements]);
    }

    /// <summary>What may stand inside braces or parentheses: everything that holds one value.</summary>
    private PtxOperand Element()
    {
        int line = tokens.Line;
        PtxOperand element = ConstantExpression.BeginsAt(tokens) ? ConstantExpression.Parse(tokens).ToOperand() : Name();
        return element switch
        {
            ForwardReference unknown => throw new PtxException(line, $"'{unknown.Name}' is not declared"),
            PtxOperand.Vector => throw new PtxException(line, "a vector cannot be an element of a vector or a list"),
            _ => element,
        };
    }
}
