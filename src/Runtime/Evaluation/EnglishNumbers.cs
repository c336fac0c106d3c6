using System.Globalization;
using System.Text.RegularExpressions;

namespace Handwritten.Runtime.Evaluation;

// "two hundred and five dollars and seven cents" is $205.07. Three steps: prepare the text, read it word by word (see
// EnglishNumberReader), and join what belongs together afterwards.

/// <summary>Writes numbers as digits. Source: openai/whisper, normalizers/english.py, EnglishNumberNormalizer.</summary>
internal static class EnglishNumbers
{
    private static readonly Regex AndAHalf = PythonPattern.Compile(@"\band\s+a\s+half\b");
    private static readonly Regex LetterThenDigit = PythonPattern.Compile("([a-z])([0-9])");
    private static readonly Regex DigitThenLetter = PythonPattern.Compile("([0-9])([a-z])");
    private static readonly Regex Suffix = PythonPattern.Compile(@"([0-9])\s+(st|nd|rd|th|s)\b");
    private static readonly Regex MoneyAndCents = PythonPattern.Compile(@"([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\b");
    private static readonly Regex CentsOnly = PythonPattern.Compile(@"[€£$]0.([0-9]{1,2})\b");
    private static readonly Regex One = PythonPattern.Compile(@"\b1(s?)\b");

    /// <summary>Writes the numbers in a lower-case text as digits.</summary>
    public static string Normalize(string text) =>
        Join(string.Join(' ', new EnglishNumberReader(PythonPattern.Split(Prepare(text))).Read()));

    private static string Prepare(string text)
    {
        // "one and a half" is one point five.
        List<string> results = [];
        string[] parts = AndAHalf.Split(text);
        for (int i = 0; i < parts.Length; i++)
        {
            if (PythonPattern.Split(parts[i]) is not [.., var last])
            {
                continue;
            }

            results.Add(parts[i]);
            if (i < parts.Length - 1)
            {
                bool isNumber = EnglishNumberWords.IsDecimal(last) || EnglishNumberWords.Multipliers.ContainsKey(last);
                results.Add(isNumber ? "point five" : "and a half");
            }
        }

        // Letters and digits are parted, but not the endings of ordinals and plurals.
        text = LetterThenDigit.Replace(string.Join(' ', results), "$1 $2");
        text = DigitThenLetter.Replace(text, "$1 $2");
        return Suffix.Replace(text, "$1$2");
    }

    private static string Join(string text)
    {
        text = MoneyAndCents.Replace(text, match => $"{match.Groups[1]}{match.Groups[2]}.{Cents(match.Groups[3]):00}");
        text = CentsOnly.Replace(text, match => $"¢{Cents(match.Groups[1])}");
        return One.Replace(text, "one$1");

        static int Cents(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);
    }
}
