namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// A constant of the text: a literal, or C-like arithmetic on literals that the assembler carries out, in 64 bits.
/// Integers are signed unless written with U (or too large for it), and one unsigned operand makes the result unsigned.
/// On floating-point literals only a sign is supported.
/// </summary>
/// <param name="Bits">As in <see cref="PtxOperand.Immediate"/>.</param>
/// <param name="Kind">How to read them.</param>
internal readonly record struct ConstantExpression(ulong Bits, ConstantExpression.Number Kind)
{
    /// <summary>How a constant's bits are to be read.</summary>
    internal enum Number
    {
        Signed, Unsigned, Single, Double,
    }

    // Each pair of parentheses, each sign, each ?: is one level.
    private const int DeepestNesting = 64;

    private bool IsFloat => Kind is Number.Single or Number.Double;

    private bool IsUnsigned => Kind == Number.Unsigned;

    /// <summary>As an operand of an instruction.</summary>
    public PtxOperand.Immediate ToOperand() => new(Bits, IsFloat, Kind == Number.Single);

    /// <summary>Whether a constant begins here.</summary>
    public static bool BeginsAt(TokenReader tokens) =>
        tokens.Current.Kind is TokenKind.Integer or TokenKind.Float
        || tokens.At("-") || tokens.At("+") || tokens.At("~") || tokens.At("!") || tokens.At("(")
        || (tokens.Current.Kind == TokenKind.Identifier && tokens.Current.Text == "WARP_SZ");

    /// <summary>Reads a constant.</summary>
    public static ConstantExpression Parse(TokenReader tokens) => Conditional(tokens, 0);

    /// <summary>Reads a constant that must be an integer.</summary>
    public static long ParseInteger(TokenReader tokens)
    {
        int line = tokens.Line;
        ConstantExpression constant = Parse(tokens);
        return constant.IsFloat ? throw new PtxException(line, "an integer constant is expected here") : (long)constant.Bits;
    }

    private static ConstantExpression Conditional(TokenReader tokens, int depth)
    {
        ConstantExpression condition = Binary(tokens, 1, depth);
        if (!tokens.Accept("?"))
        {
            return condition;
        }

        ConstantExpression whenTrue = Conditional(tokens, Deeper(tokens, depth));
        tokens.Expect(":");
        ConstantExpression whenFalse = Conditional(tokens, Deeper(tokens, depth));
        return condition.Bits != 0 ? whenTrue : whenFalse;
    }

    /// <summary>Precedence climbing: an operator takes as its right side all that binds more tightly than itself.</summary>
    private static ConstantExpression Binary(TokenReader tokens, int least, int depth)
    {
        ConstantExpression left = Unary(tokens, depth);
        while (Precedence(tokens.Current) >= least)
        {
            Token operation = tokens.Take();
            ConstantExpression right = Binary(tokens, Precedence(operation) + 1, depth);
            left = Combine(operation, left, right);
        }

        return left;
    }

    private static int Precedence(Token token) => token.Kind != TokenKind.Punctuation ? 0 : token.Text switch
    {
        "||" => 1,
        "&&" => 2,
        "|" => 3,
        "^" => 4,
        "&" => 5,
        "==" or "!=" => 6,
        "<" or ">" or "<=" or ">=" => 7,
        "<<" or ">>" => 8,
        "+" or "-" => 9,
        "*" or "/" or "%" => 10,
        _ => 0,
    };

    private static ConstantExpression Unary(TokenReader tokens, int depth)
    {
        Token token = tokens.Take();
        switch (token)
        {
            case { Kind: TokenKind.Integer }:
                return new(token.Value, token.IsUnsigned ? Number.Unsigned : Number.Signed);
            case { Kind: TokenKind.Float }:
                return new(token.Value, token.IsSingle ? Number.Single : Number.Double);
            case { Kind: TokenKind.Identifier, Text: "WARP_SZ" }:
                return new(32, Number.Signed);
            case { Kind: TokenKind.Punctuation, Text: "(" }:
                if (tokens.Current.Kind == TokenKind.Dotted)
                {
                    return Cast(tokens, depth);
                }

                ConstantExpression inner = Conditional(tokens, Deeper(tokens, depth));
                tokens.Expect(")");
                return inner;
            case { Kind: TokenKind.Punctuation, Text: "+" or "-" or "~" or "!" }:
                if (tokens.Current is { Kind: TokenKind.Float, Text: [_, 'f' or 'F' or 'd' or 'D', ..] })
                {
                    throw new PtxException(token.Line, $"a number given by its bits, such as {tokens.Current}, takes no sign");
                }

                return Apply(token, Unary(tokens, Deeper(tokens, depth)));
            default:
                throw new PtxException(token.Line, $"expected a constant, found {token}");
        }
    }

    private static ConstantExpression Cast(TokenReader tokens, int depth)
    {
        Token type = tokens.Take();
        if (type.Text is not ("s64" or "u64"))
        {
            throw new PtxException(type.Line, $"a constant can be cast to .s64 and .u64, not to {type}");
        }

        tokens.Expect(")");
        ConstantExpression operand = Unary(tokens, Deeper(tokens, depth));
        return operand.IsFloat
            ? throw new PtxException(type.Line, "a floating-point constant cannot be cast")
            : new(operand.Bits, type.Text == "u64" ? Number.Unsigned : Number.Signed);
    }

    private static ConstantExpression Apply(Token operation, ConstantExpression operand)
    {
        if (operand.IsFloat)
        {
            return operation.Text switch
            {
                "+" => operand,
                "-" => operand with { Bits = operand.Bits ^ 1UL << 63 },
                _ => throw new PtxException(operation.Line, $"{operation} cannot be applied to a floating-point constant"),
            };
        }

        return operation.Text switch
        {
            "+" => operand,
            "-" => operand with { Bits = 0 - operand.Bits },
            "~" => operand with { Bits = ~operand.Bits },
            _ => new(operand.Bits == 0 ? 1UL : 0, Number.Signed),
        };
    }

    private static ConstantExpression Combine(Token operation, ConstantExpression left, ConstantExpression right)
    {
        if (left.IsFloat || right.IsFloat)
        {
            throw new PtxException(operation.Line, $"{operation} cannot be applied to floating-point constants");
        }

        ulong a = left.Bits;
        ulong b = right.Bits;
        bool isUnsigned = left.IsUnsigned || right.IsUnsigned;
        bool isLess = isUnsigned ? a < b : (long)a < (long)b;
        return operation.Text switch
        {
            "+" => new(a + b, Common()),
            "-" => new(a - b, Common()),
            "*" => new(a * b, Common()),
            "/" or "%" => new(Divide(operation, a, b, isUnsigned), Common()),
            "&" => new(a & b, Common()),
            "|" => new(a | b, Common()),
            "^" => new(a ^ b, Common()),
            "<<" => new(b < 64 ? a << (int)b : 0, left.Kind),
            ">>" => new(left.IsUnsigned ? (b < 64 ? a >> (int)b : 0) : (ulong)((long)a >> (int)Math.Min(b, 63)), left.Kind),
            "&&" => Truth(a != 0 && b != 0),
            "||" => Truth(a != 0 || b != 0),
            "==" => Truth(a == b),
            "!=" => Truth(a != b),
            "<" => Truth(isLess),
            ">=" => Truth(!isLess),
            "<=" => Truth(isLess || a == b),
            _ => Truth(!isLess && a != b),
        };

        Number Common() => isUnsigned ? Number.Unsigned : Number.Signed;

        static ConstantExpression Truth(bool value) => new(value ? 1UL : 0, Number.Signed);
    }

    private static ulong Divide(Token operation, ulong a, ulong b, bool isUnsigned)
    {
        bool isQuotient = operation.Text == "/";
        if (b == 0)
        {
            throw new PtxException(operation.Line, "a constant is divided by zero");
        }

        if (isUnsigned)
        {
            return isQuotient ? a / b : a % b;
        }

        // By -1 apart: the least number has no counterpart, and the processor would trap.
        return (long)b == -1
            ? (isQuotient ? 0 - a : 0)
            : (ulong)(isQuotient ? (long)a / (long)b : (long)a % (long)b);
    }

    private static int Deeper(TokenReader tokens, int depth) => depth < DeepestNesting
        ? depth + 1
        : throw new PtxException(tokens.Line, $"a constant expression nested more than {DeepestNesting} deep");
}
