using System.Numerics;

namespace Handwritten.Runtime.Evaluation;

/// <summary>
/// The English words that numbers are made of. Source: openai/whisper, normalizers/english.py,
/// EnglishNumberNormalizer.__init__.
/// </summary>
internal static class EnglishNumberWords
{
    /// <summary>Nought.</summary>
    public static HashSet<string> Zeros { get; } = ["o", "oh", "zero"];

    /// <summary>One to nineteen.</summary>
    public static Dictionary<string, int> Ones { get; } = Numbered(1, 1,
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
        "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen");

    /// <summary>Twenty to ninety.</summary>
    public static Dictionary<string, int> Tens { get; } = Numbered(20, 10,
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety");

    /// <summary>A hundred, and the powers of a thousand.</summary>
    public static Dictionary<string, BigInteger> Multipliers { get; } = new[]
    {
        "thousand", "million", "billion", "trillion", "quadrillion", "quintillion", "sextillion", "septillion", "octillion", "nonillion", "decillion",
    }.Select((name, i) => (name, value: BigInteger.Pow(1000, i + 1))).Prepend(("hundred", 100)).ToDictionary();

    /// <summary>Plurals and ordinals of <see cref="Ones"/>: <c>sixes</c> is 6 and s, <c>first</c> is 1 and st.</summary>
    public static Dictionary<string, (int Value, string Suffix)> SuffixedOnes { get; } =
        Ones.Select(one => KeyValuePair.Create(one.Key == "six" ? "sixes" : one.Key + "s", (one.Value, "s")))
            .Concat(Ones.Where(one => one.Value > 3 && one.Value is not 5 and not 12)
                .Select(one => KeyValuePair.Create(one.Key + (one.Key.EndsWith('t') ? "h" : "th"), (one.Value, "th"))))
            .Concat([new("zeroth", (0, "th")), new("first", (1, "st")), new("second", (2, "nd")), new("third", (3, "rd")), new("fifth", (5, "th")), new("twelfth", (12, "th"))])
            .ToDictionary();

    /// <summary>Plurals and ordinals of <see cref="Tens"/>.</summary>
    public static Dictionary<string, (int Value, string Suffix)> SuffixedTens { get; } =
        Tens.Select(ten => KeyValuePair.Create(ten.Key[..^1] + "ies", (ten.Value, "s")))
            .Concat(Tens.Select(ten => KeyValuePair.Create(ten.Key[..^1] + "ieth", (ten.Value, "th"))))
            .ToDictionary();

    /// <summary>Plurals and ordinals of <see cref="Multipliers"/>.</summary>
    public static Dictionary<string, (BigInteger Value, string Suffix)> SuffixedMultipliers { get; } =
        Multipliers.Select(multiplier => KeyValuePair.Create(multiplier.Key + "s", (multiplier.Value, "s")))
            .Concat(Multipliers.Select(multiplier => KeyValuePair.Create(multiplier.Key + "th", (multiplier.Value, "th"))))
            .ToDictionary();

    /// <summary>Signs said before a number.</summary>
    public static Dictionary<string, string> Signs { get; } = new()
    {
        ["minus"] = "-",
        ["negative"] = "-",
        ["plus"] = "+",
        ["positive"] = "+",
    };

    /// <summary>Currencies, said behind a number and written before it.</summary>
    public static Dictionary<string, string> Currencies { get; } = new()
    {
        ["pound"] = "£",
        ["pounds"] = "£",
        ["euro"] = "€",
        ["euros"] = "€",
        ["dollar"] = "$",
        ["dollars"] = "$",
        ["cent"] = "¢",
        ["cents"] = "¢",
    };

    /// <summary>What a number in digits may begin with.</summary>
    public static string Prefixes => "-+£€$¢";

    /// <summary>Whether a word may stand behind <c>point</c>.</summary>
    public static bool IsDecimal(string? word) => word is not null && (Ones.ContainsKey(word) || Tens.ContainsKey(word) || Zeros.Contains(word));

    /// <summary>Every word that can be part of a number.</summary>
    public static HashSet<string> All { get; } =
    [
        .. Zeros, .. Ones.Keys, .. SuffixedOnes.Keys, .. Tens.Keys, .. SuffixedTens.Keys, .. Multipliers.Keys, .. SuffixedMultipliers.Keys,
        .. Signs.Keys, .. Currencies.Keys, "per", "percent", "and", "double", "triple", "point",
    ];

    private static Dictionary<string, int> Numbered(int first, int step, params string[] names) =>
        names.Select((name, i) => (name, first + (i * step))).ToDictionary();
}
