using System.Text.Json;
using System.Text.RegularExpressions;

namespace Handwritten.Runtime.Evaluation;

/// <summary>
/// For English: contractions and titles in full, numbers as digits, American spelling, no filler words, no punctuation.
/// Source: openai/whisper, normalizers/english.py, EnglishTextNormalizer and EnglishSpellingNormalizer.
/// </summary>
public sealed class EnglishTextNormalizer : ITextNormalizer
{
    private static readonly Regex Fillers = PythonPattern.Compile(@"\b(hmm|mm|mhm|mmm|uh|um)\b");
    private static readonly Regex BlanksBeforeApostrophe = PythonPattern.Compile(@"\s+'");

    // In this order: what comes first is gone for what comes later.
    private static readonly (Regex Pattern, string Replacement)[] Replacements =
    [
        .. new (string Pattern, string Replacement)[]
        {
            // Contractions that are words of their own.
            (@"\bwon't\b", "will not"), (@"\bcan't\b", "can not"), (@"\blet's\b", "let us"), (@"\bain't\b", "aint"),
            (@"\by'all\b", "you all"), (@"\bwanna\b", "want to"), (@"\bgotta\b", "got to"), (@"\bgonna\b", "going to"),
            (@"\bi'ma\b", "i am going to"), (@"\bimma\b", "i am going to"), (@"\bwoulda\b", "would have"),
            (@"\bcoulda\b", "could have"), (@"\bshoulda\b", "should have"), (@"\bma'am\b", "madam"),

            // Titles.
            (@"\bmr\b", "mister "), (@"\bmrs\b", "missus "), (@"\bst\b", "saint "), (@"\bdr\b", "doctor "),
            (@"\bprof\b", "professor "), (@"\bcapt\b", "captain "), (@"\bgov\b", "governor "), (@"\bald\b", "alderman "),
            (@"\bgen\b", "general "), (@"\bsen\b", "senator "), (@"\brep\b", "representative "),
            (@"\bpres\b", "president "), (@"\brev\b", "reverend "), (@"\bhon\b", "honorable "),
            (@"\basst\b", "assistant "), (@"\bassoc\b", "associate "), (@"\blt\b", "lieutenant "),
            (@"\bcol\b", "colonel "), (@"\bjr\b", "junior "), (@"\bsr\b", "senior "), (@"\besq\b", "esquire "),

            // Perfect tenses, which 'd and 's are short for here.
            (@"'d been\b", " had been"), (@"'s been\b", " has been"), (@"'d gone\b", " had gone"),
            (@"'s gone\b", " has gone"), (@"'d done\b", " had done"), (@"'s got\b", " has got"),

            // All other contractions.
            (@"n't\b", " not"), (@"'re\b", " are"), (@"'s\b", " is"), (@"'d\b", " would"), (@"'ll\b", " will"),
            (@"'t\b", " not"), (@"'ve\b", " have"), (@"'m\b", " am"),

            // Commas between digits, and full stops that are no decimal points.
            (@"(\d),(\d)", "$1$2"), (@"\.([^0-9]|$)", " $1"),
        }.Select(pair => (PythonPattern.Compile(pair.Pattern), pair.Replacement)),
    ];

    private static readonly Regex LonePrefix = PythonPattern.Compile(@"[.$¢€£]([^0-9])");
    private static readonly Regex LonePercent = PythonPattern.Compile(@"([^0-9])%");

    private static readonly Lazy<Dictionary<string, string>> AmericanSpellings = new(() =>
    {
        using Stream map = typeof(EnglishTextNormalizer).Assembly.GetManifestResourceStream("english-spelling.json")!;
        return JsonSerializer.Deserialize<Dictionary<string, string>>(map)!;
    });

    /// <inheritdoc/>
    public string Normalize(string text)
    {
        text = BasicTextNormalizer.WithoutBrackets(PythonPattern.Lower(text));
        text = BlanksBeforeApostrophe.Replace(Fillers.Replace(text, ""), "'");
        foreach ((Regex pattern, string replacement) in Replacements)
        {
            text = pattern.Replace(text, replacement);
        }

        text = Symbols.RemoveWithDiacritics(text, kept: ".%$¢€£");
        text = AmericanSpelling(EnglishNumbers.Normalize(text));

        // What is left of the signs that belong to numbers, but do not stand beside one.
        text = LonePercent.Replace(LonePrefix.Replace(text, " $1"), "$1 ");
        return BasicTextNormalizer.OneBlank(text);
    }

    /// <summary>British words in American spelling. Source: EnglishSpellingNormalizer.</summary>
    internal static string AmericanSpelling(string text) =>
        string.Join(' ', PythonPattern.Split(text).Select(word => AmericanSpellings.Value.GetValueOrDefault(word, word)));
}
