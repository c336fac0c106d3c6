using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using static Handwritten.Runtime.Evaluation.EnglishNumberWords;

namespace Handwritten.Runtime.Evaluation;

// Words go by one at a time; the number they have made so far is held back until a word cannot continue it:
//
//     two    hundred   and    five    dollars   ,  then a word that is no number: "$205" goes out, then the word
//      2  ->   200      |  ->  205  -> prefix $
//                       └ says nothing behind a multiplier
//
// The number is an integer while it is one, and text once it has digits that only stand side by side: "one oh one" is
// 101, "nineteen eighty four" is 1984, "one point five" is 1.5. Which of the two it is decides how the next word joins,
// so both are kept apart, as in the original.

/// <summary>
/// Reads words and writes their numbers as digits. Source: openai/whisper, normalizers/english.py,
/// EnglishNumberNormalizer.process_words.
/// </summary>
internal sealed class EnglishNumberReader(string[] words)
{
    private static readonly Regex Digits = PythonPattern.Compile(@"^\d+(\.\d+)?$");
    private static readonly Regex Fraction = PythonPattern.Compile(@"^(?=\d|\.\d)(\d*)(?:\.(\d*))?$");

    private readonly List<string> _output = [];
    private string? _prefix;
    private Value? _value;

    /// <summary>The words with numbers as digits.</summary>
    public IReadOnlyList<string> Read()
    {
        for (int i = 0; i < words.Length; i++)
        {
            string? next = i + 1 < words.Length ? words[i + 1] : null;
            if (ReadWord(i > 0 ? words[i - 1] : null, words[i], next))
            {
                i++;
            }
        }

        Flush();
        return _output;
    }

    // Returns whether the next word has been read as well.
    private bool ReadWord(string? previous, string word, string? next)
    {
        bool hasPrefix = Prefixes.Contains(word[0]);
        string digits = hasPrefix ? word[1..] : word;
        if (Digits.IsMatch(digits))
        {
            ReadDigits(word, digits, hasPrefix);
        }
        else if (!All.Contains(word))
        {
            Flush();
            Put(word);
        }
        else if (Zeros.Contains(word))
        {
            _value = Value.OfText(_value?.TextUnlessZero + "0");
        }
        else if (Ones.TryGetValue(word, out int ones))
        {
            _value = JoinOnes(previous, ones);
        }
        else if (SuffixedOnes.TryGetValue(word, out (int Value, string Suffix) suffixedOnes))
        {
            Put(JoinOnes(previous, suffixedOnes.Value) + suffixedOnes.Suffix);
        }
        else if (Tens.TryGetValue(word, out int tens))
        {
            _value = JoinBelow(100, tens);
        }
        else if (SuffixedTens.TryGetValue(word, out (int Value, string Suffix) suffixedTens))
        {
            Put(JoinBelow(100, suffixedTens.Value) + suffixedTens.Suffix);
        }
        else if (Multipliers.TryGetValue(word, out BigInteger multiplier))
        {
            _value = Multiply(multiplier, zeroCounts: true);
        }
        else if (SuffixedMultipliers.TryGetValue(word, out (BigInteger Value, string Suffix) suffixedMultiplier))
        {
            Put(Multiply(suffixedMultiplier.Value, zeroCounts: false) + suffixedMultiplier.Suffix);
        }
        else if (Signs.TryGetValue(word, out string? sign))
        {
            ReadSign(word, sign, next);
        }
        else if (Currencies.TryGetValue(word, out string? currency))
        {
            ReadCurrency(word, currency);
        }
        else
        {
            return word is "per" or "percent" ? ReadPercent(word, next) : ReadSpecial(previous, word, next);
        }

        return false;
    }

    private void ReadDigits(string word, string digits, bool hasPrefix)
    {
        // The parts of a decimal number or of an address.
        if (_value is { IsInteger: false } value && value.Text.EndsWith('.'))
        {
            _value = Value.OfText(value.Text + word);
            return;
        }

        Flush();
        _prefix = hasPrefix ? word[..1] : _prefix;
        _value = Rational(digits) is { } number && number.Denominator.IsOne ? Value.Of(number.Numerator) : Value.OfText(digits);
    }

    // "twenty" and "one" are 21, "two hundred" and "one" 201, "one" and "one" 11.
    private Value JoinOnes(string? previous, int ones)
    {
        if (_value is { } value && (!value.IsInteger || (previous is not null && Ones.ContainsKey(previous))))
        {
            // Behind tens the digit takes the place of their zero.
            bool behindTens = previous is not null && Tens.ContainsKey(previous) && ones < 10;
            return Value.OfText((behindTens ? value.Text[..^1] : value.Text) + Text(ones));
        }

        return JoinBelow(ones < 10 ? 10 : 100, ones);
    }

