using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Handwritten.Server.Tests.Live;

/// <summary>The server's end of a socket whose client reads only when the test lets it.</summary>
/// <param name="heldAt">The type of the message that the client does not read at first.</param>
internal sealed class SocketOfTest(string heldAt) : WebSocket
{
    private readonly Channel<byte[]> _incoming = Channel.CreateUnbounded<byte[]>();
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously), _letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReadOnlyMemory<byte> _rest;
    private WebSocketState _state = WebSocketState.Open;

    /// <summary>What the client has been sent.</summary>
    public ConcurrentQueue<JsonElement> Sent { get; } = [];

    /// <summary>Ends when the message comes that is not read.</summary>
    public Task Held => _held.Task;

    /// <summary>Reads on.</summary>
    public void LetGo() => _letGo.TrySetResult();

    /// <summary>Sends a text to the server.</summary>
    public void Say(string text) => _incoming.Writer.TryWrite(Encoding.UTF8.GetBytes(text));

    public override WebSocketCloseStatus? CloseStatus => null;

    public override string? CloseStatusDescription => null;

    public override string? SubProtocol => null;

    public override WebSocketState State => _state;

    public override async Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        using JsonDocument message = JsonDocument.Parse(buffer.AsMemory());
        if (message.RootElement.GetProperty("type").GetString() == heldAt && _held.TrySetResult())
        {
            await _letGo.Task.WaitAsync(cancellationToken);
        }

        Sent.Enqueue(message.RootElement.Clone());
    }

    public override async Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
    {
        if (_rest.IsEmpty)
        {
            try
            {
                _rest = await _incoming.Reader.ReadAsync(cancellationToken);
            }
            catch (ChannelClosedException)
            {
                return new WebSocketReceiveResult(0, WebSocketMessageType.Close, endOfMessage: true);
            }
        }

        int count = Math.Min(buffer.Count, _rest.Length);
        _rest[..count].CopyTo(buffer.AsMemory());
        _rest = _rest[count..];
        return new WebSocketReceiveResult(count, WebSocketMessageType.Text, _rest.IsEmpty);
    }

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        _state = WebSocketState.CloseSent;
        _incoming.Writer.TryComplete(); // the client closes as well
        return Task.CompletedTask;
    }

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => CloseOutputAsync(closeStatus, statusDescription, cancellationToken);

    public override void Abort() => _state = WebSocketState.Aborted;

    public override void Dispose()
    {
        // Nothing is open.
    }
}
