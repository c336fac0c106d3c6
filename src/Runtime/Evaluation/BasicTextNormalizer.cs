using System.Globalization;
using System.Text.RegularExpressions;

namespace Handwritten.Runtime.Evaluation;

/// <summary>
/// For any language: lower case, nothing in brackets, no punctuation. Source: openai/whisper, normalizers/basic.py,
/// BasicTextNormalizer.
/// </summary>
/// <param name="removeDiacritics">Whether é is e.</param>
/// <param name="splitLetters">
/// Whether each letter is a word, as where errors are counted in languages that are written without spaces.
/// </param>
public sealed class BasicTextNormalizer(bool removeDiacritics = false, bool splitLetters = false) : ITextNormalizer
{
    private static readonly Regex Brackets = PythonPattern.Compile(@"[<\[][^>\]]*[>\]]");
    private static readonly Regex Parentheses = PythonPattern.Compile(@"\(([^)]+?)\)");
    private static readonly Regex Blanks = PythonPattern.Compile(@"\s+");

    /// <inheritdoc/>
    public string Normalize(string text)
    {
        text = WithoutBrackets(PythonPattern.Lower(text));
        text = PythonPattern.Lower(removeDiacritics ? Symbols.RemoveWithDiacritics(text) : Symbols.Remove(text));
        return OneBlank(splitLetters ? string.Join(' ', Letters(text)) : text);
    }

    /// <summary>Leaves out what stands in brackets: sounds, remarks, names of speakers.</summary>
    internal static string WithoutBrackets(string text) => Parentheses.Replace(Brackets.Replace(text, ""), "");

    /// <summary>Makes any white space a single blank.</summary>
    internal static string OneBlank(string text) => Blanks.Replace(text, " ");

    private static IEnumerable<string> Letters(string text)
    {
        TextElementEnumerator elements = StringInfo.GetTextElementEnumerator(text);
        while (elements.MoveNext())
        {
            yield return elements.GetTextElement();
        }
    }
}
