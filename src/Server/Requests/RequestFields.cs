using System.Globalization;
using Handwritten.Model.Tokenization;
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
    public string? Choice(string name, params ReadOnlySpan<string> words)
    {
        string? value = Text(name);
        return value is null || words.Contains(value)
            ? value
            : throw ApiException.BadField(name, $"{name} must be one of {string.Join(", ", words)}, but it is '{value}'.");
    }

    /// <summary>True or false.</summary>
    public bool? Flag(string name) => Text(name)?.ToLowerInvariant() switch
    {
        null => null,
        "true" or "1" => true,
        "false" or "0" => false,
        var other => throw ApiException.BadField(name, $"{name} must be true or false, but it is '{other}'."),
    };

    /// <summary>A number.</summary>
    public double? Number(string name, double minimum, double maximum) => Text(name) switch
    {
        null => null,
        var text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= minimum && number <= maximum => number,
        var text => throw ApiException.BadField(name, string.Create(CultureInfo.InvariantCulture, $"{name} must be a number from {minimum} to {maximum}, but it is '{text}'.")),
    };

    /// <summary>A whole number.</summary>
    public int? Integer(string name, int minimum, int maximum) => Text(name) switch
    {
        null => null,
        var text when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= minimum && number <= maximum => number,
        var text => throw ApiException.BadField(name, $"{name} must be a whole number from {minimum} to {maximum}, but it is '{text}'."),
    };

    /// <summary>Numbers: in a list, or with commas between them.</summary>
    public IReadOnlyList<double>? Numbers(string name, double minimum, double maximum)
    {
        string[] parts = [.. List(name).SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
        return parts.Length == 0 ? null : [.. parts.Select(part =>
            double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= minimum && number <= maximum
                ? number
                : throw ApiException.BadField(name, string.Create(CultureInfo.InvariantCulture, $"{name} must be numbers from {minimum} to {maximum}, but one is '{part}'.")))];
    }

    /// <summary>A language, as its code.</summary>
    public string? Language(string name) => Text(name) is not { } text
        ? null
        : Languages.FindCode(text) ?? throw ApiException.BadField(name, $"{name} must be a code such as 'en' or a name such as 'English', but it is '{text}'.");

    /// <summary>Refuses what nobody asked for.</summary>
    /// <exception cref="ApiException">There is a field that means nothing here.</exception>
    public void RefuseUnknown()
    {
        if (_values.FirstOrDefault(field => !_known.Contains(field.Key)) is { } unknown)
        {
            throw ApiException.BadField(unknown.Key, $"Unrecognized request argument supplied: {unknown.Key}.", "unknown_parameter");
        }
    }
}
