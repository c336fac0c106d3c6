using System.Text;
using Handwritten.Kernels;
using Handwritten.Model.Safetensors;
using Handwritten.Tests;
using Xunit;
using static Handwritten.Model.Tests.Safetensors.RawFile;

namespace Handwritten.Model.Tests.Safetensors;

/// <summary>Model folders: one file, shards, and an index that must fit them.</summary>
public sealed class SafetensorsFolderTests : IDisposable
{
    private const string First = "model-00001-of-00002.safetensors";
    private const string Second = "model-00002-of-00002.safetensors";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_demo_models_folder_opens()
    {
        using SafetensorsFolder folder = new(TestData.Weights("whisper-nano"));
        using SafetensorsFile file = new(TestData.Weights("whisper-nano", SafetensorsFolder.FileName));
        Assert.Equal(file.Names, folder.Names);
        Assert.All(file.Names, name => Assert.Equal(file.Hash(name), folder.Hash(name)));
        Assert.Single(folder.Files);
    }

    [Fact]
    public void Shards_make_one_checkpoint()
    {
        AddShards();
        AddIndex($$$"""{"metadata":{"total_size":3,"deep":[[{"weight_map":{}}],null]},"weight_map":{"c":"{{{Second}}}","a":"{{{First}}}","b":"{{{First}}}"}}""");
        using SafetensorsFolder folder = new(_folder.Path);
        Assert.Equal(["a", "b", "c"], folder.Names);
        Assert.Equal(2, folder.Files.Count);
        Assert.True(folder.Contains("c") && !folder.Contains("d"));
        Assert.Equal("U8 [1]", folder.Describe("c").ToString());
        using HostTensor b = folder.Open("b");
        Assert.Equal([1], b.Bytes.ToArray());
        SafetensorsException refusal = Assert.Throws<SafetensorsException>(() => folder.Open("d"));
        Assert.Contains("has no tensor 'd'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_file_is_preferred_to_shards()
    {
        AddIndex("{}");
        _folder.Add(SafetensorsFolder.FileName, Make(Header(Entry("only", "U8", "[1]", 0, 1)), 1));
        using SafetensorsFolder folder = new(_folder.Path);
        Assert.Equal(["only"], folder.Names);
    }

    [Theory]
    [InlineData($$"""{"a":"{{First}}","b":"{{First}}","c":"{{Second}}","d":"{{Second}}"}""", "lacks tensor 'd'")]
    [InlineData($$"""{"a":"{{First}}","c":"{{Second}}"}""", "holds tensor 'b', but 'model.safetensors.index.json' does not list it")]
    [InlineData($$"""{"a":"{{First}}","b":"{{Second}}","c":"{{Second}}"}""", "holds tensor 'b', but 'model.safetensors.index.json' places it in")]
    [InlineData($$"""{"a":"{{First}}","b":"{{First}}","c":"model-00003.safetensors"}""", "does not exist")]
    [InlineData($$"""{"a":"{{First}}","a":"{{First}}"}""", "tensor 'a' twice")]
    [InlineData("""{"a":"../model-00001-of-00002.safetensors"}""", "not the name of a file in the same folder")]
    [InlineData("""{"a":"/etc/passwd"}""", "not the name of a file in the same folder")]
    [InlineData("""{"a":"sub/model.safetensors"}""", "not the name of a file in the same folder")]
    [InlineData("""{"a":"..\\model.safetensors"}""", "not the name of a file in the same folder")]
    [InlineData("""{"a":"C:model.safetensors"}""", "not the name of a file in the same folder")]
    [InlineData("""{"a":"mo\u0000del.safetensors"}""", "not the name of a file in the same folder")]
    [InlineData("""{"a":".."}""", "not the name of a file in the same folder")]
    [InlineData("""{"a":""}""", "not the name of a file in the same folder")]
    [InlineData("""{"a":1}""", "weight_map is not an object of file names")]
    [InlineData("""["a"]""", "weight_map is not an object of file names")]
    [InlineData("""{"a":"\ud800"}""", "half a surrogate pair")]
    [InlineData("""{"a":"b",}""", "the index is not valid JSON")]
    public void A_map_that_does_not_fit_the_shards_is_refused(string weightMap, string reason)
    {
        AddShards();
        AddIndex($$"""{"weight_map":{{weightMap}}}""");
        Refuse(_folder.Path, reason);
    }

    [Fact]
    public void A_tensor_in_two_shards_is_refused()
    {
        AddShards();
        _folder.Add(Second, Make(Header(Entry("b", "U8", "[1]", 0, 1), Entry("c", "U8", "[1]", 1, 2)), 2));
        AddIndex($$$"""{"weight_map":{"a":"{{{First}}}","b":"{{{First}}}","c":"{{{Second}}}"}}""");
        Refuse(_folder.Path, $"holds tensor 'b', but 'model.safetensors.index.json' places it in '{First}'");
    }

    [Theory]
    [InlineData("", "the index is not valid JSON")]
    [InlineData("[]", "the index is not an object")]
    [InlineData("{}", "the index has no weight_map")]
    [InlineData("""{"weight_map":{},"weight_map":{}}""", "the index has weight_map twice")]
    [InlineData("""{"weight_map":{}}}""", "the index is not valid JSON")]
    [InlineData("""{"metadata":[[1,{"a":[]},2]""", "the index is not valid JSON")]
    public void A_broken_index_is_refused(string index, string reason)
    {
        AddIndex(index);
        Refuse(_folder.Path, reason);
    }

    [Fact]
    public void An_index_that_is_deeply_nested_is_refused()
    {
        AddIndex("{\"metadata\":" + new string('[', 1_000_000));
        Refuse(_folder.Path, "the index is not valid JSON");
    }

    [Fact]
    public void A_broken_shard_is_refused_by_its_own_name()
    {
        AddShards();
        _folder.Add(Second, [1, 2, 3]);
        AddIndex($$$"""{"weight_map":{"a":"{{{First}}}","b":"{{{First}}}","c":"{{{Second}}}"}}""");
        Refuse(_folder.Path, $"{Second}' cannot be used as a checkpoint: it has only 3 bytes");
    }

    [Fact]
    public void A_folder_without_a_checkpoint_is_refused_with_advice()
    {
        Refuse(_folder.Path, "holds neither 'model.safetensors' nor 'model.safetensors.index.json'");
        _folder.Add("pytorch_model.bin", [1]);
        Refuse(_folder.Path, "only as 'pytorch_model.bin'");
        Refuse(_folder["missing"], "does not exist");
        Refuse(_folder["pytorch_model.bin"], "is a file; give the folder");
    }

    private void AddShards()
    {
        _folder.Add(First, Make(Header(Entry("a", "U8", "[1]", 0, 1), Entry("b", "U8", "[1]", 1, 2)), 2));
        _folder.Add(Second, Make(Header(Entry("c", "U8", "[1]", 0, 1)), 1));
    }

    private void AddIndex(string json) => _folder.Add(SafetensorsFolder.IndexName, Encoding.UTF8.GetBytes(json));

    private static void Refuse(string path, string reason)
    {
        SafetensorsException refusal = Assert.Throws<SafetensorsException>(() => new SafetensorsFolder(path));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
    }
}
