using System.CommandLine;
using Handwritten.Runtime.Settings;

namespace Handwritten.Cli;

/// <summary>
/// Makes options whose mistakes read as sentences. They are defined as <c>--with-dashes</c>; the spelling of
/// openai/whisper, <c>--with_underscores</c>, is understood as well, see <see cref="SpellWithDashes"/>.
/// </summary>
internal static class Define
{
    /// <summary>One of a few words; the first is the default.</summary>
    public static Option<string> Choice(string name, string description, params string[] words) => Among(words,
        new Option<string>(name) { Description = description, DefaultValueFactory = _ => words[0] });

    /// <summary>Any number of a few words, each behind an option of its own.</summary>
    public static Option<string[]> Choices(string name, string description, string initially, string[] words, params string[] aliases) => Among(words,
        new Option<string[]>(name, aliases) { Description = description, DefaultValueFactory = _ => [initially] });

    private static T Among<T>(string[] words, T option)
        where T : Option
    {
        option.HelpName = string.Join('|', words);
        option.CompletionSources.Add(words);
        option.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => !words.Contains(token.Value)) is { } token)
            {
                result.AddError($"{option.Name} must be {ValueKind.Choice(words).Expectation}, but it is '{token.Value}'.{Spelling.Suggest(token.Value, words)}");
            }
        });
        return option;
    }

    /// <summary>A whole number from 1 on.</summary>
    public static Option<int?> Count(string name, string description, int maximum) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            try
            {
                return ValueKind.WholeNumber(1, maximum).Read(name, result.Tokens[0].Value);
            }
            catch (SettingException failure)
            {
                result.AddError(failure.Message);
                return null;
            }
        },
    };

    /// <summary>A language of Whisper, by code or English name; its value is the code.</summary>
    public static Option<string?> Language(string name, string description)
    {
        Option<string?> option = new(name)
        {
            Description = description,
            HelpName = "LANGUAGE",
            CustomParser = result =>
            {
                string language = result.Tokens[0].Value;
                try
                {
                    return ValueKind.Language.Read(name, language);
                }
                catch (SettingException failure)
                {
                    result.AddError(failure.Message + SuggestLongWord(language, ValueKind.Language.Words));
                    return null;
                }
            },
        };
        option.CompletionSources.Add([.. ValueKind.Language.Words]);
        return option;
    }

    /// <summary>What a long word was meant to be. A short one is a code, whose neighbours are all codes; nobody means them.</summary>
    public static string SuggestLongWord(string word, IEnumerable<string> words) => word.Length > 3 ? Spelling.Suggest(word, words) : "";

    /// <summary>The recordings to work on.</summary>
    public static Argument<string[]> Recordings() => new("AUDIO")
    {
        Description = "The recordings, in any format that ffmpeg reads (WAV without it): files, patterns such as 'talks/**/*.mp3', http(s) addresses; - is standard input.",
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>Whether the result is to be JSON.</summary>
    public static Option<bool> Json() => Flag("--json", "Print JSON.");

    /// <summary>Text of any kind.</summary>
    public static Option<string?> Text(string name, string description, string placeholder, params string[] aliases) =>
        new(name, aliases) { Description = description, HelpName = placeholder };

    /// <summary>On, off, or as openai/whisper has it, True or False behind it.</summary>
    public static Option<bool> Flag(string name, string description, bool initially = false) =>
        new(name) { Description = description, HelpName = "True|False", DefaultValueFactory = _ => initially };

    /// <summary>
    /// Rewrites <c>--with --multilingual</c> to <c>--with=--multilingual</c>: a value that looks like an option would be taken
    /// for one.
    /// </summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="option">The option whose values are options.</param>
    public static IEnumerable<string> Attach(IReadOnlyList<string> arguments, string option)
    {
        for (int i = 0; i < arguments.Count; i++)
        {
            bool attaches = arguments[i] == option && i + 1 < arguments.Count && arguments[i + 1].StartsWith('-');
            yield return attaches ? $"{option}={arguments[++i]}" : arguments[i];
        }
    }

    /// <summary>Rewrites <c>--output_format=txt</c> to <c>--output-format=txt</c>; values stay as they are.</summary>
    public static string[] SpellWithDashes(string[] arguments)
    {
        bool options = true;
        return [.. arguments.Select(argument =>
        {
            options &= argument != "--";
            int end = argument.IndexOfAny(['=', ' ']) is var at and >= 0 ? at : argument.Length;
            return options && argument.StartsWith("--", StringComparison.Ordinal)
                ? argument[..end].Replace('_', '-') + argument[end..]
                : argument;
        })];
    }
}
