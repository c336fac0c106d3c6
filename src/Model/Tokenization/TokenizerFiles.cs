using System.Globalization;
using System.Text.Json;
using Handwritten.Model.Configuration;

namespace Handwritten.Model.Tokenization;

// A tokenizer comes in two forms, and a folder has one or both:
//
//     vocab.json + merges.txt    the byte-pair encoding: ids of the tokens, and which two tokens make a longer one
//       + added_tokens.json      ids of the special tokens (newer folders repeat them in tokenizer_config.json)
//     tokenizer.json             all of that in one file
//
// special_tokens_map.json and the rest of tokenizer_config.json repeat texts whose ids are here.

/// <summary>The contents of the tokenizer files of a model folder.</summary>
internal sealed record TokenizerFiles
{
    private const string VocabularyName = "vocab.json";
    private const string MergesName = "merges.txt";
    private const string AddedName = "added_tokens.json";
    private const string SettingsName = "tokenizer_config.json";
    private const string SingleName = "tokenizer.json";

    /// <summary>The file with <see cref="Vocabulary"/>, for messages.</summary>
    public required string Origin { get; init; }

    /// <summary>The file with <see cref="Merges"/>, for messages.</summary>
    public required string MergesOrigin { get; init; }

    /// <summary>Ids of the tokens of the byte-pair encoding, in the alphabet of visible bytes.</summary>
    public required IReadOnlyDictionary<string, int> Vocabulary { get; init; }

    /// <summary>Pairs of tokens that are merged, "left right", the earlier the sooner.</summary>
    public required IReadOnlyList<string> Merges { get; init; }

    /// <summary>Ids of the tokens beside the byte-pair encoding, in plain text.</summary>
    public required IReadOnlyDictionary<string, int> Added { get; init; }

    /// <summary>Reads the tokenizer files of a model folder.</summary>
    /// <exception cref="ModelException">They are missing, damaged or incomplete.</exception>
    public static TokenizerFiles Read(string folder)
    {
        TokenizerFiles files = ReadAll(folder);
        files.CheckComplete();
        return files;
    }

    /// <summary>
    /// An encoder silently drops a byte that has no token, and never writes a token whose merge is missing. Both mean
    /// that a file was cut off.
    /// </summary>
    private void CheckComplete()
    {
        foreach (char character in ByteAlphabet.Characters)
        {
            if (!Vocabulary.ContainsKey(character.ToString()))
            {
                throw new ModelException($"{Origin} has no token for the byte written \"{character}\"; download the tokenizer files again.");
            }
        }

        int merged = Vocabulary.Count(token => token.Key.Length > 1 && !SpecialTokens.IsSpecial(token.Key));
        if (merged > Merges.Count)
        {
            throw new ModelException($"{MergesOrigin} has {Merges.Count} merges, but the vocabulary has {merged} tokens that need one each; download the tokenizer files again.");
        }
    }

    private static TokenizerFiles ReadAll(string folder)
    {
        string vocabulary = Path.Combine(folder, VocabularyName);
        string merges = Path.Combine(folder, MergesName);
        if (File.Exists(vocabulary) && File.Exists(merges))
        {
            return new TokenizerFiles
            {
                Origin = vocabulary,
                MergesOrigin = merges,
                Vocabulary = JsonFile.Open(folder, VocabularyName).Ids(int.MaxValue),
                Merges = ReadMerges(merges),
                Added = ReadAdded(folder),
            };
        }

        if (JsonFile.TryOpen(folder, SingleName) is not JsonFile file)
        {
            throw new ModelException($"The folder \"{folder}\" has no tokenizer; download {VocabularyName} with {MergesName}, or {SingleName}, into it.");
        }

        JsonFile model = file.Section("model") ?? throw file.Wrong("model", "is missing", "download the file again");
        if (model.Text("type") is string type and not "BPE")
        {
            throw model.Wrong("type", $"is \"{type}\", but Whisper's tokenizer is a \"BPE\"", "take the file from a Whisper model");
        }

        return new TokenizerFiles
        {
            Origin = file.Path,
            MergesOrigin = file.Path,
            Vocabulary = model.Section("vocab")?.Ids(int.MaxValue) ?? throw model.Wrong("vocab", "is missing", "download the file again"),
            Merges = model.List("merges", (field, merge) => ReadMerge(model, field, merge)) ?? [],
            Added = ReadAddedList(file),
        };
    }

    private static List<string> ReadMerges(string path)
    {
        try
        {
            // "# #" is a merge, so only the first line can be a comment.
            return [.. File.ReadLines(path).Where((line, number) => line.Length > 0 && !(number == 0 && line.StartsWith("#version", StringComparison.Ordinal)))];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelException($"{path} cannot be read: {error.Message.TrimEnd('.')}; make the file readable.", error);
        }
    }

    /// <summary>A merge is the text "left right" or, since tokenizers 0.20, the list ["left", "right"].</summary>
    private static string ReadMerge(JsonFile file, string field, JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.String)
        {
            return merge.GetString()!;
        }

        (JsonElement left, JsonElement right) = file.Pair(field, merge);
        return $"{left} {right}";
    }

    /// <summary>The special tokens from the first file that has them.</summary>
    private static Dictionary<string, int> ReadAdded(string folder)
    {
        if (JsonFile.TryOpen(folder, AddedName) is JsonFile added)
        {
            return added.Ids(int.MaxValue);
        }

        if (JsonFile.TryOpen(folder, SettingsName)?.Section("added_tokens_decoder") is JsonFile settings)
        {
            return ReadAddedDecoder(settings);
        }

        return JsonFile.TryOpen(folder, SingleName) is JsonFile single ? ReadAddedList(single) : [];
    }

    /// <summary>{ "50257": { "content": "&lt;|endoftext|&gt;", ... }, ... } of tokenizer_config.json.</summary>
    private static Dictionary<string, int> ReadAddedDecoder(JsonFile file)
    {
        Dictionary<string, int> added = [];
        foreach (JsonProperty item in file.Root.EnumerateObject())
        {
            added[Content(file, item.Name, item.Value)] = int.TryParse(item.Name, CultureInfo.InvariantCulture, out int id) && id >= 0
                ? id
                : throw file.Wrong(item.Name, "must be a token id", "download the file again");
        }

        return added;
    }

    /// <summary>[ { "id": 50257, "content": "&lt;|endoftext|&gt;", ... }, ... ] of tokenizer.json.</summary>
    private static Dictionary<string, int> ReadAddedList(JsonFile file)
    {
        const string field = "added_tokens";
        Dictionary<string, int> added = [];
        foreach ((string text, int id) in file.List(field, (_, item) => (Content(file, field, item), Id(item))) ?? [])
        {
            added[text] = id;
        }

        return added;

        int Id(JsonElement item) => item.TryGetProperty("id", out JsonElement id)
            ? file.TokenId(field, id, int.MaxValue)
            : throw file.Wrong(field, "has a token without \"id\"", "download the file again");
    }

    private static string Content(JsonFile file, string field, JsonElement token) =>
        token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw file.Wrong(field, "has a token without \"content\"", "download the file again");
}
