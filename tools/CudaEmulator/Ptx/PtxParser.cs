namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// Reads a PTX text, the assembly language that CUDA compilers write and drivers translate. It is a recursive descent over
/// the tokens of <see cref="PtxLexer"/>, one class for each kind of thing in the text:
///
///     .version 7.8                             PtxParser            what stands at the top
///     .target sm_80
///     .address_size 64
///     .global .f32 table[4] = {...};           VariableParser       and InitializerParser
///     .visible .entry kernel ( parameters )    FunctionParser
///     {
///         .reg .f32 %f&lt;8&gt;;                     Scope                what names mean where
///         ld.global.f32 %f1, [%rd1+4*2];       OperandParser        and ConstantExpression
///     }
///
/// Any text gives a module or a <see cref="PtxException"/> with the line and the reason; time and memory are proportional
/// to the text's length (initial values apart, which have a limit of their own).
/// </summary>
public sealed class PtxParser
{
    private readonly TokenReader tokens;
    private readonly Scope scope = new(null);
    private readonly List<PtxVariable> variables = [];
    private readonly List<PtxFunction> functions = [];
    private readonly Dictionary<string, int> functionIndices = new(StringComparer.Ordinal);
    private readonly VariableParser variableParser;

    private PtxParser(string text)
    {
        tokens = new(PtxLexer.Tokenize(text));
        variableParser = new(tokens, scope);
    }

    /// <summary>Parses a text.</summary>
    /// <exception cref="PtxException">It is not PTX, or contains what this front end does not support.</exception>
    public static PtxModule Parse(string text)
    {
        PtxParser parser = new(text.TrimEnd('\0'));
        return parser.Module();
    }

    private PtxModule Module()
    {
        int version = Version();
        (int target, char? suffix) = Target();
        while (!tokens.IsAtEnd)
        {
            Statement();
        }

        return new(version, target, variables, functions) { TargetSuffix = suffix };
    }

    /// <summary>.version 7.8, which must come first.</summary>
    private int Version()
    {
        if (!tokens.AcceptDotted("version"))
        {
            throw tokens.Unexpected(".version at the beginning");
        }

        Token number = tokens.Expect(TokenKind.Float, "a version such as 7.8");
        return number.Text is [>= '1' and <= '9', '.', >= '0' and <= '9']
            ? (number.Text[0] - '0') * 10 + number.Text[2] - '0'
            : throw new PtxException(number.Line, $"{number} is not a version of PTX");
    }

    /// <summary>.target sm_90a, debug: the architecture and options, of which none matters here.</summary>
    private (int Target, char? Suffix) Target()
    {
        if (!tokens.AcceptDotted("target"))
        {
            throw tokens.Unexpected(".target behind .version");
        }

        (int Target, char? Suffix)? target = null;
        do
        {
            int line = tokens.Line;
            string name = tokens.ExpectName("a target such as sm_80");
            if (name.StartsWith("sm_", StringComparison.Ordinal))
            {
                bool hasSuffix = char.IsAsciiLetter(name[^1]) && name.Length > 3;
                string number = hasSuffix ? name[3..^1] : name[3..];
                bool isNumber = number.Length is 2 or 3 && number.All(char.IsAsciiDigit);
                if (!isNumber || (hasSuffix && name[^1] is not ('a' or 'f')) || target is not null)
                {
                    throw new PtxException(line, $"'{name}' is not a target");
                }

                target = (int.Parse(number, System.Globalization.CultureInfo.InvariantCulture), hasSuffix ? name[^1] : null);
            }
            else if (name is not ("debug" or "texmode_unified" or "texmode_independent" or "map_f64_to_f32"))
            {
                throw new PtxException(line, $"'{name}' is not an option of .target");
            }
        }
        while (tokens.Accept(","));

        return target ?? throw new PtxException(tokens.Line, ".target names no architecture");
    }

    private void Statement()
    {
        if (SkippedDirective.TrySkip(tokens))
        {
            return;
        }

        if (tokens.AcceptDotted("address_size"))
        {
            int line = tokens.Line;
            if (tokens.ExpectInteger("the size of an address", 64) != 64)
            {
                throw new PtxException(line, "only addresses of 64 bits are supported");
            }

            return;
        }

        bool isExtern = false;
        while (tokens.AtDotted("extern") || tokens.AtDotted("visible") || tokens.AtDotted("weak") || tokens.AtDotted("common"))
        {
            isExtern |= tokens.Take().Text == "extern";
        }

        if (tokens.AcceptDotted("entry"))
        {
            Add(FunctionParser.Parse(tokens, scope, variables, isEntry: true));
        }
        else if (tokens.AcceptDotted("func"))
        {
            Add(FunctionParser.Parse(tokens, scope, variables, isEntry: false));
        }
        else if (VariableParser.SpaceOf(tokens.Current) is StateSpace.Global or StateSpace.Const or StateSpace.Shared)
        {
            foreach (PtxVariable variable in variableParser.Statement(isExtern))
            {
                scope.Declare(variable.Name, new PtxOperand.VariableAddress(variable), variable.Line);
                variables.Add(variable);
            }
        }
        else
        {
            throw tokens.Unexpected("a directive such as .entry, .func or .global");
        }
    }

    /// <summary>A function may be declared any number of times and defined once; the definition replaces the declarations.</summary>
    private void Add(PtxFunction function)
    {
        if (!functionIndices.TryGetValue(function.Name, out int index))
        {
            functionIndices.Add(function.Name, functions.Count);
            functions.Add(function);
            return;
        }

        PtxFunction known = functions[index];
        bool isSame = known.IsEntry == function.IsEntry
            && Shapes(known.Parameters).SequenceEqual(Shapes(function.Parameters))
            && Shapes(known.Results).SequenceEqual(Shapes(function.Results));
        if (!isSame || !(known.IsDeclaration || function.IsDeclaration))
        {
            throw new PtxException(function.Line, $"duplicate definition of '{function.Name}'");
        }

        functions[index] = known.IsDeclaration ? function : known;

        static IEnumerable<(StateSpace, PtxType, int)> Shapes(IEnumerable<PtxVariable> parameters) =>
            parameters.Select(parameter => (parameter.Space, parameter.Type, parameter.ByteSize));
    }
}
