using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Handwritten.Runtime.Audio;

namespace Handwritten.Server.Tests.Live;

/// <summary>A client of /v1/stream.</summary>
internal sealed class StreamOfTest : IDisposable
{
    private readonly ClientWebSocket _socket = new();

    public WebSocketCloseStatus? CloseStatus => _socket.CloseStatus;

    public static Uri Address(RunningServer server, string query, string dialect = "stream") => new($"ws://{server.Address.Authority}/v1/{dialect}?{query}");

    /// <summary>The recording, and a second of silence behind it.</summary>
    public static byte[] Sound(int rate, string encoding)
    {
        float[] samples = [.. AudioFile.Load(RunningServer.Recording).Samples, .. new float[AudioClip.SampleRate]];
        float[] resampled = Resampler.Resample(samples, AudioClip.SampleRate, rate);
        return [.. resampled.SelectMany(sample => encoding == "pcm16" ? BitConverter.GetBytes((short)Math.Clamp(sample * 32768, -32768, 32767)) : BitConverter.GetBytes(sample))];
    }

    public static async Task<StreamOfTest> OpenAsync(RunningServer server, string query, string dialect = "stream", params (string Name, string Value)[] headers)
    {
        StreamOfTest stream = new();
        foreach ((string name, string value) in headers)
        {
            stream._socket.Options.SetRequestHeader(name, value);
        }

        await stream._socket.ConnectAsync(Address(server, query, dialect), CancellationToken.None);
        return stream;
    }

    public async Task SendAsync(byte[] sound, int frameBytes)
    {
        foreach (byte[] frame in sound.Chunk(frameBytes))
        {
            await _socket.SendAsync(frame, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        }
    }

    public Task SendTextAsync(string text) => _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    /// <summary>All messages until the server closes, one minute at most.</summary>
    public async Task<IReadOnlyList<JsonElement>> ReadToEndAsync()
    {
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1));
        List<JsonElement> messages = [];
        while (true)
        {
            (JsonElement message, bool isLast) = await ReceiveAsync(patience.Token);
            if (isLast)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token);
                return messages;
            }

            messages.Add(message);
        }
    }

    /// <summary>The next message.</summary>
    public async Task<JsonElement> ReadAsync()
    {
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1));
        (JsonElement message, bool isLast) = await ReceiveAsync(patience.Token);
        return isLast ? throw new InvalidOperationException($"The server has closed: {_socket.CloseStatusDescription}.") : message;
    }

    /// <summary>The messages up to the first of a type.</summary>
    public async Task<IReadOnlyList<JsonElement>> ReadUntilAsync(string type)
    {
        List<JsonElement> messages = [];
        do
        {
            messages.Add(await ReadAsync());
        }
        while (messages[^1].GetProperty("type").GetString() != type);

        return messages;
    }

    public void Abort() => _socket.Abort();

    public void Dispose() => _socket.Dispose();

    private async Task<(JsonElement Message, bool IsLast)> ReceiveAsync(CancellationToken patience)
    {
        byte[] buffer = new byte[1 << 16];
        int length = 0;
        WebSocketReceiveResult result;
        do
        {
            result = await _socket.ReceiveAsync(new ArraySegment<byte>(buffer, length, buffer.Length - length), patience);
            length += result.Count;
        }
        while (!result.EndOfMessage);

        return result.MessageType == WebSocketMessageType.Close ? default((JsonElement, bool)) with { Item2 = true } : (JsonDocument.Parse(buffer.AsMemory(0, length)).RootElement.Clone(), false);
    }
}
