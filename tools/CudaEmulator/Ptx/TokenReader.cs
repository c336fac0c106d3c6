namespace Handwritten.CudaEmulator.Ptx;

/// <summary>A place in the list of tokens, and the questions that every part of the parser asks there.</summary>
internal sealed class TokenReader(List<Token> tokens)
{
    private int _index;

    /// <summary>The token at hand.</summary>
    public Token Current => tokens[_index];

    /// <summary>The one behind it.</summary>
    public Token Following => tokens[Math.Min(_index + 1, tokens.Count - 1)];

    /// <summary>The line of the token at hand.</summary>
    public int Line => Current.Line;

    /// <summary>Whether all is read.</summary>
    public bool IsAtEnd => Current.Kind == TokenKind.End;

    /// <summary>Takes a token.</summary>
    public Token Take()
    {
        Token token = tokens[_index];
        _index = Math.Min(_index + 1, tokens.Count - 1);
        return token;
    }

    /// <summary>Whether this punctuation is at hand.</summary>
    public bool At(string punctuation) => Current.Kind == TokenKind.Punctuation && Current.Text == punctuation;

    /// <summary>Whether this directive or modifier is at hand.</summary>
    public bool AtDotted(string word) => Current.Kind == TokenKind.Dotted && Current.Text == word;

    /// <summary>Takes this punctuation if it is at hand.</summary>
    public bool Accept(string punctuation)
    {
        bool isThere = At(punctuation);
        if (isThere)
        {
            Take();
        }

        return isThere;
    }

    /// <summary>Takes this directive or modifier if it is at hand.</summary>
    public bool AcceptDotted(string word)
    {
        bool isThere = AtDotted(word);
        if (isThere)
        {
            Take();
        }

        return isThere;
    }

    /// <summary>Takes this punctuation, which must be there.</summary>
    public void Expect(string punctuation)
    {
        if (!Accept(punctuation))
        {
            throw Unexpected($"'{punctuation}'");
        }
    }

    /// <summary>Takes a token of a kind, which must be there.</summary>
    public Token Expect(TokenKind kind, string what) => Current.Kind == kind ? Take() : throw Unexpected(what);

    /// <summary>Takes a name.</summary>
    public string ExpectName(string what) => Expect(TokenKind.Identifier, what).Text;

    /// <summary>Takes an integer literal no larger than a limit.</summary>
    public int ExpectInteger(string what, int most)
    {
        Token token = Expect(TokenKind.Integer, what);
        return token.Value <= (ulong)most
            ? (int)token.Value
            : throw new PtxException(token.Line, $"{what} is {token.Value}; {most} is the most");
    }

    /// <summary>What to throw when something else was expected here.</summary>
    public PtxException Unexpected(string expected) => new(Line, $"expected {expected}, found {Current}");
}
