using System.CommandLine;
using Handwritten.Cli.Commands;
using Handwritten.Runtime.Settings;

namespace Handwritten.Cli;

/// <summary>
/// A command line that means here what it means to Python's argparse, which reads that of openai/whisper: each option under
/// its own name, with its value attached, and once.
/// <code>
///     --output_format txt        --output-format=txt         either spelling
///     --lang en                  --language=en               the beginning of a name, if no other option is meant
///     --initial_prompt= a.wav    --initial-prompt "" a.wav   an empty value is a value
///     --fp16 0 a.wav             --fp16=False a.wav
///     -f srt -ftxt               --output-format=txt         the last value counts, so that a script may set again what
///                                                            a shell's alias has set
///     --with "--fp16 0"          --with=--fp16 0             a value may look like an option where options are values
/// </code>
/// </summary>
internal sealed class PlainCommandLine
{
    /// <summary>What people write for True and False elsewhere, and what is hardly a recording.</summary>
    private static readonly HashSet<string> FlagLike = new(["yes", "no", "on", "off", "y", "n", "t", "f", "none"], StringComparer.OrdinalIgnoreCase);

    private readonly IReadOnlyList<string> _given;
    private readonly Command _root;
    private readonly List<(Option? Option, string[] Words)> _parts = [];
    private Command _command;
    private int _next;

    /// <summary>Reads a command line.</summary>
    /// <param name="given">As it was typed.</param>
    /// <param name="root">The command whose arguments these are; it, or one below it that they name, has the options.</param>
    public PlainCommandLine(IReadOnlyList<string> given, Command root)
    {
        (_given, _root, _command) = (given, root, root);
        while (Peek() is { } word)
        {
            _next++;
            _parts.Add(IsName(word) ? ReadOption(word) : (null, [word]));
            _command = _command.Subcommands.FirstOrDefault(command => command.Name == word) ?? _command;
        }
    }

    /// <summary>What is wrong with it, in a sentence, as far as the parser would not see it; null if nothing is.</summary>
    public string? Mistake { get; private set; }

    /// <summary>The command line for the parser.</summary>
    public string[] Arguments()
    {
        HashSet<Option> seen = [];
        IEnumerable<string[]> kept = Enumerable.Reverse(_parts)
            .Where(part => part.Option is not { Arity.MaximumNumberOfValues: 1 } option || seen.Add(option))
            .Select(part => part.Words)
            .Reverse();
        return [.. kept.SelectMany(words => words), .. _given.Skip(_next)];
    }

    /// <summary>The next word; null at the end of those that may be options.</summary>
    private string? Peek() => _next < _given.Count && _given[_next] != "--" ? _given[_next] : null;

    private static bool IsName(string word) => word.Length > 1 && word[0] == '-';

    private (Option?, string[]) ReadOption(string word)
    {
        int end = word.IndexOfAny(['=', ':']) is var at and >= 0 ? at : word.Length;
        string name = Spell(word[..end]);
        if (Find(name) is { } option)
        {
            return (option, Words(option, end < word.Length ? word[(end + 1)..] : null));
        }

        return Letter(word) is { } letter ? (letter, Words(letter, word[2..])) : (null, [name + word[end..]]);
    }

    private string[] Words(Option option, string? value)
    {
        if (option.Arity.MaximumNumberOfValues == 0)
        {
            return [option.Name];
        }

        if (option is Option<bool>)
        {
            return [FlagWord(option.Name, value)];
        }

        if (value is null && Peek() is { } word && (option.Name == CompareCommand.With || !IsOption(word)))
        {
            value = word;
            _next++;
        }

        return value switch { null => [option.Name], "" => [option.Name, ""], _ => [$"{option.Name}={value}"] };
    }

    /// <summary>A flag with its value. What is no value is a recording, unless it is hardly one.</summary>
    private string FlagWord(string name, string? value)
    {
        if (value is null && Peek() is { } word && (ValueKind.Flag.TryRead(word, out _) || (FlagLike.Contains(word) && !Path.Exists(word))))
        {
            value = word;
            _next++;
        }

        if (value is null)
        {
            return name;
        }

        if (!ValueKind.Flag.TryRead(value, out bool isOn))
        {
            Mistake ??= $"{name} must be True or False, but it is '{value}'.";
        }

        return $"{name}={isOn}";
    }

    /// <summary>Whether a word behind an option is another one, and not its value: to argparse nothing is that has a blank and no <c>=</c>.</summary>
    private bool IsOption(string word) =>
        IsName(word) && (word.Contains('=') || !word.Contains(' ')) && (Find(Spell(word.Split('=')[0])) ?? Letter(word)) is not null;

    /// <summary>The option of a name, or of its beginning; of several, the one whose name the others' begin with.</summary>
    private Option? Find(string name)
    {
        if (Known(name) is { } exact || !name.StartsWith("--", StringComparison.Ordinal) || name.Length == 2)
        {
            return Known(name);
        }

        string[] names = [.. Options.Where(option => !option.Hidden).SelectMany(Names).Where(known => known.StartsWith(name, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Option?[] meant = [.. names.Select(Known).Distinct()];
        if (meant.Length > 1 && !Array.TrueForAll(names, known => known.StartsWith(names[0], StringComparison.Ordinal)))
        {
            Mistake ??= $"'{name}' may be {string.Join(", ", names[..^1])} or {names[^1]}: write more of it.";
            return null;
        }

        return meant.FirstOrDefault();
    }

    /// <summary>The short option at the beginning of a word whose value follows without a blank.</summary>
    private Option? Letter(string word) => word.Length > 2 && Known(word[..2]) is { Arity.MinimumNumberOfValues: 1 } option ? option : null;

    private Option? Known(string name) => Options.FirstOrDefault(option => Names(option).Contains(name));

    private IEnumerable<Option> Options => _command == _root ? _root.Options : _command.Options.Concat(_root.Options.Where(option => option.Recursive));

    private static IEnumerable<string> Names(Option option) => option.Aliases.Prepend(option.Name);

    // Only a name is spelled with dashes.
    private static string Spell(string name) => name.StartsWith("--", StringComparison.Ordinal) ? name.Replace('_', '-') : name;
}
