using System.CommandLine;
using System.Globalization;

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
    public static Option<OrNone<int>> Integer(string name, string description, int? initially, int minimum, int maximum, params string[] aliases) => Make(
        name, aliases, description, initially, $"a whole number from {minimum} to {maximum}", text =>
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= minimum && number <= maximum ? number : null);

    /// <summary>A number or None.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">What it does.</param>
    /// <param name="initially">What holds where it is not given; null for None.</param>
    /// <param name="minimum">The least.</param>
    /// <param name="maximum">The most.</param>
    /// <param name="aliases">Other names.</param>
    public static Option<OrNone<double>> Number(string name, string description, double? initially, double minimum, double maximum, params string[] aliases) => Make(
        name, aliases, description, initially, string.Create(CultureInfo.InvariantCulture, $"a number from {minimum} to {maximum}"), text =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= minimum && number <= maximum ? number : null);

    /// <summary>Numbers with commas between them, or nothing.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">What it does.</param>
    /// <param name="placeholder">What stands for them in the help.</param>
    /// <param name="initially">What holds where they are not given.</param>
    /// <param name="what">What each must be, for the message.</param>
    /// <param name="parse">Parses one; null if it is none.</param>
    public static Option<T[]> List<T>(string name, string description, string placeholder, T[] initially, string what, Func<string, T?> parse)
        where T : struct => new(name)
        {
            Description = description,
            HelpName = placeholder,
            DefaultValueFactory = _ => initially,
            CustomParser = result =>
            {
                List<T> numbers = [];
                foreach (string part in result.Tokens[0].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                {
                    if (parse(part) is not T number)
                    {
                        result.AddError($"{name} must be {what} with commas between them, but '{part}' is not.");
                        break;
                    }

                    numbers.Add(number);
                }

                return [.. numbers];
            },
        };

    private static Option<OrNone<T>> Make<T>(string name, string[] aliases, string description, T? initially, string what, Func<string, T?> parse)
        where T : struct => new(name, aliases)
        {
            Description = description,
            HelpName = "N|None",
            DefaultValueFactory = _ => new OrNone<T>(initially),
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (text.Equals("None", StringComparison.OrdinalIgnoreCase))
                {
                    return default;
                }

                T? number = parse(text);
                if (number is null)
                {
                    result.AddError($"{name} must be {what} or None, but it is '{text}'.");
                }

                return new OrNone<T>(number);
            },
        };
}
