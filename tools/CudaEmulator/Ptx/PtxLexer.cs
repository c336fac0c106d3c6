using System.Globalization;

namespace Handwritten.CudaEmulator.Ptx;

/// <summary>What a token is.</summary>
internal enum TokenKind
{
    /// <summary>After the last one.</summary>
    End,

    /// <summary>A name: <c>ld</c>, <c>%r1</c>, <c>$L_2</c>, <c>_</c>.</summary>
    Identifier,

    /// <summary>A dot and a word: a directive, a modifier, a component. The text is without the dot.</summary>
    Dotted,

    /// <summary>An integer literal; <see cref="Token.Value"/> is it.</summary>
    Integer,

    /// <summary>A float literal; <see cref="Token.Value"/> holds the bits of a double, or of a float for 0f….</summary>
    Float,

    /// <summary>A string, without its quotes.</summary>
    String,

    /// <summary>One or two characters of punctuation.</summary>
    Punctuation,
}

/// <summary>A piece of the text. Equal texts are one object.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">How it is written.</param>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Value">A literal's value.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, ulong Value = 0)
{
    /// <summary>0f…: a float32 given by its bits.</summary>
    public bool IsSingle => Kind == TokenKind.Float && Text.Length == 10 && Text[1] is 'f' or 'F';

    /// <summary>An integer that only an unsigned type holds: written with U, or too large for a signed one.</summary>
    public bool IsUnsigned => Kind == TokenKind.Integer && (Text[^1] == 'U' || Value > long.MaxValue);

    /// <summary>For messages.</summary>
    public override string ToString() => Kind switch
    {
        TokenKind.End => "the end of the text",
        TokenKind.Dotted => $"'.{Text}'",
        TokenKind.String => "a string",
        _ => $"'{Text}'",
    };
}

/// <summary>
/// Cuts a PTX text into tokens. PTX is ASCII, free in its layout, with C's comments:
///
///     ld.global.f32 %f1, [%rd2+16]; // c    ->   ld  .global  .f32  %f1  ,  [  %rd2  +  16  ]  ;
///
/// A word that follows a dot is one token with it, so that the parser sees at once what is a modifier or a directive.
/// </summary>
internal sealed class PtxLexer
{
    // An identifier may be this long; ptxas guarantees 1024.
    private const int LongestWord = 4096;

    private readonly string _text;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _words;
    private int _position;
    private int _line = 1;

