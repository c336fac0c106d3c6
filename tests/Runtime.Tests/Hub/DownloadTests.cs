using System.Text;
using FsCheck.Xunit;
using Handwritten.Runtime.Hub;
using Handwritten.Runtime.Output;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Hub;

/// <summary>Downloads that succeed, whatever the network does meanwhile.</summary>
public sealed class DownloadTests : IDisposable
{
    private readonly Download _download = new();

    public void Dispose() => _download.Dispose();

    [Fact]
    public async Task A_model_is_downloaded_into_the_layout_of_huggingface_hub()
    {
        string folder = await _download.ToCacheAsync();
        Assert.Equal(Path.Combine(_download.Cache.Folder, "models--someone--whisper-small", "snapshots", SmallHub.Commit), folder);
        Assert.Equal(Download.Wanted, Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Download.Wanted, name =>
        {
            byte[] content = _download.Hub.Files[name];
            Assert.Equal(content, File.ReadAllBytes(Path.Combine(folder, name)));
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal($"../../blobs/{SmallHub.Hash(name, content)}", new FileInfo(Path.Combine(folder, name)).LinkTarget);
            }
        });
        string repository = Path.Combine(folder, "..", "..");
        Assert.Equal(SmallHub.Commit, File.ReadAllText(Path.Combine(repository, "refs", "main")));
        Assert.Equal(["blobs", "refs", "snapshots"], Directory.GetFileSystemEntries(repository).Select(Path.GetFileName).Order());
        Assert.DoesNotContain(_download.Left, file => file.EndsWith(".partial", StringComparison.Ordinal) || file.EndsWith(".tmp", StringComparison.Ordinal));
        Assert.Equal(folder, _download.Cache.Find(Download.Repository));
    }

    [Fact]
    public async Task Weights_come_in_ranges_and_nothing_is_asked_for_twice()
    {
        List<long> progress = [];
        await _download.ToCacheAsync(progress: bytes =>
        {
            lock (progress)
            {
                progress.Add(bytes);
            }
        });
        Assert.Equal(
            [(0, 999), (1000, 1999), (2000, 2999), (3000, 3999), (4000, 4999), (5000, 5999), (6000, 6542)],
            _download.Hub.StorageRequests.Select(request => request.Range!.Value).Order());
        Assert.Equal((0, Download.Wanted.Sum(name => _download.Hub.Files[name].Length)), (progress.Min(), progress.Max()));

        int requests = _download.Hub.Requests.Count;
        await _download.ToCacheAsync();
        Assert.Equal((7, requests + 2), (_download.Hub.StorageRequests.Count(), _download.Hub.Requests.Count));
    }

    [Fact]
    public async Task A_folder_gets_plain_files()
    {
        string folder = await _download.ToFolderAsync();
        Assert.Equal(Download.Wanted, Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Download.Wanted, name =>
        {
            Assert.Equal(_download.Hub.Files[name], File.ReadAllBytes(Path.Combine(folder, name)));
            Assert.Null(new FileInfo(Path.Combine(folder, name)).LinkTarget);
        });

        // What somebody changed is fetched anew, and nothing else.
        File.WriteAllText(Path.Combine(folder, "vocab.json"), "{\"b\": 0}");
        int requests = _download.Hub.StorageRequests.Count();
        await _download.ToFolderAsync();
        Assert.Equal(_download.Hub.Files["vocab.json"], File.ReadAllBytes(Path.Combine(folder, "vocab.json")));
        Assert.Equal(requests, _download.Hub.StorageRequests.Count());
    }

    [Fact]
    public async Task A_folder_keeps_what_was_in_it_and_nothing_of_an_unfinished_download()
    {
        string folder = Path.Combine(_download.Folder, "model");
        string[] theirs = [Path.Combine(folder, ".download", "thesis"), Path.Combine(folder, ".handwritten-download", "thesis")];
        string unfinished = Path.Combine(folder, ".handwritten-download", $"{SmallHub.Hash("vocab.json", [1])}-vocab.json.partial");
        foreach (string path in theirs.Append(unfinished))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "years");
        }

        await _download.ToFolderAsync();
        Assert.Equal(theirs.Concat(Download.Wanted.Select(name => Path.Combine(folder, name))).Order(), Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order());
        Assert.All(theirs, path => Assert.Equal("years", File.ReadAllText(path)));
    }

    [Fact]
    public async Task Shards_are_downloaded_with_their_index()
    {
        byte[] weights = _download.Hub.Files["model.safetensors"];
        _download.Hub.Files.Remove("model.safetensors");
        foreach (string name in new[] { "model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.fp32-00001-of-00001.safetensors" })
        {
            _download.Hub.Files[name] = [.. weights, .. Encoding.UTF8.GetBytes(name)];
        }

        string folder = await _download.ToCacheAsync();
        Assert.Equal(
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
            Directory.GetFiles(folder, "model*").Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("main")]
    [InlineData("refs/pr/1")]
    [InlineData(SmallHub.Commit)]
    public async Task A_revision_is_a_branch_a_pull_request_or_a_commit(string revision)
    {
        string folder = await _download.ToCacheAsync(revision);
        Assert.Equal(folder, _download.Cache.Find(Download.Repository, revision));
        Assert.Equal(revision == "main" ? folder : null, _download.Cache.Find(Download.Repository));
    }

    [Fact]
    public async Task A_cut_connection_goes_on_where_it_was_cut()
    {
        _download.Hub.Storage = (request, name) => WebAnswer.File(request, _download.Hub.Files[name]) with { CutAfter = 300 };
        string folder = await _download.ToCacheAsync();
        Assert.Equal(_download.Hub.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
        (long From, long To)[] ranges = [.. _download.Hub.StorageRequests.Select(request => request.Range!.Value).Where(range => range.To == 999).Order()];
        Assert.Equal([(0, 999), (300, 999), (600, 999), (900, 999)], ranges);
    }

    [Fact]
    public async Task A_download_that_ended_goes_on_where_it_ended()
    {
        _download.Options = _download.Options with { Connections = 1 };
        _download.Hub.Storage = (request, name) => request.Range!.Value.From >= 4000 ? new WebAnswer(500, []) : null;
        await Assert.ThrowsAsync<PassingTroubleException>(() => _download.ToCacheAsync());
        Assert.Null(_download.Cache.Find(Download.Repository));

        _download.Hub.Storage = null;
        int before = _download.Hub.StorageRequests.Count();
        string folder = await _download.ToCacheAsync();
        Assert.Equal([4000, 5000, 6000], _download.Hub.StorageRequests.Skip(before).Select(request => request.Range!.Value.From).Order());
        Assert.Equal(_download.Hub.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
    }

    [Fact]
    public async Task A_cancelled_download_goes_on_where_it_was_cancelled()
    {
        using CancellationTokenSource stop = new();
        _download.Options = _download.Options with { Connections = 1 };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _download.ToCacheAsync(
            progress: bytes =>
            {
                if (bytes > 3000)
                {
                    stop.Cancel();
                }
            },
            cancellation: stop.Token));
        Assert.Null(_download.Cache.Find(Download.Repository));
        int before = _download.Hub.StorageRequests.Count();
        Assert.InRange(before, 2, 4);
        await _download.ToCacheAsync();
        Assert.InRange(_download.Hub.StorageRequests.Count() - before, 3, 5);
    }

    [Property(MaxTest = 30)]
    public void Whatever_the_network_does_the_model_is_whole_or_not_there(int seed)
    {
        using Download download = new();
        Random random = new(seed);
        download.Hub.Storage = (request, name) =>
        {
            lock (random)
            {
                WebAnswer answer = WebAnswer.File(request, download.Hub.Files[name]);
                return random.Next(5) switch
                {
                    0 => new WebAnswer(random.Next(500, 505), []),
                    1 => answer with { CutAfter = random.Next(answer.Body.Length) },
                    2 when random.Next(20) == 0 => answer with { Body = [.. answer.Body.Select(value => (byte)~value)] },
                    _ => answer,
                };
            }
        };
        for (int attempt = 0; attempt < 100; attempt++)
        {
            string? folder = null;
            try
            {
                folder = download.ToCacheAsync().GetAwaiter().GetResult();
            }
            catch (HubException)
            {
                Assert.Null(download.Cache.Find(Download.Repository));
            }

            if (folder is not null)
            {
                Assert.All(Download.Wanted, name => Assert.Equal(download.Hub.Files[name], File.ReadAllBytes(Path.Combine(folder, name))));
                return;
            }
        }

        Assert.Fail("A hundred attempts brought nothing.");
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(408)]
    public async Task Passing_trouble_passes(int status)
    {
        int trouble = 0;
        _download.Hub.Instead = _ => Interlocked.Increment(ref trouble) % 2 == 1 ? new WebAnswer(status, []) : null;
        _download.Options = _download.Options with { Connections = 1 };
        Assert.NotNull(_download.Cache.Find(Download.Repository) ?? await _download.ToCacheAsync());
        Assert.True(trouble > 10);
    }

    [Fact]
    public async Task A_busy_hub_is_left_alone_for_as_long_as_it_asks()
    {
        List<DateTime> times = [];
        _download.Hub.Instead = _ =>
        {
            times.Add(DateTime.UtcNow);
            return times.Count == 1 ? new WebAnswer(429, [], ["Retry-After: 1"]) : null;
        };
        _download.Options = _download.Options with { Connections = 1 };
        await _download.ToCacheAsync();
        Assert.InRange(times[1] - times[0], TimeSpan.FromSeconds(0.95), TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task The_token_is_shown_to_the_hub_alone()
    {
        _download.Options = _download.Options with { Token = "hf_secret" };
        await _download.ToCacheAsync();
        Assert.All(_download.Hub.Requests, request => Assert.Equal("Bearer hf_secret", request.Headers["Authorization"]));
        Assert.NotEmpty(_download.Hub.StorageRequests);
        Assert.All(_download.Hub.StorageRequests, request => Assert.False(request.Headers.ContainsKey("Authorization")));
    }

    [Fact]
    public async Task What_Python_has_downloaded_is_not_downloaded_again()
    {
        // As huggingface_hub leaves it: the large file as a blob, and an unfinished one of its own.
        string blobs = Directory.CreateDirectory(Path.Combine(_download.Cache.RepositoryFolder(Download.Repository), "blobs")).FullName;
        byte[] weights = _download.Hub.Files["model.safetensors"];
        File.WriteAllBytes(Path.Combine(blobs, SmallHub.Hash("model.safetensors", weights)), weights);
        string unfinished = Path.Combine(blobs, SmallHub.Hash("vocab.json", _download.Hub.Files["vocab.json"]) + ".incomplete");
        File.WriteAllText(unfinished, "{");
        string folder = await _download.ToCacheAsync();
        Assert.Empty(_download.Hub.StorageRequests);
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
        Assert.Equal("{", File.ReadAllText(unfinished));
    }

    [Fact]
    public async Task A_file_that_another_process_is_downloading_is_left_to_it()
    {
        string blobs = Directory.CreateDirectory(Path.Combine(_download.Cache.RepositoryFolder(Download.Repository), "blobs")).FullName;
        string path = Path.Combine(blobs, SmallHub.Hash("model.safetensors", _download.Hub.Files["model.safetensors"]) + ".partial");
        using FileStream other = new(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        OutputException exception = await Assert.ThrowsAsync<OutputException>(() => _download.ToCacheAsync());
        Assert.Contains("another process", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_place_that_takes_no_files_is_told()
    {
        File.WriteAllText(_download.Cache.Folder, "a file");
        OutputException exception = await Assert.ThrowsAsync<OutputException>(() => _download.ToCacheAsync());
        Assert.StartsWith("The model cannot be stored in", exception.Message, StringComparison.Ordinal);
    }
}
