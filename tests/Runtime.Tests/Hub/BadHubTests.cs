using System.Text;
using Handwritten.Runtime.Hub;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Hub;

/// <summary>Hubs that refuse, fail or lie: one sentence each, and no model that is none.</summary>
public sealed class BadHubTests : IDisposable
{
    private readonly Download _download = new();

    public void Dispose() => _download.Dispose();

    [Theory]
    [InlineData(401, "", null, "127.0.0.1 has no model 'someone/whisper-small' that everybody may see: check the name, or give --token (or HF_TOKEN) if it is a private one.")]
    [InlineData(401, "", "hf_x", "127.0.0.1 does not let the owner of this token see 'someone/whisper-small'")]
    [InlineData(401, "GatedRepo", null, "'someone/whisper-small' is for those who have accepted its terms: accept them at http://127.0.0.1")]
    [InlineData(403, "GatedRepo", "hf_x", "'someone/whisper-small' is for those who have accepted its terms")]
    [InlineData(403, "", "hf_x", "127.0.0.1 refuses 'someone/whisper-small' (403)")]
    [InlineData(404, "RepoNotFound", "hf_x", "127.0.0.1 has no model 'someone/whisper-small' with a revision 'main': check the name and --revision.")]
    [InlineData(404, "RevisionNotFound", null, "'someone/whisper-small' has no revision 'main' on 127.0.0.1: check --revision.")]
    [InlineData(429, "", null, "127.0.0.1 has had too many requests from here (429): try again later")]
    [InlineData(418, "", null, "127.0.0.1 answers 418")]
    [InlineData(500, "", null, "127.0.0.1 has trouble of its own (500 ")]
    [InlineData(503, "", null, "127.0.0.1 has trouble of its own (503 ")]
    public async Task A_refusal_is_explained(int status, string code, string? token, string sentence)
    {
        _download.Options = _download.Options with { Token = token };
        _download.Hub.Instead = _ => new WebAnswer(status, [], [$"X-Error-Code: {code}"]);
        await FailsAsync(sentence, isAway: status is 418 or 429 or >= 500);
        Assert.Equal(status is 429 or >= 500 ? 3 : 1, _download.Hub.Requests.Count);
        Assert.Empty(_download.Left);
    }

    [Theory]
    [InlineData(401, "that everybody may see")]
    [InlineData(403, "refuses 'model.safetensors' (403)")]
    [InlineData(404, "has no model")]
    [InlineData(429, "has had too many requests")]
    [InlineData(500, "has trouble of its own (500 ")]
    public async Task A_refusal_of_the_weights_is_explained(int status, string sentence)
    {
        _download.Hub.Storage = (_, _) => new WebAnswer(status, []);
        await FailsAsync(sentence);
        AssertNoModel();
    }

