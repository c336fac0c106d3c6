using System.Text.Json.Nodes;
using Handwritten.Model.Configuration;
using Handwritten.Model.Tokenization;

namespace Handwritten.Tests;

/// <summary>A model folder put together for a test, deleted with it.</summary>
internal sealed class TemporaryModel : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("handwritten-").FullName;

    /// <summary>A folder with the demo model's config.json, changed by <paramref name="change"/>.</summary>
    public static TemporaryModel WithConfig(Action<JsonObject>? change = null)
    {
        TemporaryModel folder = new();
        folder.Edit("config.json", ReadObject(TestData.Weights("whisper-nano", "config.json")), change);
        return folder;
    }

    public static JsonObject ReadObject(string path) => JsonNode.Parse(File.ReadAllText(path))!.AsObject();

    public string Locate(string name) => System.IO.Path.Combine(Path, name);

    public void Write(string name, string content) => File.WriteAllText(Locate(name), content);

    public void Copy(params string[] source) => File.Copy(System.IO.Path.Combine(source), Locate(System.IO.Path.GetFileName(source[^1])), overwrite: true);

    /// <summary>Writes a JSON object after a change.</summary>
    public void Edit(string name, JsonObject content, Action<JsonObject>? change = null)
    {
        change?.Invoke(content);
        Write(name, content.ToJsonString());
    }

    public WhisperConfig Config() => WhisperConfig.Load(Path);

    public GenerationConfig Generation() => GenerationConfig.Load(Path, Config());

    public PreprocessorConfig Preprocessor() => PreprocessorConfig.Load(Path, Config());

    public WhisperTokenizer Tokenizer() => WhisperTokenizer.Load(Path, Config(), Generation());

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

internal static class JsonObjectChanges
{
    /// <summary>Sets some fields, given as a JSON object.</summary>
    public static void Change(this JsonObject target, string fields)
    {
        foreach ((string name, JsonNode? value) in JsonNode.Parse(fields)!.AsObject())
        {
            target[name] = value?.DeepClone();
        }
    }
}
