using System.Diagnostics.CodeAnalysis;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// What the decoder is to take for said, as a text or as the tokens that a model has for it; a text and its tokens give the
/// same. Source: openai/whisper, decoding.py, DecodingOptions.prompt and .prefix; faster-whisper, initial_prompt: all are
/// Union[str, Iterable[int]].
/// </summary>
public sealed class Prompt
{
    private readonly IReadOnlyList<int> _tokens;

    private Prompt(string? text, IReadOnlyList<int> tokens) => (Text, _tokens) = (text, tokens);

    /// <summary>The text; null where there are tokens.</summary>
    public string? Text { get; }

    /// <summary>Whether it is a text without letters, or no tokens.</summary>
    internal bool IsEmpty => Text is null ? _tokens.Count == 0 : Text.Length == 0;

    /// <summary>A text is a prompt.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static implicit operator Prompt?(string? text) => FromString(text);

    /// <summary>A text as a prompt; null stays null.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static Prompt? FromString(string? text) => text is null ? null : new Prompt(text, []);

    /// <summary>Tokens as a prompt.</summary>
    /// <param name="tokens">Their ids; times and other special tokens may be among them, as in the original.</param>
    public static Prompt FromTokens(IEnumerable<int> tokens) => new(null, [.. tokens]);

    /// <summary>The tokens.</summary>
    /// <param name="tokenizer">Turns a text into tokens, with a space before it and none at its ends, as the original does.</param>
    /// <exception cref="TokenizationException">The text has special tokens in it.</exception>
    public IReadOnlyList<int> Encode(WhisperTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return Text is null ? _tokens : tokenizer.Encode(" " + PythonText.Strip(Text));
    }

    /// <summary>The same as the tokens of a model, which nobody has to look for again.</summary>
    /// <exception cref="TokenizationException">The text has special tokens in it.</exception>
    internal Prompt ToTokens(WhisperTokenizer tokenizer) => Text is null || IsEmpty ? this : FromTokens(Encode(tokenizer));

    /// <summary>Refuses tokens that a model does not have.</summary>
    /// <param name="name">What they are, for the message.</param>
    /// <param name="vocabulary">Tokens of the model.</param>
    /// <exception cref="OptionsException">It does not have one of them.</exception>
    internal void Verify(string name, int vocabulary)
    {
        foreach (int token in _tokens)
        {
            OptionsException.Require(token >= 0 && token < vocabulary, $"{name} names the token {token}, but this model has the tokens 0 to {vocabulary - 1}.");
        }
    }
}