    [Fact]
    public async Task A_hub_that_asks_for_too_long_a_pause_is_left()
    {
        _download.Hub.Instead = _ => new WebAnswer(429, [], ["Retry-After: 3600"]);
        await FailsAsync("try again in 3600 s,");
        Assert.Single(_download.Hub.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>Please log in to the hotel's network.</html>")]
    [InlineData("[]")]
    [InlineData("{\"sha\": 7}")]
    [InlineData("{\"sha\": \"../../../../../../../../../../home/evil\"}")]
    public async Task What_is_no_hub_is_told_from_one(string answer)
    {
        _download.Hub.Instead = _ => new WebAnswer(200, Encoding.UTF8.GetBytes(answer));
        await FailsAsync("does not answer as a Hugging Face hub does", isAway: true);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[{\"type\": \"file\", \"path\": \"config.json\", \"size\": 3}]")]
    [InlineData("[{\"type\": \"file\", \"path\": \"config.json\", \"size\": -3, \"oid\": \"0123456789abcdef0123456789abcdef01234567\"}]")]
    [InlineData("[{\"type\": \"file\", \"path\": \"config.json\", \"size\": 3, \"oid\": \"../../../../etc/passwd\"}]")]
    public async Task A_list_of_files_that_is_none_is_refused(string list)
    {
        _download.Hub.Instead = request => request.Path.Contains("/tree/", StringComparison.Ordinal) ? new WebAnswer(200, Encoding.UTF8.GetBytes(list)) : null;
        await FailsAsync("does not answer as a Hugging Face hub does");
        Assert.Empty(_download.Left);
    }

    [Theory]
    [InlineData("config.json", "'someone/whisper-small' holds no model: it has no config.json.")]
    [InlineData("model.safetensors", "has no weights in the safetensors format")]
    public async Task A_repository_without_a_model_is_refused(string file, string sentence)
    {
        _download.Hub.Files.Remove(file);
        await FailsAsync(sentence);
    }

    [Theory]
    [InlineData("model.safetensors", "SHA-256")]
    [InlineData("vocab.json", "SHA-1")]
    public async Task A_damaged_file_is_found_and_removed(string file, string hash)
    {
        byte[] damaged = [.. _download.Hub.Files[file]];
        damaged[^1] ^= 1;
        _download.Hub.Storage = (request, name) => name == file ? WebAnswer.File(request, damaged) : null;
        _download.Hub.Instead = request => request.Path.EndsWith("/vocab.json", StringComparison.Ordinal) && file == "vocab.json" ? WebAnswer.File(request, damaged) : null;
        await FailsAsync($"'{file}' arrived damaged, as its {hash} tells: it has been removed, pull again.");
        AssertNoModel();

        // And the next attempt begins with nothing of it.
        _download.Hub.Storage = null;
        _download.Hub.Instead = null;
        string folder = await _download.ToCacheAsync();
        Assert.Equal(_download.Hub.Files[file], File.ReadAllBytes(Path.Combine(folder, file)));
    }

    [Fact]
    public async Task A_file_of_another_length_than_listed_is_refused()
    {
        byte[] longer = [.. _download.Hub.Files["model.safetensors"], 1];
        _download.Hub.Storage = (request, _) => WebAnswer.File(request, longer);
        await FailsAsync("The hub lists 'model.safetensors' with 6543 bytes, but the server sends one of 6544");
        AssertNoModel();
    }

    [Fact]
    public async Task A_small_file_of_another_length_than_listed_is_refused()
    {
        _download.Hub.Instead = request => request.Path.EndsWith("/vocab.json", StringComparison.Ordinal) ? new WebAnswer(200, new byte[20]) : null;
        await FailsAsync("The hub lists 'vocab.json' with 8 bytes, but the server sends one of 20");
        AssertNoModel();
    }

    [Fact]
    public async Task A_length_that_is_never_reached_is_a_cut()
    {
        // The announced length is right, and every time nothing of it comes.
        _download.Hub.Storage = (request, name) => WebAnswer.File(request, _download.Hub.Files[name]) with { CutAfter = 0 };
        await FailsAsync("The connection to 127.0.0.1 is cut again and again");
        AssertNoModel();
    }

    [Fact]
    public async Task A_body_longer_than_announced_does_no_harm()
    {
        _download.Hub.Storage = (request, name) =>
        {
            WebAnswer answer = WebAnswer.File(request, _download.Hub.Files[name]);
            return answer with { Body = [.. answer.Body, 1, 2, 3], Headers = [.. answer.Headers!, $"Content-Length: {answer.Body.Length}"] };
        };
        string folder = await _download.ToCacheAsync();
        Assert.Equal(_download.Hub.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
    }

    [Fact]
    public async Task Other_bytes_than_asked_for_are_refused()
    {
        _download.Hub.Storage = (request, name) => WebAnswer.File(request, _download.Hub.Files[name]) with { Headers = ["Content-Range: bytes 0-999/6543"] };
        await FailsAsync("of 'model.safetensors' were asked for, but the server sends 0 to 999");
    }

    [Fact]
    public async Task A_server_without_ranges_is_refused()
    {
        _download.Hub.Storage = (_, name) => new WebAnswer(200, _download.Hub.Files[name]);
        await FailsAsync("'model.safetensors' cannot be had in parts (200 instead of 206)");
    }

    [Fact]
    public async Task Another_hash_than_listed_is_refused()
    {
        _download.Hub.Instead = request => request.Path.EndsWith("model.safetensors", StringComparison.Ordinal)
            ? new WebAnswer(302, [], ["Location: /elsewhere", "X-Linked-Etag: \"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\""])
            : request.Path == "/elsewhere" ? WebAnswer.File(request, _download.Hub.Files["model.safetensors"]) : null;
        await FailsAsync("but sends one with ffffffffffff...");
    }

    [Fact]
    public async Task A_silent_server_is_left_after_a_while()
    {
        _download.Options = _download.Options with { Silence = TimeSpan.FromMilliseconds(200), Attempts = 2 };
        _download.Hub.Storage = (request, name) => WebAnswer.File(request, _download.Hub.Files[name]) with { Pause = TimeSpan.FromSeconds(5) };
        await FailsAsync("127.0.0.1 has been silent for 1 s");
    }

    [Fact]
    public async Task A_circle_of_redirections_is_left()
    {
        _download.Hub.Instead = request => new WebAnswer(302, [], [$"Location: {request.Path}"]);
        await FailsAsync("127.0.0.1 redirects 'someone/whisper-small' in a circle", isAway: true);
    }

    [Fact]
    public async Task Redirections_lead_to_nothing_but_the_web()
    {
        _download.Hub.Instead = _ => new WebAnswer(302, [], ["Location: file:///etc/passwd"]);
        await FailsAsync("which is not encrypted", isAway: true);
    }

    [Fact]
    public async Task A_hub_that_is_not_there_is_told()
    {
        _download.Options = _download.Options with { Endpoint = new Uri("http://127.0.0.1:9") };
        await FailsAsync("127.0.0.1 cannot be reached", isAway: true);
    }

    private async Task FailsAsync(string sentence, bool? isAway = null)
    {
        HubException exception = await Assert.ThrowsAnyAsync<HubException>(() => _download.ToCacheAsync());
        Assert.Equal(isAway ?? exception.IsAway, exception.IsAway);
        Assert.Contains(sentence, exception.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    private void AssertNoModel()
    {
        Assert.Null(_download.Cache.Find(Download.Repository));
        Assert.DoesNotContain(_download.Left, file => file.Contains("snapshots", StringComparison.Ordinal) || file.Contains("refs", StringComparison.Ordinal));
    }
}
