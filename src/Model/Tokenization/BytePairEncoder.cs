using Microsoft.ML.Tokenizers;

namespace Handwritten.Model.Tokenization;

// Byte-pair encoding. A piece of text starts as single bytes; of all neighbours, the pair that comes first in
// merges.txt becomes one token, again and again until no pair is in the list.
//
//     " there"    Ġ t h e r e  ->  Ġt h e r e  ->  Ġt h er e  ->  Ġth er e  ->  Ġth ere  ->  Ġthere
//
// Microsoft.ML.Tokenizers does the merging. Special tokens never reach it, and it cuts by our pattern.

/// <summary>Makes the encoder of the tokenizer files.</summary>
internal static class BytePairEncoder
{
    /// <summary>Makes the encoder.</summary>
    /// <exception cref="ModelException">A merge is there twice, or of tokens that the vocabulary has not.</exception>
    public static BpeTokenizer Create(TokenizerFiles files)
    {
        try
        {
            return BpeTokenizer.Create(new BpeOptions(files.Vocabulary)
            {
                Merges = files.Merges,
                ByteLevel = true,
                PreTokenizer = new GptPreTokenizer(),
            });
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException)
        {
            throw new ModelException($"{files.MergesOrigin} has a merge that repeats another or whose tokens are not in the vocabulary; download the tokenizer files again.", error);
        }
    }
}
