using System.CommandLine;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Settings;

namespace Handwritten.Cli;

/// <summary>The options that say how subtitles are laid out, all of which need the words' times.</summary>
internal sealed class LayoutOptions
{
    private readonly SettingOptions<WriterOptions> _settings = new(LayoutSettings.All, new WriterOptions());

    /// <summary>The options, which say nothing about what is heard.</summary>
    public IReadOnlyList<Option> Options => [.. _settings.Options];

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
        WriterOptions options = _settings.Read(parsed);
        (bool IsGiven, Setting<WriterOptions> Setting)[] given =
        [
            (options.HighlightWords, LayoutSettings.HighlightWords), (options.MaxLineWidth is not null, LayoutSettings.MaxLineWidth),
            (options.MaxLineCount is not null, LayoutSettings.MaxLineCount), (options.MaxWordsPerLine is not null, LayoutSettings.MaxWordsPerLine),
        ];
        if (!wordTimestamps && Array.Find(given, one => one.IsGiven).Setting is { } setting)
        {
            throw new UsageException($"{NameOf(setting)} needs the words' times: give --word-timestamps as well.");
        }

        // The original warns as well of what follows, and goes on.
        if (options.MaxLineCount is not null && options.MaxLineWidth is null)
        {
            tell($"{NameOf(LayoutSettings.MaxLineCount)} counts the lines that {NameOf(LayoutSettings.MaxLineWidth)} makes: without it, it changes nothing.");
        }

        if (options.MaxWordsPerLine is not null && options.MaxLineWidth is not null)
        {
            tell($"{NameOf(LayoutSettings.MaxWordsPerLine)} changes nothing beside {NameOf(LayoutSettings.MaxLineWidth)}, which breaks lines by their width.");
        }

        return options;
    }

    private static string NameOf(Setting<WriterOptions> setting) => SettingOptions<WriterOptions>.NameOf(setting.Name);
}
