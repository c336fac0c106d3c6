using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Handwritten.Server.Tests.Faults;

/// <summary>A client that sends what it likes, byte by byte.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly TcpClient _client = new();

    private RawClient()
    {
    }

    private NetworkStream Stream => _client.GetStream();

    /// <summary>Connects.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="receiveBuffer">How many bytes may wait to be read; 0 for what the system gives.</param>
    public static async Task<RawClient> ConnectAsync(Uri server, int receiveBuffer = 0)
    {
        RawClient raw = new();
        if (receiveBuffer > 0)
        {
            raw._client.ReceiveBufferSize = receiveBuffer;
        }

        await raw._client.ConnectAsync(server.Host, server.Port);
        return raw;
    }

    /// <summary>Connects and asks for a WebSocket; the answer's head waits in <see cref="Head"/>.</summary>
    public static async Task<RawClient> OpenSocketAsync(Uri server, string path, int receiveBuffer = 0)
    {
        RawClient raw = await ConnectAsync(server, receiveBuffer);
        await raw.SendAsync(
            $"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {Convert.ToBase64String(RandomNumberGenerator.GetBytes(16))}\r\n\r\n");
        raw.Head = await raw.ReadHeadAsync();
        return raw;
    }

    /// <summary>The head of the answer to the request for a WebSocket.</summary>
    public string Head { get; private set; } = "";

    /// <summary>Whether something of an answer is here to be read.</summary>
    public bool HasAnswer => _client.Available > 0;

    /// <summary>Sends text as ASCII.</summary>
    public Task SendAsync(string text) => SendAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Sends bytes.</summary>
    public async Task SendAsync(byte[] bytes) => await Stream.WriteAsync(bytes);

    /// <summary>Sends the head of a form, and of the file in it.</summary>
    /// <param name="length">How the length of the body is told: a header.</param>
    public Task SendFormHeadAsync(string length) => SendAsync(
        $"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: test\r\n{length}\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n");

    /// <summary>The beginning of the body whose head <see cref="SendFormHeadAsync"/> sends.</summary>
    public const string FileHead = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n";

    /// <summary>Sends the same bytes until the server takes no more, or they are enough.</summary>
    /// <param name="piece">The bytes.</param>
    /// <param name="total">How many are enough.</param>
    /// <param name="patience">How long the server may take none.</param>
    /// <returns>How many were sent.</returns>
    public async Task<long> FloodAsync(byte[] piece, long total, TimeSpan patience)
    {
        long sent = 0;
        try
        {
            while (sent < total)
            {
                await Stream.WriteAsync(piece).AsTask().WaitAsync(patience);
                sent += piece.Length;
            }
        }
        catch (Exception failure) when (failure is IOException or TimeoutException)
        {
            // The server has closed, or reads no more.
        }

        return sent;
    }

    /// <summary>Reads the head of an answer, and nothing behind it.</summary>
    public async Task<string> ReadHeadAsync()
    {
        StringBuilder head = new();
        byte[] next = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await Stream.ReadExactlyAsync(next);
            head.Append((char)next[0]);
        }

        return head.ToString();
    }

    /// <summary>Reads until the server closes.</summary>
    /// <param name="patience">How long that may take.</param>
    public Task<byte[]> ReadToEndAsync(TimeSpan patience) => ReadAsync(_ => false, patience);

    /// <summary>Reads an answer: to its last chunk, or until the server closes.</summary>
    /// <returns>The status, and the code of its error object; null without one.</returns>
    public async Task<(HttpStatusCode Status, string? Code)> ReadAnswerAsync(TimeSpan patience)
    {
        string answer = Encoding.UTF8.GetString(await ReadAsync(all => all.EndsWith("\r\n0\r\n\r\n"u8), patience));
        HttpStatusCode status = (HttpStatusCode)int.Parse(answer.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        int json = answer.IndexOf("{\"error\"", StringComparison.Ordinal);
        if (json < 0)
        {
            return (status, null);
        }

        Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(answer[json..]));
        return (status, JsonElement.ParseValue(ref reader).GetProperty("error").GetProperty("code").GetString());
    }

    private async Task<byte[]> ReadAsync(Func<ReadOnlySpan<byte>, bool> isEnough, TimeSpan patience)
    {
        using CancellationTokenSource limit = new(patience);
        using MemoryStream all = new();
        byte[] piece = new byte[4096];
        try
        {
            while (!isEnough(all.GetBuffer().AsSpan(0, (int)all.Length)) && await Stream.ReadAsync(piece, limit.Token) is int count and > 0)
            {
                all.Write(piece, 0, count);
            }
        }
        catch (IOException)
        {
            // It has closed without saying goodbye.
        }

        return all.ToArray();
    }

    /// <summary>Hangs up without a word: the server sees a reset.</summary>
    public void Vanish()
    {
        _client.LingerState = new LingerOption(enable: true, seconds: 0);
        Dispose();
    }

    public void Dispose() => _client.Dispose();
}
