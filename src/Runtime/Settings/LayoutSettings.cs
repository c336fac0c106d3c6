using Handwritten.Runtime.Output;

namespace Handwritten.Runtime.Settings;

/// <summary>What can be chosen by name about the layout of subtitles: the options of openai/whisper's command under its names.</summary>
public static class LayoutSettings
{
    private static readonly ValueKind<int?> Limit = ValueKind.WholeNumber(1, 1_000_000).OrNone();

    /// <summary>The most characters in a line.</summary>
    public static Setting<WriterOptions> MaxLineWidth { get; } = Count(
        "max_line_width", "With the words' times: the most characters in a line.", options => options.MaxLineWidth, (options, value) => options with { MaxLineWidth = value });

    /// <summary>The most lines in a subtitle.</summary>
    public static Setting<WriterOptions> MaxLineCount { get; } = Count(
        "max_line_count", "With a width of lines: the most lines in a subtitle.", options => options.MaxLineCount, (options, value) => options with { MaxLineCount = value });

    /// <summary>The most words in a subtitle.</summary>
    public static Setting<WriterOptions> MaxWordsPerLine { get; } = Count(
        "max_words_per_line", "With the words' times: the most words in a subtitle.", options => options.MaxWordsPerLine, (options, value) => options with { MaxWordsPerLine = value });

    /// <summary>Whether each word is underlined as it is spoken.</summary>
    public static Setting<WriterOptions> HighlightWords { get; } = new Setting<WriterOptions, bool>(
        ValueKind.Flag, options => options.HighlightWords, (options, value) => options with { HighlightWords = value })
    {
        Name = "highlight_words",
        Description = "With the words' times: underline each word as it is spoken.",
    };

    /// <summary>The settings, in the order in which help lists them.</summary>
    public static IReadOnlyList<Setting<WriterOptions>> All { get; } = [MaxLineWidth, MaxLineCount, MaxWordsPerLine, HighlightWords];

    private static Setting<WriterOptions, int?> Count(string name, string description, Func<WriterOptions, int?> get, Func<WriterOptions, int?, WriterOptions> set) =>
        new(Limit, get, set) { Name = name, Description = description };
}
