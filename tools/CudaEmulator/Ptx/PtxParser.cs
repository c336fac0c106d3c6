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
    private readonly TokenReader _tokens;
    private readonly Scope _scope = new(null);
    private readonly List<PtxVariable> _variables = [];
    private readonly List<PtxFunction> _functions = [];
    private readonly Dictionary<string, int> _functionIndices = new(StringComparer.Ordinal);
    private readonly VariableParser _variableParser;

    private PtxParser(string text)
    {
        _tokens = new(PtxLexer.Tokenize(text));
        _variableParser = new(_tokens, _scope);
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
        while (!_tokens.IsAtEnd)
        {
            Statement();
        }

        return new(version, target, _variables, _functions) { TargetSuffix = suffix };
    }

    /// <summary>.version 7.8, which must come first.</summary>
    private int Version()
    {
        if (!_tokens.AcceptDotted("version"))
        {
            throw _tokens.Unexpected(".version at the beginning");
        }

        Token number = _tokens.Expect(TokenKind.Float, "a version such as 7.8");
        return number.Text is [>= '1' and <= '9', '.', >= '0' and <= '9']
            ? (number.Text[0] - '0') * 10 + number.Text[2] - '0'
            : throw new PtxException(number.Line, $"{number} is not a version of PTX");
    }

    /// <summary>.target sm_90a, debug: the architecture and options, of which none matters here.</summary>
    private (int Target, char? Suffix) Target()
    {
        if (!_tokens.AcceptDotted("target"))
        {
            throw _tokens.Unexpected(".target behind .version");
        }

        (int Target, char? Suffix)? target = null;
        do
        {
            int line = _tokens.Line;
            string name = _tokens.ExpectName("a target such as sm_80");
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
        while (_tokens.Accept(","));

        return target ?? throw new PtxException(_tokens.Line, ".target names no architecture");
    }

    private void Statement()
    {
        if (SkippedDirective.TrySkip(_tokens))
        {
            return;
        }

        if (_tokens.AcceptDotted("address_size"))
        {
            int line = _tokens.Line;
            if (_tokens.ExpectInteger("the size of an address", 64) != 64)
            {
                throw new PtxException(line, "only addresses of 64 bits are supported");
            }

            return;
        }

        bool isExtern = false;
        while (_tokens.AtDotted("extern") || _tokens.AtDotted("visible") || _tokens.AtDotted("weak") || _tokens.AtDotted("common"))
        {
            isExtern |= _tokens.Take().Text == "extern";
        }

        if (_tokens.AcceptDotted("entry"))
        {
            Add(FunctionParser.Parse(_tokens, _scope, _variables, isEntry: true));
        }
        else if (_tokens.AcceptDotted("func"))
        {
            Add(FunctionParser.Parse(_tokens, _scope, _variables, isEntry: false));
        }
        else if (VariableParser.SpaceOf(_tokens.Current) is StateSpace.Global or StateSpace.Const or StateSpace.Shared)
        {
            foreach (PtxVariable variable in _variableParser.Statement(isExtern))
            {
                _scope.Declare(variable.Name, new PtxOperand.VariableAddress(variable), variable.Line);
                _variables.Add(variable);
            }
        }
        else
        {
            throw _tokens.Unexpected("a directive such as .entry, .func or .global");
        }
    }

    /// <summary>A function may be declared any number of times and defined once; the definition replaces the declarations.</summary>
    private void Add(PtxFunction function)
    {
        if (!_functionIndices.TryGetValue(function.Name, out int index))
        {
            _functionIndices.Add(function.Name, _functions.Count);
            _functions.Add(function);
            return;
        }

        PtxFunction known = _functions[index];
        bool isSame = known.IsEntry == function.IsEntry
            && Shapes(known.Parameters).SequenceEqual(Shapes(function.Parameters))
            && Shapes(known.Results).SequenceEqual(Shapes(function.Results));
        if (!isSame || !(known.IsDeclaration || function.IsDeclaration))
        {
            throw new PtxException(function.Line, $"duplicate definition of '{function.Name}'");
        }

        _functions[index] = known.IsDeclaration ? function : known;

        static IEnumerable<(StateSpace, PtxType, int)> Shapes(IEnumerable<PtxVariable> parameters) =>
            parameters.Select(parameter => (parameter.Space, parameter.Type, parameter.ByteSize));
    }
}
