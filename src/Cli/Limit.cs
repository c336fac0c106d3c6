using System.CommandLine;
using System.Globalization;
using Handwritten.Runtime.Settings;

namespace Handwritten.Cli;

/// <summary>
/// A number that bounds something: an option, or where that is not given an environment variable of the same name, which is how
/// containers are configured: <c>--max-streams</c> is <c>HANDWRITTEN_MAX_STREAMS</c>.
/// </summary>
internal sealed class Limit<T>
    where T : struct, IFormattable
{
    private readonly ValueKind<T> _kind;
    private readonly T? _initially;

    /// <summary>Defines it.</summary>
    /// <param name="name">The option, with its dashes.</param>
    /// <param name="description">What it bounds.</param>
    /// <param name="initially">What holds where nothing is said; null for no limit.</param>
    /// <param name="kind">What it must be.</param>
    public Limit(string name, string description, T? initially, ValueKind<T> kind)
    {
        (_kind, _initially) = (kind, initially);
        Variable = $"HANDWRITTEN_{name.TrimStart('-').Replace('-', '_').ToUpperInvariant()}";
        Option = new Option<T?>(name)
        {
            Description = $"{description} [default: ${Variable}, or {(initially is T value ? value.ToString(null, CultureInfo.InvariantCulture) : "no limit")}]",
            HelpName = kind.Placeholder,
            CustomParser = result =>
            {
                try
                {
                    return kind.Read(name, result.Tokens[0].Value);
                }
                catch (SettingException failure)
                {
                    result.AddError(failure.Message);
                    return null;
                }
            },
        };
    }

    /// <summary>The option.</summary>
    public Option<T?> Option { get; }

    /// <summary>The environment variable.</summary>
    public string Variable { get; }

    /// <summary>What holds; null for no limit.</summary>
    /// <exception cref="UsageException">The environment variable makes no sense.</exception>
    public T? Read(ParseResult parsed)
    {
        if (parsed.GetValue(Option) is T given)
        {
            return given;
        }

        try
        {
            return Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text ? _kind.Read(Variable, text) : _initially;
        }
        catch (SettingException failure)
        {
            throw new UsageException(failure.Message);
        }
    }
}
