using System.CommandLine;
using System.Globalization;
using Handwritten.Runtime.Settings;

namespace Handwritten.Cli;

/// <summary>A number or None. (An option's value cannot be null where it was given.)</summary>
/// <param name="Value">The number; null for None.</param>
internal readonly record struct OrNone<T>(T? Value)
    where T : struct
{
    /// <summary>As the help shows it.</summary>
    public override string ToString() => Value is T number ? string.Create(CultureInfo.InvariantCulture, $"{number}") : "None";
}

/// <summary>Makes options that are a number or, as openai/whisper has it, None.</summary>
internal static class Optional
{
    /// <summary>A whole number or None.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">What it does.</param>
    /// <param name="initially">What holds where it is not given; null for None.</param>
    /// <param name="minimum">The least.</param>
    /// <param name="maximum">The most.</param>
    /// <param name="aliases">Other names.</param>
    public static Option<OrNone<int>> Integer(string name, string description, int? initially, int minimum, int maximum, params string[] aliases) =>
        Make(name, aliases, description, initially, ValueKind.WholeNumber(minimum, maximum).OrNone());

    /// <summary>A number or None.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">What it does.</param>
    /// <param name="initially">What holds where it is not given; null for None.</param>
    /// <param name="minimum">The least.</param>
    /// <param name="maximum">The most.</param>
    public static Option<OrNone<double>> Number(string name, string description, double? initially, double minimum, double maximum) =>
        Make(name, [], description, initially, ValueKind.Number(minimum, maximum).OrNone());

    private static Option<OrNone<T>> Make<T>(string name, string[] aliases, string description, T? initially, ValueKind<T?> kind)
        where T : struct => new(name, aliases)
        {
            Description = description,
            HelpName = kind.Placeholder,
            DefaultValueFactory = _ => new OrNone<T>(initially),
            CustomParser = result =>
            {
                try
                {
                    return new OrNone<T>(kind.Read(name, result.Tokens[0].Value));
                }
                catch (SettingException failure)
                {
                    result.AddError(failure.Message);
                    return default;
                }
            },
        };
}
