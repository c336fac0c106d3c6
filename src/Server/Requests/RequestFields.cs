using Handwritten.Runtime.Settings;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Requests;

/// <summary>
/// The fields of a request, as a form has them: names and texts, a name several times for a list. Each is asked for by
/// name and kind; what nobody asked for is refused at the end, so that a typing error does not go unnoticed.
/// </summary>
internal sealed class RequestFields(IEnumerable<KeyValuePair<string, string>> fields)
{
    private readonly ILookup<string, string> _values = fields.ToLookup(
        field => field.Key.EndsWith("[]", StringComparison.Ordinal) ? field.Key[..^2] : field.Key, field => field.Value);

    private readonly HashSet<string> _known = [];

    /// <summary>All values of a name.</summary>
    public IReadOnlyList<string> List(string name)
    {
        _known.Add(name);
        return [.. _values[name]];
    }

    /// <summary>A text; null if it is not there or empty.</summary>
    public string? Text(string name) => List(name) switch
    {
        [] or [""] => null,
        [var only] => only,
        _ => throw ApiException.BadField(name, $"{name} was given several times."),
    };

    /// <summary>One of a few words.</summary>
    public string? Choice(string name, params string[] words) => Text(name) is { } text ? Read(name, text, ValueKind.Choice(words)) : null;

    /// <summary>True or false.</summary>
    public bool? Flag(string name) => Text(name) is { } text ? Read(name, text, ValueKind.Flag) : null;

    /// <summary>A number.</summary>
    public double? Number(string name, double minimum, double maximum) => Text(name) is { } text ? Read(name, text, ValueKind.Number(minimum, maximum)) : null;

    /// <summary>A whole number.</summary>
    public int? Integer(string name, int minimum, int maximum) => Text(name) is { } text ? Read(name, text, ValueKind.WholeNumber(minimum, maximum)) : null;

    /// <summary>Sets whatever of some settings was sent, under any of their names; a list may come with commas or as a name several times.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="options">What holds where nothing was sent.</param>
    /// <exception cref="ApiException">A value makes no sense.</exception>
    public TOptions Apply<TOptions>(IEnumerable<Setting<TOptions>> settings, TOptions options)
    {
        foreach ((Setting<TOptions> setting, string name) in settings.SelectMany(setting => setting.Aliases.Prepend(setting.Name), (setting, name) => (setting, name)))
        {
            string? text = setting.IsList && List(name) is { Count: > 0 } values ? string.Join(',', values) : Text(name);
            options = string.IsNullOrEmpty(text) ? options : Guard(name, () => setting.Apply(options, name, text));
        }

        return options;
    }

    /// <summary>Refuses what nobody asked for.</summary>
    /// <exception cref="ApiException">There is a field that means nothing here.</exception>
    public void RefuseUnknown()
    {
        if (_values.FirstOrDefault(field => !_known.Contains(field.Key)) is { } unknown)
        {
            throw ApiException.BadField(unknown.Key, $"Unrecognized request argument supplied: {unknown.Key}.", "unknown_parameter");
        }
    }

    private static T Read<T>(string name, string text, ValueKind<T> kind) => Guard(name, () => kind.Read(name, text));

    private static T Guard<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SettingException failure)
        {
            throw ApiException.BadField(name, failure.Message);
        }
    }
}
