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
    private readonly TokenReader tokens;
    private readonly VariableParser variableParser;
    private readonly Scope outermost;
    private readonly RegisterFile registers = new();
    private readonly OperandParser operandParser;
    private readonly List<PtxInstruction> instructions = [];
    private readonly List<PtxVariable> variables = [];
    private readonly List<PtxVariable> moduleVariables;
    private readonly HashSet<string> variableNames = new(StringComparer.Ordinal);
    private readonly List<(PtxOperand[] Operands, int Index)> forwardReferences = [];
    private int renamed;

    private FunctionParser(TokenReader tokens, Scope module, List<PtxVariable> moduleVariables)
    {
        this.tokens = tokens;
        this.moduleVariables = moduleVariables;
        variableParser = new(tokens, module);
        outermost = new(module);
        operandParser = new(tokens, registers) { Scope = outermost };
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
        int line = tokens.Line;
        List<PtxVariable> results = isEntry ? [] : variableParser.Parameters(isEntry, registers);
        string name = tokens.ExpectName("the name of a function");
        if (module.Find(name, null) is not (null or PtxOperand.FunctionName))
        {
            throw new PtxException(line, $"duplicate definition of '{name}'");
        }

        module.Replace(name, new PtxOperand.FunctionName(name));
        List<PtxVariable> parameters = variableParser.Parameters(isEntry, registers);
        foreach (PtxVariable parameter in results.Concat(parameters))
        {
            DeclareVariable(parameter);
        }

        FunctionDirectives directives = FunctionDirectives.Parse(tokens);
        bool isDeclaration = tokens.Accept(";");
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
            Registers = registers.All,
            Variables = variables,
            Instructions = instructions,
            MaxThreads = directives.MaxThreads,
            RequiresExactThreads = directives.RequiresExactThreads,
            MinBlocks = directives.MinBlocks,
            MaxRegisters = directives.MaxRegisters,
            Line = line,
        };
    }

    private void Body()
    {
        int opening = tokens.Line;
        tokens.Expect("{");
        for (Scope? scope = outermost; scope != outermost.Parent;)
        {
            operandParser.Scope = scope!;
            if (tokens.IsAtEnd)
            {
                throw new PtxException(opening, "the braces that open here are not closed");
            }

            if (tokens.Accept("{"))
            {
                scope = new(scope);
            }
            else if (tokens.Accept("}"))
            {
                scope = scope!.Parent;
            }
            else
            {
                Statement(scope!);
            }
        }

        foreach ((PtxOperand[] operands, int index) in forwardReferences)
        {
            operands[index] = Resolve((ForwardReference)operands[index]);
        }
    }

    private void Statement(Scope scope)
    {
        Token token = tokens.Current;
        if (token.Kind == TokenKind.Identifier && tokens.Following is { Kind: TokenKind.Punctuation, Text: ":" })
        {
            tokens.Take();
            tokens.Take();
            scope.Declare(token.Text, LabelMeaning(token.Text), token.Line);
        }
        else if (token.Kind == TokenKind.Identifier || tokens.At("@"))
        {
            instructions.Add(Instruction());
        }
        else if (tokens.AcceptDotted("reg"))
        {
            DeclareRegisters(scope);
        }
        else if (VariableParser.SpaceOf(token) is not null)
        {
            foreach (PtxVariable variable in variableParser.Statement(isExtern: false))
            {
                AddVariable(scope, variable);
            }
        }
        else if (!SkippedDirective.TrySkip(tokens))
        {
            throw tokens.Unexpected("an instruction, a declaration or '}'");
        }
    }

    /// <summary>What stands behind a label: mostly nothing, so that it means the next instruction.</summary>
    private PtxOperand LabelMeaning(string name)
    {
        if (tokens.AcceptDotted("branchtargets") || tokens.AcceptDotted("calltargets"))
        {
            List<PtxOperand> targets = [];
            do
            {
                int line = tokens.Line;
                string target = tokens.ExpectName("a label or a function");
                targets.Add(new ForwardReference(target, operandParser.Scope, line));
            }
            while (tokens.Accept(","));

            tokens.Expect(";");
            PtxOperand[] elements = [.. targets];
            forwardReferences.AddRange(Enumerable.Range(0, elements.Length).Select(i => (elements, i)));
            return new PtxOperand.List(elements);
        }

        if (tokens.AcceptDotted("callprototype"))
        {
            List<PtxVariable> results = variableParser.Parameters(isEntry: false, null);
            tokens.ExpectName("the name of a prototype, or _");
            PtxOperand.Prototype prototype = new(results, variableParser.Parameters(isEntry: false, null));
            FunctionDirectives.Parse(tokens);
            tokens.Expect(";");
            return prototype;
        }

        return new PtxOperand.Label(name, instructions.Count);
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
        if (tokens.Accept("@"))
        {
            bool isNegated = tokens.Accept("!");
            guard = new(operandParser.Register(), isNegated);
        }

        int line = tokens.Line;
        string opcode = tokens.ExpectName("an instruction");
        List<string> modifiers = [];
        while (tokens.Current.Kind == TokenKind.Dotted)
        {
            modifiers.Add(tokens.Take().Text);
        }

        PtxOperand[] operands = opcode == "call" ? operandParser.Call() : Operands();
        tokens.Expect(";");
        for (int i = 0; i < operands.Length; i++)
        {
            if (operands[i] is ForwardReference)
            {
                forwardReferences.Add((operands, i));
            }
        }

        return new(line, guard, opcode, modifiers, operands);
    }

    private PtxOperand[] Operands()
    {
        if (tokens.At(";"))
        {
            return [];
        }

        List<PtxOperand> operands = [];
        do
        {
            operands.Add(operandParser.Operand());
        }
        while (tokens.Accept(","));

        return [.. operands];
    }

    private void DeclareVariable(PtxVariable variable)
    {
        variableNames.Add(variable.Name);
        PtxOperand meaning = variable.Register is { } register
            ? new PtxOperand.Register(register)
            : new PtxOperand.VariableAddress(variable);
        outermost.Declare(variable.Name, meaning, variable.Line);
    }

    private void AddVariable(Scope scope, PtxVariable variable)
    {
        string name = variable.Name;
        if (variable.Space is StateSpace.Global or StateSpace.Const)
        {
            // It lives as long as the module, though its name is known only here.
            variable = variable with { Name = $"{name}$line{variable.Line}" };
            moduleVariables.Add(variable);
        }
        else
        {
            while (!variableNames.Add(variable.Name))
            {
                variable = variable with { Name = $"{name}${++renamed}" };
            }

            variables.Add(variable);
        }

        scope.Declare(name, new PtxOperand.VariableAddress(variable), variable.Line);
    }

    /// <summary>.reg .v2 .f32 a, %v&lt;8&gt;; from behind .reg.</summary>
    private void DeclareRegisters(Scope scope)
    {
        int components = tokens.AcceptDotted("v2") ? 2 : tokens.AcceptDotted("v4") ? 4 : 1;
        Token word = tokens.Expect(TokenKind.Dotted, "the type of a register");
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
            int line = tokens.Line;
            string name = tokens.ExpectName("the name of a register");
            if (tokens.Accept("<"))
            {
                int count = tokens.ExpectInteger("the number of registers", 1 << 28);
                tokens.Expect(">");
                scope.DeclareRange(name, count, type, components, line);
            }
            else
            {
                scope.DeclareRegister(name, type, components, line);
            }
        }
        while (tokens.Accept(","));

        tokens.Expect(";");
    }
}
