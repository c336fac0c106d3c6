using System.CommandLine;
using System.Text.RegularExpressions;

namespace Handwritten.Cli;

/// <summary>
/// Environment variables that stand for options, which is how containers are configured: <c>--max-streams</c> is
/// <c>HANDWRITTEN_MAX_STREAMS</c>. What a variable says is read as if it stood on the command line, unless its option stands there. An option
/// that may be given several times has its values with commas between them. An empty variable says nothing: compose files set those.
/// </summary>
internal sealed class OptionVariables
{
    private readonly Dictionary<Option, string> _names;

    /// <summary>Gives options their variables, which their help names from then on.</summary>
    /// <param name="options">The options.</param>
    /// <param name="others">Names of variables by those of their options, where they are others.</param>
    public OptionVariables(IEnumerable<Option> options, IReadOnlyDictionary<string, string> others)
    {
        _names = options.ToDictionary(option => option, option => others.GetValueOrDefault(option.Name) ?? $"HANDWRITTEN_{option.Name.TrimStart('-').Replace('-', '_').ToUpperInvariant()}");
        foreach ((Option option, string variable) in _names)
        {
            option.Description += $" (${variable})";
        }
    }

    /// <summary>What the variables add to a command line.</summary>
    /// <param name="given">The command line without them.</param>
    public IEnumerable<string> Words(ParseResult given) =>
        from named in _names
        where given.GetResult(named.Key) is not { Implicit: false }
        let text = Environment.GetEnvironmentVariable(named.Value) ?? ""
        from value in named.Key.Arity.MaximumNumberOfValues > 1 ? text.Split(',', StringSplitOptions.TrimEntries) : [text]
        where value.Length > 0
        select $"{named.Key.Name}={value}";

    /// <summary>Says of variables what was said of the options that they stand for.</summary>
    public string Renamed(string sentence) => _names.Aggregate(
        sentence, (told, named) => Regex.Replace(told, $@"(?<![\w-]){named.Key.Name}(?![\w-])", named.Value));
}
