using System.Text.Json;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Requests;

/// <summary>Reads requests that are JSON objects into the names and texts that a form has.</summary>
internal static class JsonFields
{
    /// <summary>
    /// The fields of an object. Numbers and truth values become texts, lists become repeated names, the fields of an object get names as
    /// <c>name[field]</c>, null is left out.
    /// </summary>
    /// <param name="json">The object.</param>
    /// <param name="except">Names that somebody else reads.</param>
    /// <exception cref="ApiException">A field is an empty object, or one in another, or in a list.</exception>
    public static IEnumerable<KeyValuePair<string, string>> Flatten(JsonElement json, params IReadOnlyCollection<string> except) =>
        json.EnumerateObject()
            .Where(field => !except.Contains(field.Name))
            .SelectMany(field => field.Value.ValueKind switch
            {
                JsonValueKind.Array => field.Value.EnumerateArray().SelectMany(item => Text(field.Name, item)),
                JsonValueKind.Object when field.Value.EnumerateObject().Any() => field.Value.EnumerateObject().SelectMany(own => Text($"{field.Name}[{own.Name}]", own.Value)),
                _ => Text(field.Name, field.Value),
            });

    /// <summary>The fields of an object that a field holds as JSON.</summary>
    /// <param name="name">The field.</param>
    /// <param name="json">What it holds.</param>
    /// <exception cref="ApiException">It is no object of texts, numbers and truth values.</exception>
    public static IEnumerable<KeyValuePair<string, string>> Flatten(string name, string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return [.. Flatten(document.RootElement)];
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            throw ApiException.BadField(name, $"{name} begins like JSON and is none: {failure.Message}");
        }
    }

    /// <summary>A text of an object.</summary>
    /// <exception cref="ApiException">It is something else.</exception>
    public static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value)
        ? value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Null => null,
            _ => throw ApiException.BadField(name, $"{name} must be a text."),
        }
        : null;

    /// <summary>An object of texts, such as headers.</summary>
    /// <exception cref="ApiException">It is something else.</exception>
    public static IReadOnlyDictionary<string, string> Texts(JsonElement json, string name)
    {
        Dictionary<string, string> texts = [];
        if (json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null)
        {
            if (value.ValueKind != JsonValueKind.Object)
            {
                throw ApiException.BadField(name, $"{name} must be an object of texts.");
            }

            foreach (JsonProperty field in value.EnumerateObject())
            {
                texts[field.Name] = field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString()! : throw ApiException.BadField(name, $"{name} must be an object of texts.");
            }
        }

        return texts;
    }

    private static IEnumerable<KeyValuePair<string, string>> Text(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => [],
        JsonValueKind.String => [new(name, value.GetString()!)],
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => [new(name, value.GetRawText())],
        _ => throw ApiException.BadField(name, $"{name} must be a text, a number, true, false or a list of them."),
    };
}
