using System.Text.Json;
using Polly;

namespace Handwritten.Runtime.Hub;

/// <summary>
/// Talks to a Hugging Face hub:
/// <code>
///     GET /api/models/openai/whisper-tiny/revision/main   ->  the commit
///     GET /api/models/openai/whisper-tiny/tree/COMMIT     ->  names, sizes and hashes
///     GET /openai/whisper-tiny/resolve/COMMIT/NAME        ->  a redirection to where the bytes are, which come in ranges
/// </code>
/// Source: huggingface_hub, hf_api.py (model_info, list_repo_tree) and file_download.py.
/// </summary>
public sealed class HubClient : IDisposable
{
    /// <summary>A list of files is a few kilobytes.</summary>
    private const int LongestAnswer = 32 << 20;

    private readonly HttpConnection _connection;
    private readonly ResiliencePipeline _retry;

    /// <summary>A client; it connects when it is first asked.</summary>
    public HubClient(HubOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        _connection = new HttpConnection(options);
        _retry = Retry.For(options);
    }

    /// <summary>How it talks.</summary>
    public HubOptions Options { get; }

    /// <summary>Finds out what a model consists of.</summary>
    /// <param name="repository">Owner and name, as in <c>openai/whisper-tiny</c>.</param>
    /// <param name="revision">A branch, a tag, or a commit.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="HubException">The hub cannot be reached, does not have it, or does not give it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<HubSnapshot> ListAsync(string repository, string revision = "main", CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(repository);
        ArgumentNullException.ThrowIfNull(revision);
        HubRequest request = new(repository, revision);
        string root = $"api/models/{repository}";
        string commit;
        using (JsonDocument model = (await ReadJsonAsync(request, Address($"{root}/revision/{Uri.EscapeDataString(revision)}"), cancellation)).Document)
        {
            commit = Text(model.RootElement, "sha") is { Length: 40 } sha && HubFile.IsHash(sha) ? sha : throw Nonsense();
        }

        List<HubFile> files = [];
        for (Uri? page = Address($"{root}/tree/{commit}"); page is not null;)
        {
            (JsonDocument list, Uri? next) = await ReadJsonAsync(request, page, cancellation);
            using (list)
            {
                files.AddRange(list.RootElement.ValueKind == JsonValueKind.Array ? list.RootElement.EnumerateArray().Where(IsFile).Select(ReadFile) : throw Nonsense());
            }

            page = next;
        }

        return new HubSnapshot(repository, revision, commit, NeededFiles.Choose(repository, files));
    }

    /// <summary>
    /// Fetches a part of a file. A connection that is cut after some bytes is no failure: the next request goes on from
    /// there. One that brings nothing is tried again a few times.
    /// </summary>
    /// <param name="snapshot">Where the file is.</param>
    /// <param name="file">The file.</param>
    /// <param name="start">First byte.</param>
    /// <param name="count">Number of bytes.</param>
    /// <param name="receive">Takes bytes and where in the file they belong.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="HubException">They cannot be had.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal async Task FetchAsync(
        HubSnapshot snapshot, HubFile file, long start, int count, Func<long, ReadOnlyMemory<byte>, ValueTask> receive, CancellationToken cancellation)
    {
        Uri address = Address($"{snapshot.Repository}/resolve/{snapshot.Commit}/{Uri.EscapeDataString(file.Path)}");
        HubRequest request = new(snapshot.Repository, snapshot.Revision, file.Path);
        long at = start, end = start + count;
        while (at < end)
        {
            await _retry.ExecuteAsync(async token =>
            {
                long before = at;
                try
                {
                    using FileRange range = await FileRange.OpenAsync(_connection, request, address, file, at, end, token);
                    while (at < end && await range.ReadAsync(token) is { Length: > 0 } bytes)
                    {
                        await receive(at, bytes);
                        at += bytes.Length;
                    }
                }
                catch (PassingTroubleException) when (at > before)
                {
                    // Some of it is here.
                }

                if (at == before)
                {
                    throw new PassingTroubleException($"{Options.Endpoint.Host} ends '{file.Path}' before its end: try again later; what has been downloaded is kept.");
                }
            }, cancellation);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private Uri Address(string path) => new($"{Options.Endpoint.AbsoluteUri.TrimEnd('/')}/{path}");

    private async Task<(JsonDocument Document, Uri? Next)> ReadJsonAsync(HubRequest request, Uri address, CancellationToken cancellation) =>
        await _retry.ExecuteAsync(async token =>
        {
            using HubResponse response = await _connection.GetAsync(request, address, null, token);
            using MemoryStream body = new();
            while (await response.ReadAsync(token) is { Length: > 0 } bytes)
            {
                body.Write(bytes.Span);
                if (body.Length > LongestAnswer)
                {
                    throw Nonsense();
                }
            }

            try
            {
                return (JsonDocument.Parse(body.ToArray()), NextPage(response.Message));
            }
            catch (JsonException)
            {
                throw Nonsense();
            }
        }, cancellation);

    /// <summary>The address behind <c>rel="next"</c>, if it is the hub's own.</summary>
    private Uri? NextPage(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Link", out IEnumerable<string>? links)
        && links.SelectMany(link => link.Split(',')).FirstOrDefault(link => link.Contains("rel=\"next\"", StringComparison.Ordinal)) is { } link
        && link.IndexOf('<', StringComparison.Ordinal) is int open and >= 0 && link.IndexOf('>', open) is int close and > 0
        && Uri.TryCreate(Options.Endpoint, link[(open + 1)..close], out Uri? next) && next.Authority == Options.Endpoint.Authority
            ? next
            : null;

    private static bool IsFile(JsonElement entry) => Text(entry, "type") == "file";

    private HubFile ReadFile(JsonElement entry)
    {
        bool isLarge = entry.TryGetProperty("lfs", out JsonElement large) && large.ValueKind == JsonValueKind.Object;
        string? path = Text(entry, "path"), hash = Text(isLarge ? large : entry, "oid");
        return path is not null && hash is not null && HubFile.IsHash(hash)
            && entry.TryGetProperty("size", out JsonElement size) && size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out long bytes) && bytes >= 0
                ? new HubFile(path, bytes, hash)
                : throw Nonsense();
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private HubException Nonsense() =>
        new($"{Options.Endpoint.AbsoluteUri} does not answer as a Hugging Face hub does: check HF_ENDPOINT and your proxy.") { IsAway = true };
}

/// <summary>What is asked for, for messages.</summary>
/// <param name="Repository">Owner and name.</param>
/// <param name="Revision">Branch, tag or commit.</param>
/// <param name="File">A file; null for the repository itself.</param>
internal sealed record HubRequest(string Repository, string Revision, string? File = null)
{
    /// <summary>How to call it.</summary>
    public string Name => File is null ? $"'{Repository}'" : $"'{File}'";
}
