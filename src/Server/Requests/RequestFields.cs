using System.Text;
using Handwritten.Runtime.Settings;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Requests;

/// <summary>
/// The fields of a request, as a form has them: names and texts, a name several times for a list. Each is asked for by
/// name and kind; what nobody asked for is refused at the end, so that a typing error does not go unnoticed.
/// </summary>
/// <param name="fields">Names and texts.</param>
/// <param name="path">What names are told with: of the fields of an object, the object's and a dot.</param>
internal sealed class RequestFields(IEnumerable<KeyValuePair<string, string>> fields, string path = "")
{
    /// <summary>Bytes of a field, or of all the values of a list: no text that a request needs is longer, and texts take time.</summary>
    public const int MostBytes = 1 << 16;

    private readonly ILookup<string, string> _values = fields.ToLookup(
        field => field.Key.EndsWith("[]", StringComparison.Ordinal) ? field.Key[..^2] : field.Key, field => field.Value);

    private readonly HashSet<string> _known = [];

    /// <summary>All values of a name.</summary>
    /// <exception cref="ApiException">Together they are too long.</exception>
    public IReadOnlyList<string> List(string name)
    {
        _known.Add(name);
        RequireShort(path + name, _values[name]);
        return [.. _values[name]];
    }

    /// <summary>Refuses texts that are longer than a field may be.</summary>
    /// <exception cref="ApiException">Together they are.</exception>
    public static void RequireShort(string name, params IEnumerable<string> texts)
    {
        if (texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text)) > MostBytes)
        {
            throw ApiException.BadField(name, $"{name} has more than {MostBytes} bytes.");
        }
    }

    /// <summary>A text; null if it is not there or empty.</summary>
    public string? Text(string name) => List(name) switch
    {
        [] or [""] => null,
        [var only] => only,
        _ => throw ApiException.BadField(path + name, $"{path}{name} was given several times."),
    };

    /// <summary>
    /// An object: its fields as a form has them, <c>name[field]</c>, or all of it as JSON in one text; null if it is neither.
    /// </summary>
    /// <exception cref="ApiException">It is broken JSON, or has objects in it.</exception>
    public RequestFields? Object(string name)
    {
        KeyValuePair<string, string>[] own =
        [
            .. _values.Where(field => field.Key.StartsWith($"{name}[", StringComparison.Ordinal) && field.Key[^1] == ']')
                .SelectMany(field => field.Select(value => KeyValuePair.Create(field.Key[(name.Length + 1)..^1], value))),
        ];
        _known.UnionWith(own.Select(field => $"{name}[{field.Key}]"));
        if (own.Length == 0 && List(name) is [['{', ..] json])
        {
            own = [.. JsonFields.Flatten(path + name, json)];
        }

        return own.Length > 0 ? new RequestFields(own, $"{path}{name}.") : null;
    }

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
            throw ApiException.BadField(path + unknown.Key, $"Unrecognized request argument supplied: {path}{unknown.Key}.", "unknown_parameter");
        }
    }

    private T Read<T>(string name, string text, ValueKind<T> kind) => Guard(name, () => kind.Read(path + name, text));

    private T Guard<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SettingException failure)
        {
            throw ApiException.BadField(path + name, failure.Message);
        }
    }
}
