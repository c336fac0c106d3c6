using System.Globalization;
using System.Text;

namespace Handwritten.Runtime.Evaluation;

/// <summary>
/// Takes out what is seen and not said. Source: openai/whisper, normalizers/basic.py, remove_symbols and
/// remove_symbols_and_diacritics.
/// </summary>
internal static class Symbols
{
    // Letters that decomposition does not take apart.
    private static readonly Dictionary<int, string> PlainLetters = new()
    {
        ['œ'] = "oe",
        ['Œ'] = "OE",
        ['ø'] = "o",
        ['Ø'] = "O",
        ['æ'] = "ae",
        ['Æ'] = "AE",
        ['ß'] = "ss",
        ['ẞ'] = "SS",
        ['đ'] = "d",
        ['Đ'] = "D",
        ['ð'] = "d",
        ['Ð'] = "D",
        ['þ'] = "th",
        ['Þ'] = "th",
        ['ł'] = "l",
        ['Ł'] = "L",
    };

    /// <summary>Marks, symbols and punctuation become spaces.</summary>
    public static string Remove(string text)
    {
        StringBuilder result = new(text.Length);
        foreach (Rune rune in UnicodeNormalization.Compose(text).EnumerateRunes())
        {
            result.Append(IsSymbol(rune) ? " " : rune.ToString());
        }

        return result.ToString();
    }

    /// <summary>The same, and letters lose their diacritics.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="kept">Characters that stay.</param>
    public static string RemoveWithDiacritics(string text, string kept = "")
    {
        StringBuilder result = new(text.Length);
        foreach (Rune rune in UnicodeNormalization.Decompose(text).EnumerateRunes())
        {
            result.Append(rune switch
            {
                _ when rune.IsBmp && kept.Contains((char)rune.Value) => rune.ToString(),
                _ when PlainLetters.TryGetValue(rune.Value, out string? plain) => plain,
                _ when Rune.GetUnicodeCategory(rune) == UnicodeCategory.NonSpacingMark => "",
                _ when IsSymbol(rune) => " ",
                _ => rune.ToString(),
            });
        }

        return result.ToString();
    }

    private static bool IsSymbol(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        >= UnicodeCategory.NonSpacingMark and <= UnicodeCategory.EnclosingMark => true,
        >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherSymbol => true,
        _ => false,
    };
}