    // A number goes into the zeros of the one before; where there are none, it stands beside it.
    private Value JoinBelow(int limit, int number) => _value switch
    {
        null => Value.Of(number),
        { IsInteger: true } value when value.Integer % limit == 0 => Value.Of(value.Integer + number),
        { } value => Value.OfText(value.Text + Text(number)),
    };

    // "one point five million" is 1500000; "two thousand three hundred": only what is below a thousand is multiplied.
    private Value Multiply(BigInteger multiplier, bool zeroCounts)
    {
        if (_value is not { } value)
        {
            return Value.Of(multiplier);
        }

        if (value.IsInteger && !(zeroCounts && value.Integer.IsZero))
        {
            BigInteger residual = value.Integer % 1000;
            return Value.Of(value.Integer - residual + (residual * multiplier));
        }

        if (Rational(value.Text) is { } number && (number.Numerator * multiplier % number.Denominator).IsZero)
        {
            return Value.Of(number.Numerator * multiplier / number.Denominator);
        }

        Put(value.Text);
        return Value.Of(multiplier);
    }

    private void ReadSign(string word, string sign, string? next)
    {
        Flush();
        if (BeginsNumber(next))
        {
            _prefix = sign;
        }
        else
        {
            Put(word);
        }
    }

    private void ReadCurrency(string word, string currency)
    {
        if (_value is null)
        {
            Put(word);
            return;
        }

        _prefix = currency;
        Flush();
    }

    private bool ReadPercent(string word, string? next)
    {
        bool isPercent = word == "percent" || next == "cent";
        if (_value is { } value && isPercent)
        {
            Put(value.Text + "%");
            return word == "per";
        }

        Flush();
        Put(word);
        return false;
    }

    private bool ReadSpecial(string? previous, string word, string? next)
    {
        bool saysNothing = word == "and" && previous is not null && Multipliers.ContainsKey(previous);
        if (!BeginsNumber(next) || (word == "and" && !saysNothing))
        {
            Flush();
            Put(word);
        }
        else if (word == "point" && (IsDecimal(next) || IsDigits(next)))
        {
            _value = Value.OfText(_value?.TextUnlessZero + ".");
        }
        else if (word is "double" or "triple")
        {
            if (Ones.TryGetValue(next!, out int ones) || Zeros.Contains(next!))
            {
                _value = Value.OfText(_value?.TextUnlessZero + string.Concat(Enumerable.Repeat(Text(ones), word == "double" ? 2 : 3)));
                return true;
            }

            Flush();
            Put(word);
        }

        return false;
    }

    private static bool BeginsNumber(string? word) => word is not null && (All.Contains(word) || IsDigits(word));

    private static bool IsDigits(string? word) => word is not null && Digits.IsMatch(word);

    private void Flush()
    {
        if (_value is { } value)
        {
            Put(value.Text);
        }
    }

    private void Put(string text)
    {
        _output.Add(_prefix + text);
        (_prefix, _value) = (null, null);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    // A decimal number as a fraction; null if it is none. Digits may be of any script.
    private static (BigInteger Numerator, BigInteger Denominator)? Rational(string text)
    {
        Match match = Fraction.Match(text);
        if (!match.Success)
        {
            return null;
        }

        BigInteger numerator = 0;
        foreach (char digit in match.Groups[1].Value + match.Groups[2].Value)
        {
            numerator = (numerator * 10) + CharUnicodeInfo.GetDecimalDigitValue(digit);
        }

        BigInteger denominator = BigInteger.Pow(10, match.Groups[2].Length);
        BigInteger divisor = BigInteger.GreatestCommonDivisor(numerator, denominator);
        return (numerator / divisor, denominator / divisor);
    }

    /// <summary>A number that has not gone out yet: an integer, or digits side by side.</summary>
    private readonly record struct Value(bool IsInteger, BigInteger Integer, string Text)
    {
        public string TextUnlessZero => IsInteger && Integer.IsZero ? "" : Text;

        public static Value Of(BigInteger integer) => new(true, integer, integer.ToString(CultureInfo.InvariantCulture));

        public static Value OfText(string text) => new(false, default, text);

        public static string operator +(Value value, string suffix) => value.Text + suffix;
    }
}
