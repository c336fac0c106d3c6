namespace Handwritten.CudaEmulator.Ptx;

/// <summary>Directives for debuggers and optimisers, which say nothing about what the code does.</summary>
internal static class SkippedDirective
{
    /// <summary>Reads over such a directive if one is at hand.</summary>
    public static bool TrySkip(TokenReader tokens)
    {
        if (tokens.Current.Kind != TokenKind.Dotted)
        {
            return false;
        }

        switch (tokens.Current.Text)
        {
            case "pragma":
                SkipTo(tokens, ";");
                return true;
            case "file":
                SkipFile(tokens);
                return true;
            case "loc":
                SkipLocation(tokens);
                return true;
            case "section":
                SkipSection(tokens);
                return true;
            default:
                return false;
        }
    }

    private static void SkipTo(TokenReader tokens, string end)
    {
        int line = tokens.Line;
        Token directive = tokens.Current;
        while (!tokens.Accept(end))
        {
            if (tokens.IsAtEnd)
            {
                throw new PtxException(line, $"{directive} has no end: '{end}' is missing");
            }

            tokens.Take();
        }
    }

    /// <summary>.file index "name" [, timestamp, size]</summary>
    private static void SkipFile(TokenReader tokens)
    {
        tokens.Take();
        tokens.Expect(TokenKind.Integer, "the number of a file");
        tokens.Expect(TokenKind.String, "the name of a file");
        while (tokens.Accept(","))
        {
            tokens.Expect(TokenKind.Integer, "a file's time or size");
        }
    }

    /// <summary>.loc file line column [, function_name label [+ offset], inlined_at file line column]</summary>
    private static void SkipLocation(TokenReader tokens)
    {
        tokens.Take();
        SkipIntegers(tokens);
        while (tokens.Accept(","))
        {
            tokens.ExpectName("function_name or inlined_at");
            if (tokens.Current.Kind == TokenKind.Identifier)
            {
                tokens.Take();
                if (tokens.Accept("+"))
                {
                    tokens.Expect(TokenKind.Integer, "an offset");
                }
            }
            else
            {
                SkipIntegers(tokens);
            }
        }
    }

    private static void SkipIntegers(TokenReader tokens)
    {
        for (int i = 0; i < 3; i++)
        {
            tokens.Expect(TokenKind.Integer, "a source file, line or column");
        }
    }

    /// <summary>.section name { ... }</summary>
    private static void SkipSection(TokenReader tokens)
    {
        int line = tokens.Line;
        while (!tokens.At("{"))
        {
            if (tokens.IsAtEnd || tokens.At(";"))
            {
                throw tokens.Unexpected("a section's '{'");
            }

            tokens.Take();
        }

        int depth = 0;
        do
        {
            if (tokens.IsAtEnd)
            {
                throw new PtxException(line, "the section that begins here has no end");
            }

            depth += tokens.At("{") ? 1 : tokens.At("}") ? -1 : 0;
            tokens.Take();
        }
        while (depth > 0);
    }
}
