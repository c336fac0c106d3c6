using System.Net.WebSockets;
using System.Text.Json;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Live;

/// <summary>
/// A WebSocket as messages: whole ones come in, those that belong together go out together, and it is closed so that what was said last
/// arrives.
/// </summary>
/// <param name="socket">The socket.</param>
/// <param name="mostBytes">Bytes that a message of the client may have.</param>
/// <param name="idleTimeout">How long the client may send nothing, or not read.</param>
internal sealed class SocketMessages(WebSocket socket, int mostBytes, TimeSpan idleTimeout) : IDisposable
{
    private const int UsualMessageBytes = 1 << 16;

    private readonly SemaphoreSlim _sending = new(1);
    private readonly Lock _reads = new(); // a socket allows one read at a time
    private byte[] _message = new byte[UsualMessageBytes];
    private Task<ValueWebSocketReceiveResult>? _reading;
    private volatile bool _isClosing, _isCut;
    private bool _hasSaidLast; // belongs to whoever sends

    /// <summary>Whether the server has stopped before the client has said all.</summary>
    public bool IsCut => _isCut;

    /// <summary>The next message; null if the client sends no more, or the server stops.</summary>
    /// <param name="hearing">Ends the waiting for it.</param>
    /// <param name="cancellation">Ends the socket as well.</param>
    public async Task<(bool IsText, ReadOnlyMemory<byte> Content)?> ReceiveAsync(CancellationToken hearing, CancellationToken cancellation)
    {
        if (_message.Length > UsualMessageBytes)
        {
            _message = new byte[UsualMessageBytes]; // what a large message needed is not kept for one that may never come
        }

        int length = 0;
        while (!_isClosing && !hearing.IsCancellationRequested)
        {
            if (length == _message.Length)
            {
                Array.Resize(ref _message, Math.Min(2 * length, mostBytes));
            }

            if (BeginRead(length, cancellation) is not { } reading)
            {
                break;
            }

            ValueWebSocketReceiveResult result;
            try
            {
                result = await reading.WaitAsync(idleTimeout, hearing);
            }
            catch (OperationCanceledException) when (hearing.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                break;
            }
            catch (TimeoutException failure)
            {
                throw new ApiException(StatusCodes.Status408RequestTimeout, $"Nothing came for {idleTimeout.TotalSeconds:0} seconds.", code: "stream_idle", innerException: failure);
            }

            length += result.Count;
            if (result.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            if (result.EndOfMessage)
            {
                return (result.MessageType == WebSocketMessageType.Text, _message.AsMemory(0, length));
            }

            if (length == mostBytes)
            {
                throw new ApiException(StatusCodes.Status413PayloadTooLarge, $"A message has more than {mostBytes} bytes: send sound in smaller pieces.", code: "message_too_large");
            }
        }

        _isCut = !_isClosing;
        return null;
    }

    /// <summary>Begins to read what comes next of a message; null if the socket is being closed, which reads by itself.</summary>
    private Task<ValueWebSocketReceiveResult>? BeginRead(int length, CancellationToken cancellation)
    {
        lock (_reads)
        {
            // To cancel a read would abort the socket, and the client would never know why.
            return _isClosing ? null : _reading = socket.ReceiveAsync(_message.AsMemory(length), cancellation).AsTask();
        }
    }

    /// <summary>Sends messages that belong together: no others come between them, and none behind those that say why the stream ends.</summary>
    /// <param name="compose">Makes them when it is their turn, so that the dialect remembers what the client has been told, in that order.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <param name="areLast">Whether they say why the stream ends.</param>
    public async Task SendAsync(Func<IEnumerable<object>> compose, CancellationToken cancellation, bool areLast = false)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(idleTimeout);
        try
        {
            await _sending.WaitAsync(patience.Token);
            try
            {
                if (_hasSaidLast)
                {
                    return;
                }

                _hasSaidLast = areLast;
                foreach (object message in compose())
                {
                    byte[] json = JsonSerializer.SerializeToUtf8Bytes(message, Json.Options);
                    await socket.SendAsync(json.AsMemory(), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
                }
            }
            finally
            {
                _sending.Release();
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely, "The client does not read.");
        }
    }

    /// <summary>Says goodbye, and waits for the client to do the same.</summary>
    /// <param name="status">Why.</param>
    /// <param name="reason">The same for programs.</param>
    /// <exception cref="WebSocketException">The client is gone.</exception>
    /// <exception cref="OperationCanceledException">It takes nothing more.</exception>
    public async Task CloseAsync(WebSocketCloseStatus status, string reason)
    {
        Task<ValueWebSocketReceiveResult>? begun;
        lock (_reads)
        {
            (_isClosing, begun) = (true, _reading);
        }

        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(5));
        await socket.CloseOutputAsync(status, reason, patience.Token);
        try
        {
            // Until the client has closed as well: a connection that is closed on unread data is reset, and what was said last
            // would be lost.
            byte[] passedOver = new byte[1 << 12];
            Task<ValueWebSocketReceiveResult> read = begun is { IsCompleted: false } ? begun : ReadAsync(passedOver);
            while ((await read.WaitAsync(patience.Token)).MessageType != WebSocketMessageType.Close)
            {
                read = ReadAsync(passedOver);
            }
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException)
        {
            // It has closed, or does not.
        }

        Task<ValueWebSocketReceiveResult> ReadAsync(byte[] buffer) => socket.ReceiveAsync(buffer.AsMemory(), patience.Token).AsTask();
    }

    public void Dispose() => _sending.Dispose();
}
