using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Handwritten.Runtime.Evaluation;

/// <summary>A place where something was said.</summary>
/// <param name="Start">When it begins, in seconds.</param>
/// <param name="End">When it ends, in seconds.</param>
/// <param name="Before">The text of the segment before it.</param>
/// <param name="Match">The words that were found.</param>
/// <param name="After">The text of the segment behind it.</param>
public sealed record SearchHit(double Start, double End, string Before, string Match, string After);

// The texts of all segments are searched as one, so that what was cut in two is found as well. Each character knows
// when it was said: its word's time where words have times, else its segment's.
//
//     segments   [ And so, my fellow ][ Americans, ask not ]
//     text         And so, my fellow Americans, ask not          one blank wherever there are any, and between segments;
//                                                                there none if both sides are of a script without blanks
//     hit                     fellow Americans                   from the first character's start to the last one's end

/// <summary>Finds words in a transcript.</summary>
public static partial class TranscriptSearch
{
    /// <summary>Finds every place where something was said.</summary>
    /// <param name="transcript">Where to look.</param>
    /// <param name="pattern">What to look for; blanks match any blanks. See <see cref="Pattern"/>.</param>
    public static IEnumerable<SearchHit> Find(Transcript transcript, Regex pattern)
    {
        ArgumentNullException.ThrowIfNull(transcript);
        ArgumentNullException.ThrowIfNull(pattern);
        SpokenText spoken = new(transcript.Segments);
        string text = spoken.ToString();
        foreach (Match match in pattern.Matches(text).Where(match => match.Length > 0))
        {
            (Spoken first, Spoken last) = (spoken[match.Index], spoken[match.Index + match.Length - 1]);
            int begin = spoken.BeginOf(first.Segment), end = spoken.EndOf(last.Segment);
            yield return new SearchHit(
                first.Start, last.End, text[begin..match.Index].TrimStart(), match.Value, text[(match.Index + match.Length)..end].TrimEnd());
        }
    }

    /// <summary>What to look for.</summary>
    /// <param name="term">Words to be found as they are, or a regular expression.</param>
    /// <param name="isRegularExpression">Which of the two.</param>
    /// <param name="matchCase">Whether A is not a.</param>
    /// <param name="wholeWords">Whether letters or digits must not stand right before or behind it.</param>
    /// <exception cref="RegexParseException">It is no regular expression.</exception>
    public static Regex Pattern(string term, bool isRegularExpression = false, bool matchCase = false, bool wholeWords = false)
    {
        string pattern = isRegularExpression ? term : Regex.Escape(string.Join(' ', PythonPattern.Split(term)));
        return new Regex(
            wholeWords ? $@"(?<![\p{{L}}\p{{N}}])(?:{pattern})(?![\p{{L}}\p{{N}}])" : pattern,
            RegexOptions.CultureInvariant | (matchCase ? RegexOptions.None : RegexOptions.IgnoreCase),
            TimeSpan.FromSeconds(10));
    }

    // Unicode's blocks of the scripts that put no blanks between words, and of their punctuation; the end of one segment and the
    // beginning of the next.
    [GeneratedRegex(@"\A[\p{IsCJKUnifiedIdeographs}\p{IsCJKUnifiedIdeographsExtensionA}\p{IsCJKCompatibilityIdeographs}\p{IsCJKSymbolsandPunctuation}\p{IsHalfwidthandFullwidthForms}\p{IsHiragana}\p{IsKatakana}\p{IsThai}\p{IsLao}\p{IsMyanmar}\p{IsKhmer}]{2}\z")]
    private static partial Regex WithoutBlank();

    private readonly record struct Spoken(int Segment, double Start, double End);

    /// <summary>The text of all segments, and when each character was said.</summary>
    private sealed class SpokenText
    {
        private readonly StringBuilder _text = new();
        private readonly List<Spoken> _characters = [];
        private readonly List<int> _begins = [];

        public SpokenText(IReadOnlyList<Segment> segments)
        {
            for (int i = 0; i < segments.Count; i++)
            {
                Segment segment = segments[i];
                IReadOnlyList<Word> parts = segment.Words is { Count: > 0 } words ? words : [new Word(segment.Text, segment.Start, segment.End, 1)];
                _begins.Add(_text.Length);
                string beginning = parts[0].Text.TrimStart();
                if (_text.Length > 0 && !WithoutBlank().IsMatch($"{_text[^1]}{beginning.FirstOrDefault()}"))
                {
                    Append(" ", new Spoken(i, segment.Start, segment.Start));
                }

                foreach (Word part in parts.Skip(1).Prepend(parts[0] with { Text = beginning }))
                {
                    Append(part.Text, new Spoken(i, part.Start, part.End));
                }
            }
        }

        public Spoken this[int index] => _characters[index];

        public int BeginOf(int segment) => _begins[segment];

        public int EndOf(int segment) => segment + 1 < _begins.Count ? _begins[segment + 1] : _text.Length;

        public override string ToString() => _text.ToString();

        private void Append(string text, Spoken when)
        {
            foreach (char c in text)
            {
                bool isBlank = char.IsWhiteSpace(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Control;
                if (!isBlank || (_text.Length > 0 && _text[^1] != ' '))
                {
                    _text.Append(isBlank ? ' ' : c);
                    _characters.Add(when);
                }
            }
        }
    }
}
