namespace Handwritten.CudaEmulator.Ptx;

/// <summary>What is asked of the assembler between a function's parameters and its body.</summary>
/// <param name="MaxThreads">Product of .maxntid's or .reqntid's numbers.</param>
/// <param name="RequiresExactThreads">Whether it was .reqntid.</param>
/// <param name="MinBlocks">.minnctapersm.</param>
/// <param name="MaxRegisters">.maxnreg.</param>
internal readonly record struct FunctionDirectives(int? MaxThreads, bool RequiresExactThreads, int? MinBlocks, int? MaxRegisters)
{
    /// <summary>Reads them all.</summary>
    public static FunctionDirectives Parse(TokenReader tokens)
    {
        FunctionDirectives directives = default;
        while (tokens.Current.Kind == TokenKind.Dotted)
        {
            if (SkippedDirective.TrySkip(tokens))
            {
                continue;
            }

            Token word = tokens.Take();
            directives = word.Text switch
            {
                "maxntid" or "reqntid" when directives.MaxThreads is not null =>
                    throw new PtxException(word.Line, ".maxntid and .reqntid can be given only once, and not together"),
                "maxntid" or "reqntid" => directives with { MaxThreads = Product(tokens), RequiresExactThreads = word.Text == "reqntid" },
                "minnctapersm" => directives with { MinBlocks = tokens.ExpectInteger("the number of blocks", 1024) },
                "maxnctapersm" => Ignore(directives, tokens.ExpectInteger("the number of blocks", 1024)),
                "maxnreg" => directives with { MaxRegisters = tokens.ExpectInteger("the number of registers", 65536) },
                "noreturn" or "abi_preserve" or "abi_preserve_control" => directives,
                _ => throw new PtxException(word.Line, $"{word} is not supported in front of a function's body"),
            };
        }

        return directives;

        static FunctionDirectives Ignore(FunctionDirectives directives, int _) => directives;
    }

    /// <summary>Up to three numbers of threads.</summary>
    private static int Product(TokenReader tokens)
    {
        int line = tokens.Line;
        long product = 1;
        int count = 0;
        do
        {
            product *= tokens.ExpectInteger("the number of threads", 65536);
            count++;
        }
        while (tokens.Accept(",") && count < 3);

        return product is > 0 and <= int.MaxValue
            ? (int)product
            : throw new PtxException(line, $"{product} threads in a block are impossible");
    }
}
