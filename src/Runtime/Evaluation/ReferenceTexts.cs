using System.Text.Json;
using Handwritten.Runtime.Output;

namespace Handwritten.Runtime.Evaluation;

/// <summary>What was really said in a recording.</summary>
/// <param name="Text">The text.</param>
/// <param name="Language">Its language code; null where nobody says.</param>
public sealed record ReferenceText(string Text, string? Language);

/// <summary>
/// The true texts of recordings, by the recordings' file names, or where there is none of that name, by the name without
/// its extension. They come from a folder of <c>NAME.txt</c>, from a table (<c>.tsv</c>: name, tab, text), or from a manifest (<c>.json</c>, <c>.jsonl</c>): a list
/// of objects, or an object with such a list, each with a name (<c>file</c>, <c>audio</c>, <c>audio_filepath</c> or
/// <c>path</c>), a text (<c>text</c>, <c>sentence</c> or <c>transcript</c>), and perhaps a <c>language</c>.
/// </summary>
public sealed class ReferenceTexts
{
    private static readonly string[] NameKeys = ["file", "audio", "audio_filepath", "path"];
    private static readonly string[] TextKeys = ["text", "sentence", "transcript"];

    private readonly string _source;
    private readonly (string Name, ReferenceText Reference)[]? _texts;

    private ReferenceTexts(string source, (string Name, ReferenceText Reference)[]? texts) => (_source, _texts) = (source, texts);

    /// <summary>Opens references.</summary>
    /// <param name="path">A folder, a table or a manifest.</param>
    /// <exception cref="TranscriptException">It cannot be read.</exception>
    public static ReferenceTexts Open(string path)
    {
        if (Directory.Exists(path))
        {
            return new ReferenceTexts(path, null);
        }

        string text = TranscriptReader.ReadText(path);
        try
        {
            IEnumerable<(string Name, ReferenceText Reference)> entries = Path.GetExtension(path).ToLowerInvariant() switch
            {
                ".json" => ReadManifest(text),
                ".jsonl" => Lines(text).SelectMany(ReadManifest),
                ".tsv" => Lines(text).Select(ReadLine),
                _ => throw new TranscriptException($"'{path}' holds no references by its name: give a folder of text files, or a file that ends in .tsv, .json or .jsonl."),
            };
            return new ReferenceTexts(path, [.. entries.Select(entry => (Path.GetFileName(entry.Name), entry.Reference))]);
        }
        catch (Exception exception) when (exception is FormatException or JsonException or InvalidOperationException)
        {
            throw new TranscriptException($"'{path}' holds no references: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    /// <summary>The reference of a recording or transcript.</summary>
    /// <param name="path">Path of the recording or transcript.</param>
    /// <exception cref="TranscriptException">There is none.</exception>
    public ReferenceText Find(string path)
    {
        string file = Path.GetFileName(path), name = TranscriptFiles.BaseName(path);
        if (_texts is null)
        {
            string text = Path.Combine(_source, $"{name}.txt");
            return Path.GetFullPath(text) != Path.GetFullPath(path)
                ? new ReferenceText(TranscriptReader.ReadText(text), null)
                : throw new TranscriptException($"'{path}' would be compared with itself: put references and transcripts into two folders.");
        }

        IEnumerable<ReferenceText> References(Func<string, bool> isMeant) => _texts.Where(text => isMeant(text.Name)).Select(text => text.Reference).Distinct();
        ReferenceText[] found = [.. References(entry => entry == file)];
        found = found.Length > 0 ? found : [.. References(entry => TranscriptFiles.BaseName(entry) == name)];
        return found switch
        {
            [var reference] => reference,
            [] => throw new TranscriptException($"'{_source}' has no text for '{name}', so '{path}' cannot be judged."),
            _ => throw new TranscriptException($"'{_source}' has several texts for '{name}', so '{path}' cannot be judged."),
        };
    }

    private static IEnumerable<string> Lines(string text) =>
        text.ReplaceLineEndings("\n").Split('\n').Where(line => !string.IsNullOrWhiteSpace(line));

    private static (string Name, ReferenceText Reference) ReadLine(string line) => line.Split('\t', 2) is [var name, var text]
        ? (name, new ReferenceText(text, null))
        : throw new FormatException($"the line '{line}' has no tab between name and text");

    private static List<(string Name, ReferenceText Reference)> ReadManifest(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        if (root.ValueKind == JsonValueKind.Object && Value(root, NameKeys) is null)
        {
            root = root.EnumerateObject().Select(property => property.Value).FirstOrDefault(value => value.ValueKind == JsonValueKind.Array);
        }

        return root.ValueKind switch
        {
            JsonValueKind.Object => [ReadEntry(root)],
            JsonValueKind.Array => [.. root.EnumerateArray().Select(ReadEntry)],
            _ => throw new FormatException("it has no list of recordings"),
        };
    }

    private static (string Name, ReferenceText Reference) ReadEntry(JsonElement entry) => (
        Value(entry, NameKeys) ?? throw new FormatException($"an entry has no {string.Join(", ", NameKeys)}"),
        new ReferenceText(Value(entry, TextKeys) ?? throw new FormatException($"an entry has no {string.Join(", ", TextKeys)}"), Value(entry, ["language"])));

    private static string? Value(JsonElement entry, string[] keys) => entry.ValueKind != JsonValueKind.Object
        ? null
        : keys.Select(key => entry.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null)
            .FirstOrDefault(value => value is not null);
}
