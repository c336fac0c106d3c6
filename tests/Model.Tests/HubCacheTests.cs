using Handwritten.Tests;
using Xunit;

namespace Handwritten.Model.Tests;

/// <summary>Models that Python has downloaded, found in its cache.</summary>
public sealed class HubCacheTests : IDisposable
{
    private const string Commit = "169d4a4341b33bc18d8881c4b69c2e104e1cc0af";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("handwritten cache ");

    private HubCache Cache => new(_folder.FullName);

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("tiny")]
    [InlineData("whisper-tiny")]
    [InlineData("openai/whisper-tiny")]
    public void A_model_is_found_by_all_its_names(string name) =>
        Assert.Equal(Add("openai/whisper-tiny"), ModelFolder.Resolve(name, [], Cache));

    [Theory]
    [InlineData("large", "openai/whisper-large-v3")]
    [InlineData("large-v1", "openai/whisper-large")]
    [InlineData("turbo", "openai/whisper-large-v3-turbo")]
    [InlineData("tiny.en", "openai/whisper-tiny.en")]
    [InlineData("distil-large-v3", "distil-whisper/distil-large-v3")]
    [InlineData("someone/fine-tune_2.1", "someone/fine-tune_2.1")]
    public void Short_names_are_those_of_the_original_s_command(string name, string repository)
    {
        Add("openai/whisper-large-v2");
        Assert.Equal(Add(repository), ModelFolder.Resolve(name, [], Cache));
    }

    [Fact]
    public void Large_is_not_the_repository_that_is_called_so()
    {
        Add("openai/whisper-large");
        ModelException exception = Assert.Throws<ModelException>(() => ModelFolder.Resolve("large", [], Cache));
        Assert.Contains("'handwritten pull openai/whisper-large-v3'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("the models here are openai/whisper-large)", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_below_weights_come_first()
    {
        Add("openai/whisper-tiny");
        string weights = Directory.CreateDirectory(Path.Combine(_folder.FullName, "weights", "whisper-tiny")).FullName;
        Assert.Equal(weights, ModelFolder.Resolve("tiny", [Path.GetDirectoryName(weights)!], Cache));
        Assert.Equal(weights, ModelFolder.Resolve("openai/whisper-tiny", [Path.GetDirectoryName(weights)!], Cache));
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("config.json")]
    public void Half_a_model_is_none(string missing)
    {
        File.Delete(Path.Combine(Add("openai/whisper-tiny"), missing));
        Assert.Null(Cache.Find("openai/whisper-tiny"));
        Assert.Empty(Cache.Models());
        Assert.Throws<ModelException>(() => ModelFolder.Resolve("tiny", [], Cache));
    }

    [Fact]
    public void Only_Whispers_are_listed()
    {
        string whisper = Add("openai/whisper-tiny");
        Add("google/bert", "{\"model_type\": \"bert\"}");
        Add("someone/damaged", "{");
        Assert.Equal([("openai/whisper-tiny", whisper)], Cache.Models());
        Assert.Equal([new LocalModel("openai/whisper-tiny", whisper)], ModelFolder.Local([], Cache));
        Assert.Contains(ModelFolder.Local([TestData.Weights()], Cache), model => model == new LocalModel("whisper-nano", TestData.Weights("whisper-nano")));
    }

    [Fact]
    public void A_model_of_the_cache_is_called_by_its_repository()
    {
        Assert.Equal("whisper-tiny", ModelFolder.NameOf(Add("openai/whisper-tiny")));
        Assert.Equal("whisper-nano", ModelFolder.NameOf(TestData.Weights("whisper-nano") + Path.DirectorySeparatorChar));
    }

    [Theory]
    [InlineData("HF_HUB_CACHE=/a HF_HOME=/b", "/a")]
    [InlineData("HUGGINGFACE_HUB_CACHE=/a HF_HOME=/b", "/a")]
    [InlineData("HF_HOME=/b XDG_CACHE_HOME=/c", "/b/hub")]
    [InlineData("HF_HOME=~/models", "/home/me/models/hub")]
    [InlineData("XDG_CACHE_HOME=/c", "/c/huggingface/hub")]
    [InlineData("HF_HOME=", "/home/me/.cache/huggingface/hub")]
    public void It_is_where_the_environment_says(string environment, string folder)
    {
        Dictionary<string, string> variables = environment.Split(' ').Select(variable => variable.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal(folder, HubCache.Locate(name => variables.GetValueOrDefault(name), "/home/me").Replace('\\', '/'));
    }

    [Theory]
    [InlineData("tiny", 37_760_640, 151_042_560)]
    [InlineData("large-v3", 1_543_490_560, 3_086_981_120)]
    public void Published_models_are_as_large_as_on_the_hub(string name, long parameters, long bytes)
    {
        PublishedModel model = PublishedModel.Find(name)!;
        Assert.Equal((parameters, bytes), (model.Parameters, model.Bytes));
    }

    [Fact]
    public void No_two_published_models_share_a_name()
    {
        string[] names = [.. PublishedModel.All.SelectMany(model => model.Aliases.Append(model.Name).Append(model.Repository))];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.All(PublishedModel.All, model => Assert.Same(model, PublishedModel.Find(model.FolderName)));
    }

    private string Add(string repository, string config = "{\"model_type\": \"whisper\"}")
    {
        string folder = Cache.RepositoryFolder(repository);
        string snapshot = Directory.CreateDirectory(Path.Combine(folder, "snapshots", Commit)).FullName;
        Directory.CreateDirectory(Path.Combine(folder, "refs"));
        File.WriteAllText(Path.Combine(folder, "refs", "main"), Commit);
        File.WriteAllText(Path.Combine(snapshot, "config.json"), config);
        File.WriteAllText(Path.Combine(snapshot, "model.safetensors"), "");
        return snapshot;
    }
}
