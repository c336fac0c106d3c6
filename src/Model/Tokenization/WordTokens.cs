using System.Text;

namespace Handwritten.Model.Tokenization;

// Tokens are pieces of words. Word timestamps need the words back: first the smallest groups of tokens that are whole
// characters (split_tokens_on_unicode), then, for languages that write spaces, groups from space to space
// (split_tokens_on_spaces).
//
//     tokens       " Gr"  0xC3  0xBC  "ße"  ","  " Welt"  "."
//     characters   " Gr"  "ü" ......  "ße"  ","  " Welt"  "."
//     words        " Grüße" ..............  ","  " Welt"  "."

/// <summary>A word, or a part of one, and the tokens it was written with.</summary>
/// <param name="Text">The text, with its leading space if it has one.</param>
/// <param name="Tokens">The tokens' ids; never empty.</param>
public sealed record WordTokens(string Text, int[] Tokens)
{
    private const string Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary>Groups tokens to whole characters.</summary>
    /// <remarks>
    /// Whether a U+FFFD means that a character is not complete yet, or will never be, shows in the text of all tokens:
    /// it has one at the same place in the second case. Tokens at the end that never become whole are left out. (The
    /// original does the same or, if the place is beyond the end, stops with an IndexError.)
    /// </remarks>
    internal static List<WordTokens> SplitOnUnicode(ReadOnlySpan<int> tokens, TokenTable table)
    {
        List<WordTokens> words = [];
        // In whole characters, since places are counted while texts of broken tokens are longer than their share.
        Rune[] full = [.. table.Decode(tokens).EnumerateRunes()];
        int start = 0;
        int offset = 0;
        for (int end = 1; end <= tokens.Length; end++)
        {
            string text = table.Decode(tokens[start..end]);
            Rune[] characters = [.. text.EnumerateRunes()];
            int broken = Array.IndexOf(characters, Rune.ReplacementChar);
            int place = offset + broken;
            if (broken < 0 || (place < full.Length && full[place] == Rune.ReplacementChar))
            {
                words.Add(new WordTokens(text, tokens[start..end].ToArray()));
                offset += characters.Length;
                start = end;
            }
        }

        return words;
    }

    /// <summary>Groups tokens to words: a special token, a leading space or punctuation begins a new one.</summary>
    internal static List<WordTokens> SplitOnSpaces(ReadOnlySpan<int> tokens, TokenTable table, int endOfText)
    {
        List<WordTokens> words = [];
        foreach (WordTokens part in SplitOnUnicode(tokens, table))
        {
            bool special = part.Tokens[0] >= endOfText;
            // A search for a substring, as in the original: nothing but spaces counts as punctuation, and so do
            // several marks if they stand side by side in the list.
            bool punctuation = Punctuation.Contains(PythonText.Strip(part.Text), StringComparison.Ordinal);
            if (special || part.Text.StartsWith(' ') || punctuation || words.Count == 0)
            {
                words.Add(part);
            }
            else
            {
                words[^1] = new WordTokens(words[^1].Text + part.Text, [.. words[^1].Tokens, .. part.Tokens]);
            }
        }

        return words;
    }
}
