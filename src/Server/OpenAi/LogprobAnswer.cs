using Handwritten.Model.Tokenization;
using Handwritten.Runtime;

namespace Handwritten.Server.OpenAi;

/// <summary>A token of a text, and how sure the model was of it.</summary>
/// <param name="Token">Its text, with the blank before it; U+FFFD for a part of a character.</param>
/// <param name="Bytes">Its bytes in UTF-8: those of all tokens in a row are the text.</param>
/// <param name="Logprob">The natural logarithm of its probability among what the rules allowed.</param>
public sealed record LogprobAnswer(string Token, IReadOnlyList<int> Bytes, float Logprob)
{
    /// <summary>The tokens of a segment, without timestamps.</summary>
    internal static IEnumerable<LogprobAnswer> Of(Segment segment, WhisperTokenizer tokenizer) =>
        segment.Tokens.Zip(segment.TokenLogProbabilities ?? [])
            .Where(token => token.First < tokenizer.Special.EndOfText)
            .Select(token => new LogprobAnswer(tokenizer.Decode([token.First]), [.. tokenizer.Bytes(token.First)], token.Second));
}
