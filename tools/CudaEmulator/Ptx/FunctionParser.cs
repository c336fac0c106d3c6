namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// Reads an entry or a device function from its name on:
///
///     .entry name ( parameters ) .maxntid 256, 1, 1        .func ( results ) name ( parameters )
///     {
///         .reg .b32 %r&lt;4&gt;;
///     LOOP:
///         @%p1 bra LOOP;
///         { .param .b32 p; call f, (p); }                  braces in braces have names of their own
///     }
/// </summary>
internal sealed class FunctionParser
{
    private readonly TokenReader _tokens;
    private readonly VariableParser _variableParser;
    private readonly Scope _outermost;
    private readonly RegisterFile _registers = new();
    private readonly OperandParser _operandParser;
    private readonly List<PtxInstruction> _instructions = [];
    private readonly List<PtxVariable> _variables = [];
    private readonly List<PtxVariable> _moduleVariables;
    private readonly HashSet<string> _variableNames = new(StringComparer.Ordinal);
    private readonly List<(PtxOperand[] Operands, int Index)> _forwardReferences = [];
    private int _renamed;

    private FunctionParser(TokenReader tokens, Scope module, List<PtxVariable> moduleVariables)
    {
        _tokens = tokens;
        _moduleVariables = moduleVariables;
        _variableParser = new(tokens, module);
        _outermost = new(module);
        _operandParser = new(tokens, _registers) { Scope = _outermost };
    }

    /// <summary>Reads a function; the reader stands behind .entry or .func.</summary>
    /// <param name="tokens">Where to read.</param>
    /// <param name="module">The module's names; the function's becomes one of them before its body is read.</param>
    /// <param name="moduleVariables">Where the function's .global and .const variables go.</param>
    /// <param name="isEntry">Whether it is a kernel.</param>
    public static PtxFunction Parse(TokenReader tokens, Scope module, List<PtxVariable> moduleVariables, bool isEntry)
    {
        FunctionParser parser = new(tokens, module, moduleVariables);
        return parser.Function(module, isEntry);
    }

    private PtxFunction Function(Scope module, bool isEntry)
    {
        int line = _tokens.Line;
        List<PtxVariable> results = isEntry ? [] : _variableParser.Parameters(isEntry, _registers);
        string name = _tokens.ExpectName("the name of a function");
        if (module.Find(name, null) is not (null or PtxOperand.FunctionName))
        {
            throw new PtxException(line, $"duplicate definition of '{name}'");
        }

        module.Replace(name, new PtxOperand.FunctionName(name));
        List<PtxVariable> parameters = _variableParser.Parameters(isEntry, _registers);
        foreach (PtxVariable parameter in results.Concat(parameters))
        {
            DeclareVariable(parameter);
        }

        FunctionDirectives directives = FunctionDirectives.Parse(_tokens);
        bool isDeclaration = _tokens.Accept(";");
        if (!isDeclaration)
        {
            Body();
        }

        return new()
        {
            Name = name,
            IsEntry = isEntry,
            IsDeclaration = isDeclaration,
            Parameters = parameters,
            Results = results,
            Registers = _registers.All,
            Variables = _variables,
            Instructions = _instructions,
            MaxThreads = directives.MaxThreads,
            RequiresExactThreads = directives.RequiresExactThreads,
            MinBlocks = directives.MinBlocks,
            MaxRegisters = directives.MaxRegisters,
            Line = line,
        };
    }

    private void Body()
    {
        int opening = _tokens.Line;
        _tokens.Expect("{");
        for (Scope? scope = _outermost; scope != _outermost.Parent;)
        {
            _operandParser.Scope = scope!;
            if (_tokens.IsAtEnd)
            {
                throw new PtxException(opening, "the braces that open here are not closed");
            }

            if (_tokens.Accept("{"))
            {
                scope = new(scope);
            }
            else if (_tokens.Accept("}"))
            {
                scope = scope!.Parent;
            }
            else
            {
                Statement(scope!);
            }
        }

        foreach ((PtxOperand[] operands, int index) in _forwardReferences)
        {
            operands[index] = Resolve((ForwardReference)operands[index]);
        }
    }

    private void Statement(Scope scope)
    {
        Token token = _tokens.Current;
        if (token.Kind == TokenKind.Identifier && _tokens.Following is { Kind: TokenKind.Punctuation, Text: ":" })
        {
            _tokens.Take();
            _tokens.Take();
            scope.Declare(token.Text, LabelMeaning(token.Text), token.Line);
        }
        else if (token.Kind == TokenKind.Identifier || _tokens.At("@"))
        {
            _instructions.Add(Instruction());
        }
        else if (_tokens.AcceptDotted("reg"))
        {
            DeclareRegisters(scope);
        }
        else if (VariableParser.SpaceOf(token) is not null)
        {
            foreach (PtxVariable variable in _variableParser.Statement(isExtern: false))
            {
                AddVariable(scope, variable);
            }
        }
        else if (!SkippedDirective.TrySkip(_tokens))
        {
            throw _tokens.Unexpected("an instruction, a declaration or '}'");
        }
    }