    private PtxLexer(string text)
    {
        _text = text;
        _words = new HashSet<string>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>All tokens; the last one is <see cref="TokenKind.End"/>.</summary>
    /// <exception cref="PtxException">A character or a literal that PTX does not have.</exception>
    public static List<Token> Tokenize(string text)
    {
        PtxLexer lexer = new(text);
        List<Token> tokens = new(text.Length / 4);
        do
        {
            tokens.Add(lexer.Next());
        }
        while (tokens[^1].Kind != TokenKind.End);

        return tokens;
    }

    private char Current => _position < _text.Length ? _text[_position] : '\0';

    private char Following => _position + 1 < _text.Length ? _text[_position + 1] : '\0';

    private Token Next()
    {
        SkipBlanks();
        if (_position >= _text.Length)
        {
            return new(TokenKind.End, "", _line);
        }

        int start = _position;
        char first = _text[_position++];
        if (char.IsAsciiLetter(first) || first is '_' or '$' or '%')
        {
            // A lone % is the remainder of a constant expression.
            SkipWord();
            return Cut(first == '%' && _position == start + 1 ? TokenKind.Punctuation : TokenKind.Identifier, start);
        }

        // A dot behind a word belongs to it (tex.2d); elsewhere it can begin a number (.5).
        bool isFraction = first == '.' && char.IsAsciiDigit(Current) && (start == 0 || !IsWord(_text[start - 1]));
        if (char.IsAsciiDigit(first) || isFraction)
        {
            return Number(start);
        }

        if (first == '.' && IsWord(Current))
        {
            SkipWord();
            while (Current == ':' && Following == ':')
            {
                _position += 2;
                SkipWord();
            }

            return Cut(TokenKind.Dotted, start + 1);
        }

        if (first == '"')
        {
            return String();
        }

        if (!"@{}()[]<>,;:+-*/!~&|^=?".Contains(first, StringComparison.Ordinal))
        {
            throw new PtxException(_line, char.IsControl(first) || first > '~'
                ? $"the character U+{(int)first:X4} does not belong to PTX"
                : $"unexpected character '{first}'");
        }

        if (Current == first && first is '<' or '>' or '&' or '|' or '=' || (Current == '=' && first is '<' or '>' or '!'))
        {
            _position++;
        }

        return Cut(TokenKind.Punctuation, start);
    }

    private void SkipBlanks()
    {
        while (_position < _text.Length)
        {
            char c = _text[_position];
            if (c == '\n')
            {
                _line++;
                _position++;
            }
            else if (c is ' ' or '\t' or '\r' or '\f' or '\v')
            {
                _position++;
            }
            else if (c == '/' && Following == '/')
            {
                int end = _text.IndexOf('\n', _position);
                _position = end < 0 ? _text.Length : end;
            }
            else if (c == '/' && Following == '*')
            {
                int end = _text.IndexOf("*/", _position + 2, StringComparison.Ordinal);
                if (end < 0)
                {
                    throw new PtxException(_line, "a comment that begins here has no end");
                }

                _line += _text.AsSpan(_position, end - _position).Count('\n');
                _position = end + 2;
            }
            else
            {
                break;
            }
        }
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$';

    private void SkipWord()
    {
        while (IsWord(Current))
        {
            _position++;
        }
    }

    private Token Cut(TokenKind kind, int start, ulong value = 0)
    {
        ReadOnlySpan<char> span = _text.AsSpan(start, _position - start);
        if (span.Length > LongestWord)
        {
            throw new PtxException(_line, $"a word of {span.Length} characters; {LongestWord} is the most");
        }

        if (!_words.TryGetValue(span, out string? word))
        {
            word = span.ToString();
            _words.Set.Add(word);
        }

        return new(kind, word, _line, value);
    }

    private Token String()
    {
        int start = _position;
        while (Current != '"')
        {
            if (_position >= _text.Length || Current == '\n')
            {
                throw new PtxException(_line, "a string that begins here has no end");
            }

            _position += Current == '\\' && Following == '"' ? 2 : 1;
        }

        Token token = Cut(TokenKind.String, start);
        _position++;
        return token;
    }

    private Token Number(int start)
    {
        SkipWord();
        bool isHex = _position - start > 1 && _text[start] == '0' && char.ToLowerInvariant(_text[start + 1]) is 'x' or 'f' or 'd';
        if (!isHex && Current == '.')
        {
            _position++;
            SkipWord();
        }

        // 1e-5: the sign is not a part of the word.
        if (!isHex && _text[_position - 1] is 'e' or 'E' && Current is '+' or '-')
        {
            _position++;
            SkipWord();
        }

        ReadOnlySpan<char> literal = _text.AsSpan(start, _position - start);
        (TokenKind kind, ulong value)? number = Evaluate(literal);
        return number is { } found
            ? Cut(found.kind, start, found.value)
            : throw new PtxException(_line, literal.Length > 80
                ? "a number that cannot be read"
                : $"'{literal}' is not a number that PTX can hold");
    }

    /// <summary>Literals: 0f and 8 hex digits, 0d and 16, decimal floats; integers 0x…, 0b…, 0…, decimal, maybe with U.</summary>
    private static (TokenKind Kind, ulong Value)? Evaluate(ReadOnlySpan<char> literal)
    {
        char kind = literal.Length > 1 && literal[0] == '0' ? char.ToLowerInvariant(literal[1]) : '\0';
        ulong value;
        if (kind is 'f' or 'd')
        {
            bool isWhole = literal.Length == (kind == 'f' ? 10 : 18);
            return isWhole && ulong.TryParse(literal[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
                ? (TokenKind.Float, value)
                : null;
        }

        if (kind != 'x' && literal.IndexOfAny('.', 'e', 'E') >= 0)
        {
            const NumberStyles style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
            return double.TryParse(literal, style, CultureInfo.InvariantCulture, out double real)
                ? (TokenKind.Float, BitConverter.DoubleToUInt64Bits(real))
                : null;
        }

        ReadOnlySpan<char> digits = literal[^1] == 'U' ? literal[..^1] : literal;
        bool isInteger = kind switch
        {
            'x' => ulong.TryParse(digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value),
            'b' => ulong.TryParse(digits[2..], NumberStyles.AllowBinarySpecifier, CultureInfo.InvariantCulture, out value),
            >= '0' and <= '9' => TryParseOctal(digits, out value),
            _ => ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value),
        };
        return isInteger ? (TokenKind.Integer, value) : null;
    }

    private static bool TryParseOctal(ReadOnlySpan<char> digits, out ulong value)
    {
        value = 0;
        foreach (char digit in digits)
        {
            if (digit is < '0' or > '7' || value >> 61 != 0)
            {
                return false;
            }

            value = (value << 3) | (uint)(digit - '0');
        }

        return true;
    }
}
