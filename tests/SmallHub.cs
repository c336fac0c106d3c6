using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Handwritten.Tests;

/// <summary>A request as it came.</summary>
/// <param name="Path">With the query.</param>
/// <param name="Headers">By name, in any case.</param>
internal sealed record WebRequest(string Path, Dictionary<string, string> Headers)
{
    /// <summary>The first and the last byte that are asked for; null where all are.</summary>
    public (long From, long To)? Range => Headers.TryGetValue("Range", out string? range) && range["bytes=".Length..].Split('-') is [var from, var to]
        ? (long.Parse(from, CultureInfo.InvariantCulture), long.Parse(to, CultureInfo.InvariantCulture))
        : null;
}

/// <summary>An answer. Nothing keeps its parts from contradicting each other.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Body">What is sent.</param>
/// <param name="Headers">Lines; a Content-Length that tells the truth is added unless there is one or a Transfer-Encoding.</param>
/// <param name="CutAfter">The connection is cut after so many bytes of the body.</param>
/// <param name="Pause">How long to be silent before the body.</param>
internal sealed record WebAnswer(int Status, byte[] Body, string[]? Headers = null, int? CutAfter = null, TimeSpan Pause = default)
{
    public static WebAnswer Json(object value) => new(200, JsonSerializer.SerializeToUtf8Bytes(value));

    /// <summary>A file, or the range of it that is asked for.</summary>
    public static WebAnswer File(WebRequest request, byte[] content) => request.Range is not (long from, long to)
        ? new(200, content)
        : from >= content.Length
            ? new(416, [], [$"Content-Range: bytes */{content.Length}"])
            : new(206, content[(int)from..((int)Math.Min(to, content.Length - 1) + 1)], [$"Content-Range: bytes {from}-{Math.Min(to, content.Length - 1)}/{content.Length}"]);
}

/// <summary>A web server on a loopback address, made of a socket, so that it can break every rule.</summary>
internal class SmallServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<WebRequest, WebAnswer>? _answer;

    public SmallServer(Func<WebRequest, WebAnswer>? answer = null)
    {
        _answer = answer;
        _listener.Start();
        _ = Task.Run(AcceptAsync);
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public ConcurrentQueue<WebRequest> Requests { get; } = [];

    public void Dispose() => _listener.Dispose();

    protected virtual WebAnswer Answer(WebRequest request) => _answer!(request);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync();
                _ = Task.Run(() => ServeAsync(client));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                using StreamReader reader = new(stream, Encoding.ASCII, leaveOpen: true);
                string path = (await reader.ReadLineAsync() ?? "GET /").Split(' ')[1];
                Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
                while (await reader.ReadLineAsync() is { Length: > 0 } line)
                {
                    string[] parts = line.Split(": ", 2);
                    headers[parts[0]] = parts[1];
                }

                WebRequest request = new(path, headers);
                Requests.Enqueue(request);
                await WriteAsync(client, stream, Answer(request));
            }
            catch (IOException)
            {
                // The client has had enough.
            }
        }
    }

    private static async Task WriteAsync(TcpClient client, NetworkStream stream, WebAnswer answer)
    {
        string[] lines = answer.Headers ?? [];
        bool tellsLength = lines.Any(line => line.StartsWith("Content-Length:", StringComparison.Ordinal) || line.StartsWith("Transfer-Encoding:", StringComparison.Ordinal));
        IEnumerable<string> head = [$"HTTP/1.1 {answer.Status} {(HttpStatusCode)answer.Status}", "Connection: close", .. tellsLength ? [] : new[] { $"Content-Length: {answer.Body.Length}" }, .. lines, "", ""];
        await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Join("\r\n", head)));
        if (answer.Pause > TimeSpan.Zero)
        {
            await stream.FlushAsync();
            await Task.Delay(answer.Pause);
        }

        int count = Math.Min(answer.CutAfter ?? answer.Body.Length, answer.Body.Length);
        await stream.WriteAsync(answer.Body.AsMemory(0, count));
        await stream.FlushAsync();
        if (answer.CutAfter is null)
        {
            // A socket that is closed while the other side still sends would be reset.
            client.Client.Shutdown(SocketShutdown.Send);
            _ = await stream.ReadAsync(new byte[1]);
        }
    }
}

/// <summary>A Hugging Face hub with one model; large files lie, as there, on another server, to which it redirects.</summary>
internal sealed class SmallHub : SmallServer
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly SmallServer _storage;

    public SmallHub(string repository, Dictionary<string, byte[]> files)
    {
        Repository = repository;
        Files = files;
        _storage = new SmallServer(request =>
        {
            string name = request.Path.Split('/')[^1].Split('?')[0];
            return Storage?.Invoke(request, name) ?? WebAnswer.File(request, Files[name]);
        });
    }

    public string Repository { get; }

    public Dictionary<string, byte[]> Files { get; }

    /// <summary>What the hub answers instead of what it should; null for what it should.</summary>
    public Func<WebRequest, WebAnswer?>? Instead { get; set; }

    /// <summary>What the storage answers instead, by the name of the file.</summary>
    public Func<WebRequest, string, WebAnswer?>? Storage { get; set; }

    public IEnumerable<WebRequest> StorageRequests => _storage.Requests;

    /// <summary>A hash as the hub has it.</summary>
#pragma warning disable CA5350 // git names contents by SHA-1.
    public static string Hash(string name, byte[] content) => IsLarge(name)
        ? Convert.ToHexStringLower(SHA256.HashData(content))
        : Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));
#pragma warning restore CA5350

    public new void Dispose()
    {
        _storage.Dispose();
        base.Dispose();
    }

    protected override WebAnswer Answer(WebRequest request)
    {
        if (Instead?.Invoke(request) is { } other)
        {
            return other;
        }

        string api = $"/api/models/{Repository}", resolve = $"/{Repository}/resolve/{Commit}/";
        if (request.Path == $"{api}/revision/main" || request.Path == $"{api}/revision/{Commit}" || request.Path == $"{api}/revision/refs%2Fpr%2F1")
        {
            return WebAnswer.Json(new { id = Repository, sha = Commit });
        }

        if (request.Path == $"{api}/tree/{Commit}")
        {
            return WebAnswer.Json(Files.Select(file => Entry(file.Key, file.Value)).Append(new { type = "directory", path = "onnx", oid = Commit, size = 0 }));
        }

        if (!request.Path.StartsWith(resolve, StringComparison.Ordinal) || !Files.TryGetValue(request.Path[resolve.Length..], out byte[]? content))
        {
            return new WebAnswer(404, [], [$"X-Error-Code: {(request.Path.StartsWith(api, StringComparison.Ordinal) ? "RevisionNotFound" : "EntryNotFound")}"]);
        }

        string name = request.Path[resolve.Length..];
        return IsLarge(name)
            ? new WebAnswer(302, [], [$"Location: {_storage.Address}/bucket/{name}?signature=1", $"X-Linked-Etag: \"{Hash(name, content)}\"", $"X-Linked-Size: {content.Length}"])
            : WebAnswer.File(request, content);
    }

    private static object Entry(string name, byte[] content) => IsLarge(name)
        ? new { type = "file", path = name, oid = Commit, size = content.Length, lfs = new { oid = Hash(name, content), size = content.Length, pointerSize = 134 } }
        : new { type = "file", path = name, oid = Hash(name, content), size = content.Length };

    private static bool IsLarge(string name) => name.EndsWith(".safetensors", StringComparison.Ordinal) || name.EndsWith(".bin", StringComparison.Ordinal);
}
