using System.CommandLine;
using System.CommandLine.Parsing;

namespace Handwritten.Cli;

/// <summary>
/// Lets the last of several values of an option count, as Python's argparse does, so that a shell's alias may set what a
/// script sets again: <c>alias whisper="handwritten transcribe --model turbo"</c>.
/// </summary>
internal static class RepeatedOptions
{
    /// <summary>The command line without the values that do not count.</summary>
    /// <param name="arguments">The command line, options spelled with dashes.</param>
    /// <param name="parsed">The same, parsed.</param>
    public static string[] KeepLast(IReadOnlyList<string> arguments, ParseResult parsed)
    {
        HashSet<Option> repeated =
        [
            .. parsed.CommandResult.Children.OfType<OptionResult>()
                .Where(result => result.IdentifierTokenCount > 1 && result.Option.Arity.MaximumNumberOfValues == 1)
                .Select(result => result.Option),
        ];
        int end = arguments.TakeWhile(argument => argument != "--").Count();
        bool[] drops = new bool[arguments.Count];
        HashSet<Option> seen = [];
        for (int i = end - 1; i >= 0; i--)
        {
            string name = arguments[i].Split('=', 2)[0];
            Option? option = repeated.FirstOrDefault(one => one.Name == name || one.Aliases.Contains(name));
            if (option is not null && !seen.Add(option))
            {
                drops[i] = true;
                if (i + 1 < end && name.Length == arguments[i].Length)
                {
                    // A flag's value may be missing.
                    drops[i + 1] = option.Arity.MinimumNumberOfValues == 1 || bool.TryParse(arguments[i + 1], out _);
                }
            }
        }

        return [.. arguments.Where((_, i) => !drops[i])];
    }
}