    /// <summary>What stands behind a label: mostly nothing, so that it means the next instruction.</summary>
    private PtxOperand LabelMeaning(string name)
    {
        if (_tokens.AcceptDotted("branchtargets") || _tokens.AcceptDotted("calltargets"))
        {
            List<PtxOperand> targets = [];
            do
            {
                int line = _tokens.Line;
                string target = _tokens.ExpectName("a label or a function");
                targets.Add(new ForwardReference(target, _operandParser.Scope, line));
            }
            while (_tokens.Accept(","));

            _tokens.Expect(";");
            PtxOperand[] elements = [.. targets];
            _forwardReferences.AddRange(Enumerable.Range(0, elements.Length).Select(i => (elements, i)));
            return new PtxOperand.List(elements);
        }

        if (_tokens.AcceptDotted("callprototype"))
        {
            List<PtxVariable> results = _variableParser.Parameters(isEntry: false, null);
            _tokens.ExpectName("the name of a prototype, or _");
            PtxOperand.Prototype prototype = new(results, _variableParser.Parameters(isEntry: false, null));
            FunctionDirectives.Parse(_tokens);
            _tokens.Expect(";");
            return prototype;
        }

        return new PtxOperand.Label(name, _instructions.Count);
    }

    private static PtxOperand Resolve(ForwardReference reference)
    {
        PtxOperand? meaning = reference.Scope.Find(reference.Name, null);
        return meaning switch
        {
            PtxOperand.Label or PtxOperand.List or PtxOperand.Prototype or PtxOperand.FunctionName => meaning,
            null => throw new PtxException(reference.Line, $"'{reference.Name}' is not declared"),
            _ => throw new PtxException(reference.Line, $"'{reference.Name}' is used before its declaration"),
        };
    }

    private PtxInstruction Instruction()
    {
        PtxGuard? guard = null;
        if (_tokens.Accept("@"))
        {
            bool isNegated = _tokens.Accept("!");
            guard = new(_operandParser.Register(), isNegated);
        }

        int line = _tokens.Line;
        string opcode = _tokens.ExpectName("an instruction");
        List<string> modifiers = [];
        while (_tokens.Current.Kind == TokenKind.Dotted)
        {
            modifiers.Add(_tokens.Take().Text);
        }

        PtxOperand[] operands = opcode == "call" ? _operandParser.Call() : Operands();
        _tokens.Expect(";");
        for (int i = 0; i < operands.Length; i++)
        {
            if (operands[i] is ForwardReference)
            {
                _forwardReferences.Add((operands, i));
            }
        }

        return new(line, guard, opcode, modifiers, operands);
    }

    private PtxOperand[] Operands()
    {
        if (_tokens.At(";"))
        {
            return [];
        }

        List<PtxOperand> operands = [];
        do
        {
            operands.Add(_operandParser.Operand());
        }
        while (_tokens.Accept(","));

        return [.. operands];
    }

    private void DeclareVariable(PtxVariable variable)
    {
        _variableNames.Add(variable.Name);
        PtxOperand meaning = variable.Register is { } register
            ? new PtxOperand.Register(register)
            : new PtxOperand.VariableAddress(variable);
        _outermost.Declare(variable.Name, meaning, variable.Line);
    }

    private void AddVariable(Scope scope, PtxVariable variable)
    {
        string name = variable.Name;
        if (variable.Space is StateSpace.Global or StateSpace.Const)
        {
            // It lives as long as the module, though its name is known only here.
            variable = variable with { Name = $"{name}$line{variable.Line}" };
            _moduleVariables.Add(variable);
        }
        else
        {
            while (!_variableNames.Add(variable.Name))
            {
                variable = variable with { Name = $"{name}${++_renamed}" };
            }

            _variables.Add(variable);
        }

        scope.Declare(name, new PtxOperand.VariableAddress(variable), variable.Line);
    }

    /// <summary>.reg .v2 .f32 a, %v&lt;8&gt;; from behind .reg.</summary>
    private void DeclareRegisters(Scope scope)
    {
        int components = _tokens.AcceptDotted("v2") ? 2 : _tokens.AcceptDotted("v4") ? 4 : 1;
        Token word = _tokens.Expect(TokenKind.Dotted, "the type of a register");
        if (!PtxTypes.TryParse(word.Text, out PtxType type) || !type.IsFundamental())
        {
            throw new PtxException(word.Line, $"{word} is not a type that a register can have");
        }

        if (type.ByteSize() * components > 16)
        {
            throw new PtxException(word.Line, "a vector cannot be larger than 128 bits");
        }

        do
        {
            int line = _tokens.Line;
            string name = _tokens.ExpectName("the name of a register");
            if (_tokens.Accept("<"))
            {
                int count = _tokens.ExpectInteger("the number of registers", 1 << 28);
                _tokens.Expect(">");
                scope.DeclareRange(name, count, type, components, line);
            }
            else
            {
                scope.DeclareRegister(name, type, components, line);
            }
        }
        while (_tokens.Accept(","));

        _tokens.Expect(";");
    }
}
