using System.Text.Json;
using System.Text.Unicode;

namespace Handwritten.Model.Configuration;

// One JSON file of a model folder, read so that whatever is wrong in it becomes a sentence:
//
//     <path>: "d_model" must be a whole number, but it is "wide"; download the file again or correct the field.
//
// The files of a folder were written by many versions of transformers. What they all share: a field that has its
// default may be absent, and Python's None is null. Both read as null here, and the caller knows the default.

/// <summary>A JSON object on disk whose fields are read with errors that name file and field.</summary>
internal sealed class JsonFile
{
    private const string Remedy = "download the file again or correct the field";

    private JsonFile(string path, JsonElement root)
    {
        Path = path;
        Root = root;
    }

    /// <summary>Where it is, for messages.</summary>
    public string Path { get; }

    /// <summary>The whole object.</summary>
    public JsonElement Root { get; }

    /// <summary>Reads a file that must exist.</summary>
    /// <exception cref="ModelException">It is missing, unreadable, or no JSON object.</exception>
    public static JsonFile Open(string folder, string name)
    {
        if (!Directory.Exists(folder))
        {
            throw new ModelException($"The model folder \"{folder}\" does not exist; give a folder with a Whisper model as Hugging Face publishes it.");
        }

        return TryOpen(folder, name)
            ?? throw new ModelException($"The folder \"{folder}\" has no {name}; give a folder with a Whisper model as Hugging Face publishes it (config.json, model.safetensors, tokenizer files).");
    }

    /// <summary>Reads a file that may be absent; null then.</summary>
    /// <exception cref="ModelException">It is there, but unreadable or no JSON object.</exception>
    public static JsonFile? TryOpen(string folder, string name)
    {
        string path = System.IO.Path.Combine(folder, name);
        if (!File.Exists(path))
        {
            return null;
        }

        JsonElement root;
        try
        {
            ReadOnlyMemory<byte> bytes = File.ReadAllBytes(path);
            // Some editors put a byte order mark before UTF-8; the JSON reader takes none.
            bytes = bytes.Span.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
            CheckTexts(path, bytes.Span);
            root = JsonDocument.Parse(bytes).RootElement;
        }
        catch (JsonException error)
        {
            throw new ModelException($"{path} is not valid JSON from line {error.LineNumber + 1} on; download the file again.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelException($"{path} cannot be read: {error.Message.TrimEnd('.')}; make the file readable.", error);
        }

        return root.ValueKind == JsonValueKind.Object
            ? new JsonFile(path, root)
            : throw new ModelException($"{path} must hold a JSON object, but it holds {Describe(root)}; download the file again.");
    }

    /// <summary>The object in a field, seen as a file of its own; null if absent or null.</summary>
    public JsonFile? Section(string field) =>
        Find(field) is JsonElement value ? new JsonFile($"{Path} ({field})", Expect(field, value, JsonValueKind.Object, "an object")) : null;

    /// <summary>A field's value; null if it is absent or null.</summary>
    public JsonElement? Find(string field) =>
        Root.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A text; null if absent or null.</summary>
    public string? Text(string field) =>
        Find(field) is JsonElement value ? Expect(field, value, JsonValueKind.String, "a text").GetString() : null;

    /// <summary>true or false; null if absent or null.</summary>
    public bool? Flag(string field) => Find(field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        JsonElement other => throw Wrong(field, $"must be true or false, but it is {Describe(other)}"),
    };

    /// <summary>A number; null if absent or null.</summary>
    public double? Number(string field) =>
        Find(field) is JsonElement value ? Expect(field, value, JsonValueKind.Number, "a number").GetDouble() : null;

    /// <summary>A whole number; null if absent or null.</summary>
    public int? Integer(string field) => Find(field) is JsonElement value ? Integer(field, value) : null;

    /// <summary>A whole number above zero; <paramref name="fallback"/> if absent or null.</summary>
    /// <exception cref="ModelException">It is no such number, or absent without a fallback.</exception>
    public int Positive(string field, int? fallback = null)
    {
        int value = Integer(field) ?? fallback ?? throw Wrong(field, "is missing", "download the file again or add the field");
        return value > 0 ? value : throw Wrong(field, $"must be above zero, but it is {value}");
    }

    /// <summary>A list; null if absent or null.</summary>
    public IReadOnlyList<T>? List<T>(string field, Func<string, JsonElement, T> item)
    {
        if (Find(field) is not JsonElement list)
        {
            return null;
        }

        return [.. Expect(field, list, JsonValueKind.Array, "a list").EnumerateArray().Select(value => item(field, value))];
    }

    /// <summary>
    /// This whole object as texts and their token ids, all below <paramref name="limit"/>. A repeated text keeps its
    /// last id, as in Python.
    /// </summary>
    public Dictionary<string, int> Ids(int limit)
    {
        Dictionary<string, int> ids = new(Root.GetPropertyCount());
        foreach (JsonProperty property in Root.EnumerateObject())
        {
            ids[property.Name] = TokenId(property.Name, property.Value, limit);
        }

        return ids;
    }

    /// <summary>A value as a whole number.</summary>
    public int Integer(string field, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number)
            ? number
            : throw Wrong(field, $"must be a whole number, but it is {Describe(value)}");

    /// <summary>A value as the id of a token in a vocabulary of the given size.</summary>
    public int TokenId(string field, JsonElement value, int vocabulary) =>
        Integer(field, value) is int id && id >= 0 && id < vocabulary
            ? id
            : throw Wrong(field, $"has the token id {value}, but the vocabulary has the ids 0 to {vocabulary - 1}");

    /// <summary>A pair of values, as in a list of [layer, head].</summary>
    public (JsonElement First, JsonElement Second) Pair(string field, JsonElement value) =>
        value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2
            ? (value[0], value[1])
            : throw Wrong(field, $"must be a list of pairs, but one of its items is {Describe(value)}");

    /// <summary>The exception that says what is wrong with a field.</summary>
    public ModelException Wrong(string field, string what, string remedy = Remedy) => new($"{Path}: \"{field}\" {what}; {remedy}.");

    /// <summary>
    /// Makes sure that every text in a file can be read. The JSON reader itself looks only when asked for the text,
    /// and then fails without saying where.
    /// </summary>
    private static void CheckTexts(string path, ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            throw new ModelException($"{path} is not valid UTF-8; download the file again.");
        }

        // Bytes are fine, so only an escaped half of a surrogate pair is left; nearly no file has one to look at.
        if (json.IndexOf("\\ud"u8) < 0 && json.IndexOf("\\uD"u8) < 0)
        {
            return;
        }

        Utf8JsonReader reader = new(json);
        try
        {
            while (reader.Read())
            {
                _ = reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName ? reader.GetString() : null;
            }
        }
        catch (InvalidOperationException error)
        {
            throw new ModelException($"{path} has a text with half a surrogate pair near byte {reader.TokenStartIndex}; download the file again.", error);
        }
    }

    private JsonElement Expect(string field, JsonElement value, JsonValueKind kind, string name) =>
        value.ValueKind == kind ? value : throw Wrong(field, $"must be {name}, but it is {Describe(value)}");

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        _ => value.GetRawText() is { Length: > 40 } text ? string.Concat(text.AsSpan(0, 40), "...") : value.GetRawText(),
    };
}
