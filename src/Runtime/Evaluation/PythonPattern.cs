using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Evaluation;

// The normalisers are defined by Python's regular expressions, whose \b, \s and lower() differ from .NET's: to Python a
// word is made of letters, numbers of any kind and underscores, to .NET of accents and joiners as well.

/// <summary>Regular expressions and letter case as Python has them.</summary>
internal static class PythonPattern
{
    private const string Word = @"[\p{L}\p{N}_]";

    /// <summary>A pattern in Python's meaning of <c>\b</c> and <c>\s</c>.</summary>
    public static Regex Compile(string pattern) => new(
        pattern
            .Replace(@"\b", $"(?:(?<={Word})(?!{Word})|(?<!{Word})(?={Word}))", StringComparison.Ordinal)
            .Replace(@"\s", @"[\s\x1c-\x1f]", StringComparison.Ordinal),
        RegexOptions.CultureInvariant);

    /// <summary><c>str.split()</c>: what stands between white space.</summary>
    public static string[] Split(string text)
    {
        List<string> words = [];
        for (int i = 0; i < text.Length; i++)
        {
            int start = i;
            while (i < text.Length && !PythonText.IsSpace(text[i]))
            {
                i++;
            }

            if (i > start)
            {
                words.Add(text[start..i]);
            }
        }

        return [.. words];
    }

    /// <summary>
    /// <c>str.lower()</c>, which knows two cases that .NET's does not: İ becomes two code points, and a Σ that ends a word
    /// becomes ς.
    /// </summary>
    public static string Lower(string text)
    {
        StringBuilder lower = new(text.ToLowerInvariant());
        for (int i = text.Length - 1; i >= 0; i--)
        {
            if (text[i] == 'İ')
            {
                lower.Remove(i, 1).Insert(i, "i\u0307");
            }
            else if (text[i] == 'Σ')
            {
                lower[i] = IsCased(text[..i].Reverse()) && !IsCased(text.Skip(i + 1)) ? 'ς' : 'σ';
            }
        }

        return lower.ToString();
    }

    // Whether the first character that matters has case.
    private static bool IsCased(IEnumerable<char> characters) =>
        characters.SkipWhile(IsIgnored).Select(char.GetUnicodeCategory).FirstOrDefault(UnicodeCategory.OtherLetter)
            is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    private static bool IsIgnored(char character) =>
        character is '\'' or '.' or ':' or '·' or '’' or '‘' or '․' or '‧' or '\u0387'
        || char.GetUnicodeCategory(character) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;
}
