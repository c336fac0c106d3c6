using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Handwritten.Load;

/// <summary>A client of /v1/stream.</summary>
internal sealed class StreamClient : IDisposable
{
    private const int MostMessageBytes = 1 << 20;

    private readonly ClientWebSocket _socket = new();

    /// <summary>Opens a stream of 16-bit samples at 16 kHz.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="query">Parameters of the address.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public static async Task<StreamClient> OpenAsync(ServerProcess server, string query, CancellationToken cancellation)
    {
        StreamClient client = new();
        await client._socket.ConnectAsync(new Uri($"ws://{server.Address.Authority}/v1/stream?{query}"), cancellation);
        return client;
    }

    /// <summary>Sends samples as one message; waits while the server is behind.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> pcm, CancellationToken cancellation) =>
        _socket.SendAsync(pcm, WebSocketMessageType.Binary, endOfMessage: true, cancellation);

    /// <summary>Says that no more follows.</summary>
    public Task EndAsync(CancellationToken cancellation) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes("{\"type\":\"end\"}"), WebSocketMessageType.Text, endOfMessage: true, cancellation);

    /// <summary>What the server says, until it closes.</summary>
    public async IAsyncEnumerable<JsonElement> EventsAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        byte[] buffer = new byte[MostMessageBytes];
        while (true)
        {
            int length = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                result = await _socket.ReceiveAsync(buffer.AsMemory(length), cancellation);
                length += result.Count;
            }
            while (!result.EndOfMessage);

            if (result.MessageType == WebSocketMessageType.Close)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellation);
                yield break;
            }

            using JsonDocument message = JsonDocument.Parse(buffer.AsMemory(0, length));
            yield return message.RootElement.Clone();
        }
    }

    /// <summary>Vanishes, as a client whose network is gone.</summary>
    public void Abort() => _socket.Abort();

    public void Dispose() => _socket.Dispose();
}
