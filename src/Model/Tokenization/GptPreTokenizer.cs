using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Handwritten.Model.Tokenization;

// Byte-pair encoding merges only inside of pieces. GPT-2, and Whisper after it, cuts a text into pieces with
//
//     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
//     "It's   12 o'clock!!"   ->   It|'s|  | 12| o|'|clock|!!
//
// in words: a contraction; or a run of letters, of digits or of anything else but white space, with one space in
// front; or a run of white space, which leaves its last character to a following word.
//
// .NET's regular expressions would do, but they see UTF-16 units: every half of a surrogate pair is "anything else"
// to them, so letters beyond the Basic Multilingual Plane would be cut off from their neighbours. Hence this scanner,
// which sees characters.
//
// In one thing it differs: a piece ends after 2048 units. Merging takes time that grows with the square of a piece's length,
// seconds for 64 KB without a space; the longest token of any Whisper model has 128 bytes.

/// <summary>Cuts text into the pieces that byte-pair encoding works on, by GPT-2's pattern.</summary>
public sealed class GptPreTokenizer : PreTokenizer
{
    private const int LongestPiece = 2048; // UTF-16 units; a character more or less

    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Kind
    {
        Letter,
        Number,
        Space,
        Other,
    }

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => PreTokenize(text.AsSpan());

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
    {
        List<(int, int)> pieces = [];
        for (int start = 0, length; start < text.Length; start += length)
        {
            length = FirstPiece(text[start..]);
            pieces.Add((start, length));
        }

        return pieces;
    }

    /// <summary>Length in UTF-16 units of the piece at the beginning of a text that is not empty.</summary>
    private static int FirstPiece(ReadOnlySpan<char> text)
    {
        foreach (string contraction in Contractions)
        {
            if (text.StartsWith(contraction, StringComparison.Ordinal))
            {
                return contraction.Length;
            }
        }

        int end = text[0] == ' ' && text.Length > 1 && KindOf(text[1..], out _) != Kind.Space ? 1 : 0;
        Kind kind = KindOf(text[end..], out _);
        while (end < Math.Min(text.Length, LongestPiece) && KindOf(text[end..], out int units) == kind)
        {
            end += units;
        }

        bool wordFollows = end < text.Length;
        return kind == Kind.Space && wordFollows && end > 1 ? end - 1 : end;
    }

    private static Kind KindOf(ReadOnlySpan<char> text, out int units)
    {
        Rune.DecodeFromUtf16(text, out Rune character, out units);
        return Rune.GetUnicodeCategory(character) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
                or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Rune.IsWhiteSpace(character) ? Kind.Space : Kind.Other,
        };
    }
}
