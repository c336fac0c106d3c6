using System.CommandLine;
using System.CommandLine.Parsing;

namespace Handwritten.Cli.Comparison;

/// <summary>One of the things that are compared: options of the model and of decoding.</summary>
/// <param name="Name">As the user wrote it.</param>
/// <param name="Arguments">All its options, those that it shares with the others included.</param>
/// <param name="Parsed">The same, parsed.</param>
internal sealed record Candidate(string Name, IReadOnlyList<string> Arguments, ParseResult Parsed)
{
    /// <summary>Reads a candidate's own options and adds the shared ones that they do not replace.</summary>
    /// <param name="option">The option that gives candidates, for messages.</param>
    /// <param name="name">What the user wrote.</param>
    /// <param name="own">The options in it.</param>
    /// <param name="settings">A command with all options that may be in it, and no other.</param>
    /// <param name="shared">The command line around it.</param>
    /// <exception cref="UsageException">The options make no sense.</exception>
    public static Candidate Read(string option, string name, IEnumerable<string> own, Command settings, ParseResult shared)
    {
        PlainCommandLine plain = new([.. own], settings);
        string[] arguments = plain.Arguments();
        ParserConfiguration configuration = new() { ResponseFileTokenReplacer = null };
        ParseResult parsed = settings.Parse(arguments, configuration);
        string? mistake = plain.Mistake?.TrimEnd('.') ?? (parsed.UnmatchedTokens is [var unknown, ..] ? $"there is no option '{unknown}' for models and decoding" : parsed.Errors is [var error, ..] ? error.Message.TrimEnd('.') : null);
        if (mistake is not null)
        {
            throw new UsageException($"{option} \"{name}\" cannot be compared: {mistake}.");
        }

        string[] all =
        [
            .. Given(settings.Options.Where(setting => !IsGiven(parsed, setting)), shared),
            .. arguments,
        ];
        return new Candidate(string.IsNullOrWhiteSpace(name) ? "shared options" : name, all, settings.Parse(all, configuration));
    }

    /// <summary>Those of some options that are on a command line, as they would be written again.</summary>
    public static IEnumerable<string> Given(IEnumerable<Option> options, ParseResult parsed) =>
        options.Where(option => IsGiven(parsed, option)).SelectMany(option => Spell(option, parsed.GetResult(option)!));

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static IEnumerable<string> Spell(Option option, OptionResult given) =>
        given.Tokens.Count == 0 ? [option.Name] : given.Tokens.Select(token => $"{option.Name}={token.Value}");
}
