namespace Handwritten.Model.Tokenization;

/// <summary>
/// A text, language or token that the tokenizer cannot take. The message is one sentence for the person at the
/// keyboard.
/// </summary>
public sealed class TokenizationException : Exception
{
    /// <summary>Creates the exception with its sentence.</summary>
    public TokenizationException(string message)
        : base(message)
    {
    }
}
