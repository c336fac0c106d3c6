namespace Handwritten.Runtime.Evaluation;

/// <summary>The normalisers by name, and which one is for which language.</summary>
public static class TextNormalizers
{
    // Where words are not parted by blanks, each letter counts as one, as in the paper (Robust Speech Recognition via
    // Large-Scale Weak Supervision, appendix C).
    private static readonly HashSet<string> WithoutBlanks = ["zh", "yue", "ja", "th", "lo", "my"];

    /// <summary>The names: auto, english, basic, letters, none.</summary>
    public static IReadOnlyList<string> Names { get; } = ["auto", "english", "basic", "letters", "none"];

    /// <summary>The name of the normaliser that a language has, which is what <c>auto</c> means.</summary>
    /// <param name="language">Language code; an unknown one is like any other language.</param>
    public static string NameFor(string? language) => language switch
    {
        "en" => "english",
        not null when WithoutBlanks.Contains(language) => "letters",
        _ => "basic",
    };

    /// <summary>A normaliser by its name.</summary>
    /// <exception cref="ArgumentException">There is none of that name; <c>auto</c> is to be replaced before, see <see cref="NameFor"/>.</exception>
    public static ITextNormalizer Named(string name) => name switch
    {
        "english" => new EnglishTextNormalizer(),
        "basic" => new BasicTextNormalizer(),
        "letters" => new BasicTextNormalizer(splitLetters: true),
        "none" => new Unchanged(),
        _ => throw new ArgumentException($"There is no normaliser '{name}'.", nameof(name)),
    };

    private sealed class Unchanged : ITextNormalizer
    {
        public string Normalize(string text) => text;
    }
}
