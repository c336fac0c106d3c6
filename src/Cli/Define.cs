using System.CommandLine;
using Handwritten.Runtime.Settings;

namespace Handwritten.Cli;

/// <summary>
/// Makes options whose mistakes read as sentences. They are defined as <c>--with-dashes</c>; what else is understood, as
/// <c>--with_underscores</c>, <see cref="PlainCommandLine"/> says.
/// </summary>
internal static class Define
{
    /// <summary>One of a few words; the first is the default.</summary>
    public static Option<string> Choice(string name, string description, params string[] words)
    {
        Option<string> option = new(name) { Description = description, HelpName = string.Join('|', words), DefaultValueFactory = _ => words[0] };
        option.CompletionSources.Add(words);
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !words.Contains(token.Value))
            {
                result.AddError(NoChoice(name, token.Value, words));
            }
        });
        return option;
    }

    /// <summary>One or more of a few words, with commas between them.</summary>
    public static Option<string[]> Choices(string name, string description, string initially, string[] words, params string[] aliases)
    {
        Option<string[]> option = new(name, aliases)
        {
            Description = description,
            HelpName = string.Join('|', words),
            Arity = ArgumentArity.ExactlyOne,
            DefaultValueFactory = _ => [initially],
            CustomParser = result =>
            {
                string[] chosen = result.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries);
                if (Array.Find(chosen, word => !words.Contains(word)) is { } wrong)
                {
                    result.AddError(NoChoice(name, wrong, words));
                }

                return chosen;
            },
        };
        option.CompletionSources.Add(words);
        return option;
    }

    /// <summary>A value of some kind, which always has one.</summary>
    public static Option<T> Value<T>(string name, string description, T initially, ValueKind<T> kind) => new(name)
    {
        Description = description,
        HelpName = kind.Placeholder,
        DefaultValueFactory = _ => initially,
        CustomParser = result =>
        {
            try
            {
                return kind.Read(name, result.Tokens[0].Value);
            }
            catch (SettingException failure)
            {
                result.AddError(failure.Message);
                return initially;
            }
        },
    };

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
                    result.AddError(failure.Message + Spelling.SuggestValue(language, ValueKind.Language.Words));
                    return null;
                }
            },
        };
        option.CompletionSources.Add([.. ValueKind.Language.Words]);
        return option;
    }

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

    private static string NoChoice(string name, string word, string[] words) =>
        $"{name} must be {ValueKind.Choice(words).Expectation}, but it is '{word}'.{Spelling.Suggest(word, words)}";
}
