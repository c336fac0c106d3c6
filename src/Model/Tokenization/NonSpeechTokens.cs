namespace Handwritten.Model.Tokenization;

// Subtitles in the training data are full of what nobody says:
//
//     ♪♪♪          ( SPEAKING FOREIGN LANGUAGE )          [DAVID] Hey there,
//
// Suppressing the tokens of such symbols keeps the decoder from writing them. Commas, full stops, question and
// exclamation marks stay, and so do hyphen and apostrophe inside a word, but not at its beginning.

/// <summary>Finds the tokens of symbols that are not speech (<c>non_speech_tokens</c> of openai/whisper).</summary>
internal static class NonSpeechTokens
{
    private static readonly string[] Symbols =
    [
        .. "\"#()*+/:;<=>@[\\]^_`{|}~「」『』".Select(character => character.ToString()),
        .. "<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪".Split(' '),
    ];

    /// <summary>
    /// In some vocabularies these take several tokens. Suppressing the first is safe: they lie between U+2640 and
    /// U+267F, whose UTF-8 begins with the same two bytes, and none of that block is speech.
    /// </summary>
    private static readonly string[] Notes = ["♩", "♪", "♫", "♬", "♭", "♮", "♯"];

    /// <summary>The ids, ascending.</summary>
    public static int[] Find(Func<string, int[]> encode)
    {
        SortedSet<int> found = [encode(" -")[0], encode(" '")[0]];
        foreach (string symbol in Symbols.Concat(Notes))
        {
            foreach (int[] tokens in (int[][])[encode(symbol), encode(" " + symbol)])
            {
                if (tokens.Length == 1 || Notes.Contains(symbol))
                {
                    found.Add(tokens[0]);
                }
            }
        }

        return [.. found];
    }
}
