using System.Globalization;
using System.Text;

namespace Handwritten.Runtime.Evaluation;

// The same text can be stored in several ways: é is one code point or an e and an accent, ﬁ one letter or two. The
// compatibility forms of Unicode (its standard, annex 15) make them one:
//
//     NFKD   every code point taken apart as far as it goes, the marks behind a letter in a fixed order
//     NFKC   the same, then letters and marks put together again where there is a code point for both
//
// .NET leaves this to the ICU library, which a program that runs everywhere the same (invariant mode) does without.

/// <summary>The compatibility normal forms of Unicode 14, as Python 3.11's unicodedata.normalize has them.</summary>
internal static class UnicodeNormalization
{
    // Korean syllables are taken apart by arithmetic: a leading consonant, a vowel, and perhaps a trailing consonant.
    private const int FirstSyllable = 0xAC00, Syllables = 11172;
    private const int FirstLeading = 0x1100, Leadings = 19;
    private const int FirstVowel = 0x1161, Vowels = 21;
    private const int BeforeTrailing = 0x11A7, Trailings = 28;

    private static readonly Lazy<Tables> Data = new(Tables.Read);

    /// <summary>NFKD: everything taken apart.</summary>
    public static string Decompose(string text) => Ascii.IsValid(text) ? text : ToText(Decomposed(text));

    /// <summary>NFKC: everything taken apart and put together again.</summary>
    public static string Compose(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text;
        }

        // A mark joins the last starter unless a mark of its own class or a higher one stands between them.
        List<int> composed = [];
        int starter = -1, lastClass = -1;
        foreach (int codePoint in Decomposed(text))
        {
            int combiningClass = ClassOf(codePoint);
            if (starter >= 0 && lastClass < combiningClass && Pair(composed[starter], codePoint) is { } pair)
            {
                composed[starter] = pair;
                continue;
            }

            (starter, lastClass) = combiningClass == 0 ? (composed.Count, -1) : (starter, combiningClass);
            composed.Add(codePoint);
        }

        return ToText(composed);
    }

    private static List<int> Decomposed(string text)
    {
        List<int> result = [];
        foreach (Rune rune in text.EnumerateRunes())
        {
            TakeApart(rune.Value, result);
        }

        // Marks in the order of their classes, those of one class as they came: an insertion sort does it.
        for (int i = 1; i < result.Count; i++)
        {
            int codePoint = result[i], combiningClass = ClassOf(codePoint);
            int place = i;
            while (combiningClass > 0 && place > 0 && ClassOf(result[place - 1]) > combiningClass)
            {
                result[place] = result[place - 1];
                place--;
            }

            result[place] = codePoint;
        }

        return result;
    }

    private static void TakeApart(int codePoint, List<int> result)
    {
        int syllable = codePoint - FirstSyllable;
        if (syllable is >= 0 and < Syllables)
        {
            result.Add(FirstLeading + (syllable / (Vowels * Trailings)));
            result.Add(FirstVowel + (syllable / Trailings % Vowels));
            if (syllable % Trailings > 0)
            {
                result.Add(BeforeTrailing + (syllable % Trailings));
            }
        }
        else if (Data.Value.Decompositions.TryGetValue(codePoint, out int[]? parts))
        {
            Array.ForEach(parts, part => TakeApart(part, result));
        }
        else
        {
            result.Add(codePoint);
        }
    }

    private static int? Pair(int first, int second)
    {
        int leading = first - FirstLeading, vowel = second - FirstVowel;
        if (leading is >= 0 and < Leadings && vowel is >= 0 and < Vowels)
        {
            return FirstSyllable + (((leading * Vowels) + vowel) * Trailings);
        }

        int syllable = first - FirstSyllable, trailing = second - BeforeTrailing;
        if (syllable is >= 0 and < Syllables && syllable % Trailings == 0 && trailing is > 0 and < Trailings)
        {
            return first + trailing;
        }

        return Data.Value.Compositions.TryGetValue((first, second), out int composed) ? composed : null;
    }

    private static int ClassOf(int codePoint) => Data.Value.Classes.GetValueOrDefault(codePoint);

    private static string ToText(List<int> codePoints)
    {
        StringBuilder text = new(codePoints.Count);
        foreach (int codePoint in codePoints)
        {
            text.Append(new Rune(codePoint).ToString());
        }

        return text.ToString();
    }

    /// <summary>What <c>unicode-14.txt</c> beside this file says; its head explains it.</summary>
    private sealed record Tables(Dictionary<int, int[]> Decompositions, Dictionary<(int First, int Second), int> Compositions, Dictionary<int, byte> Classes)
    {
        public static Tables Read()
        {
            Tables tables = new([], [], []);
            using StreamReader lines = new(typeof(UnicodeNormalization).Assembly.GetManifestResourceStream("unicode-14.txt")!);
            while (lines.ReadLine() is { } line)
            {
                if (line[0] == '#')
                {
                    continue;
                }

                int end = line.AsSpan().IndexOfAny("=!~^");
                int codePoint = Hexadecimal(line[..end]);
                int[] values = [.. line[(end + 1)..].Split(' ').Select(Hexadecimal)];
                switch (line[end])
                {
                    case '^':
                        tables.Classes.Add(codePoint, (byte)values[0]);
                        continue;
                    case '=':
                        tables.Compositions.Add((values[0], values[1]), codePoint);
                        break;
                }

                tables.Decompositions.Add(codePoint, values);
            }

            return tables;
        }

        private static int Hexadecimal(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
