using System.CommandLine;
using Handwritten.Runtime.Output;

namespace Handwritten.Cli;

/// <summary>The options that say how subtitles are laid out, all of which need the words' times.</summary>
internal sealed class LayoutSettings
{
    private const int Most = 1_000_000;

    private readonly Option<OrNone<int>> _maxLineWidth = Optional.Integer("--max-line-width", "With --word-timestamps: the most characters in a line.", null, 1, Most);

    private readonly Option<OrNone<int>> _maxLineCount = Optional.Integer("--max-line-count", "With --max-line-width: the most lines in a subtitle.", null, 1, Most);

    private readonly Option<OrNone<int>> _maxWordsPerLine = Optional.Integer("--max-words-per-line", "With --word-timestamps: the most words in a subtitle.", null, 1, Most);

    private readonly Option<bool> _highlightWords = Define.Flag("--highlight-words", "With --word-timestamps: underline each word as it is spoken.");

    /// <summary>The options, which say nothing about what is heard.</summary>
    public IReadOnlyList<Option> Options => [_maxLineWidth, _maxLineCount, _maxWordsPerLine, _highlightWords];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in Options)
        {
            command.Add(option);
        }
    }

    /// <summary>What was chosen.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="wordTimestamps">Whether words will have times.</param>
    /// <param name="tell">Takes a sentence for the user.</param>
    /// <exception cref="UsageException">An option needs another one.</exception>
    public WriterOptions Read(ParseResult parsed, bool wordTimestamps, Action<string> tell)
    {
        WriterOptions options = new(
            parsed.GetValue(_maxLineWidth).Value, parsed.GetValue(_maxLineCount).Value, parsed.GetValue(_highlightWords), parsed.GetValue(_maxWordsPerLine).Value);
        (bool IsGiven, string Name)[] given =
        [
            (options.HighlightWords, _highlightWords.Name), (options.MaxLineWidth is not null, _maxLineWidth.Name),
            (options.MaxLineCount is not null, _maxLineCount.Name), (options.MaxWordsPerLine is not null, _maxWordsPerLine.Name),
        ];
        if (!wordTimestamps && Array.Find(given, option => option.IsGiven) is { Name: { } name })
        {
            throw new UsageException($"{name} needs the words' times: give --word-timestamps as well.");
        }

        // The original warns as well of what follows, and goes on.
        if (options.MaxLineCount is not null && options.MaxLineWidth is null)
        {
            tell($"{_maxLineCount.Name} counts the lines that {_maxLineWidth.Name} makes: without it, it changes nothing.");
        }

        if (options.MaxWordsPerLine is not null && options.MaxLineWidth is not null)
        {
            tell($"{_maxWordsPerLine.Name} changes nothing beside {_maxLineWidth.Name}, which breaks lines by their width.");
        }

        return options;
    }
}
