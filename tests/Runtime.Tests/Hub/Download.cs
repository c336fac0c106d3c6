using System.Text;
using Handwritten.Model;
using Handwritten.Runtime.Hub;
using Handwritten.Tests;

namespace Handwritten.Runtime.Tests.Hub;

/// <summary>A hub, a machine with an empty disk, and a download from the one to the other.</summary>
internal sealed class Download : IDisposable
{
    public const string Repository = "someone/whisper-small";

    /// <summary>Pieces of the weights below: seven, the last of them shorter.</summary>
    public const int PieceBytes = 1000;

    public Download()
    {
        byte[] weights = new byte[6_543];
        new Random(1).NextBytes(weights);
        Hub = new SmallHub(Repository, new()
        {
            ["config.json"] = Encoding.UTF8.GetBytes("{\"model_type\": \"whisper\"}"),
            ["generation_config.json"] = [],
            ["vocab.json"] = Encoding.UTF8.GetBytes("{\"a\": 0}"),
            ["merges.txt"] = Encoding.UTF8.GetBytes("#version: 0.2\n"),
            ["model.safetensors"] = weights,
            ["pytorch_model.bin"] = weights,
            ["README.md"] = Encoding.UTF8.GetBytes("# A model\n"),
        });
        Options = new HubOptions
        {
            Endpoint = new Uri(Hub.Address),
            PieceBytes = PieceBytes,
            Connections = 4,
            Attempts = 3,
            FirstPause = TimeSpan.FromMilliseconds(1),
            Silence = TimeSpan.FromSeconds(10),
        };
        Cache = new HubCache(Path.Combine(Folder, "hub"));
    }

    public static IEnumerable<string> Wanted => ["config.json", "generation_config.json", "merges.txt", "model.safetensors", "vocab.json"];

    public string Folder { get; } = Directory.CreateTempSubdirectory("handwritten hub ").FullName;

    public SmallHub Hub { get; }

    public HubOptions Options { get; set; }

    public HubCache Cache { get; }

    public IEnumerable<string> Left => Directory.Exists(Folder)
        ? Directory.EnumerateFiles(Folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }).Select(file => Path.GetRelativePath(Folder, file))
        : [];

    public async Task<string> ToCacheAsync(string revision = "main", Action<long>? progress = null, CancellationToken cancellation = default)
    {
        using HubClient client = new(Options);
        HubSnapshot snapshot = await client.ListAsync(Repository, revision, cancellation);
        return await ModelDownload.RunAsync(client, snapshot, new CacheStore(Cache, Repository), progress, cancellation);
    }

    public async Task<string> ToFolderAsync()
    {
        using HubClient client = new(Options);
        HubSnapshot snapshot = await client.ListAsync(Repository);
        return await ModelDownload.RunAsync(client, snapshot, new FolderStore(Path.Combine(Folder, "model")));
    }

    public void Dispose()
    {
        Hub.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
