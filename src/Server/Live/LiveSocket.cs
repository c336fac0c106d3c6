using System.Net.WebSockets;
using System.Text.Json;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Live;

/// <summary>
/// A live stream over a WebSocket: one loop reads sound and hands it on, another sends what was heard. A slow engine lets the
/// first loop wait, which stops reading, which in the end stops the client: nothing piles up.
/// </summary>
internal sealed class LiveSocket(WebSocket socket, IStreamDialect dialect, StreamSettings settings, TimeSpan idleTimeout) : IDisposable
{
    /// <summary>A message holds at most this: 16 s of 16-bit sound at 32 kHz.</summary>
    private const int MostMessageBytes = 1 << 20;

    private readonly SemaphoreSlim _sending = new(1);
    private readonly byte[] _message = new byte[MostMessageBytes];
    private readonly PcmStream _pcm = new(settings.SampleRate, settings.Format);
    private Task<ValueWebSocketReceiveResult>? _reading;
    private volatile bool _isClosing;

    /// <summary>Serves the stream to its end.</summary>
    /// <param name="live">Follows what is said.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="aborted">The client is gone.</param>
    /// <param name="stopping">The server stops: the client is told, and may go on elsewhere.</param>
    public async Task RunAsync(LiveTranscription live, string model, CancellationToken aborted, CancellationToken stopping)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        Task telling = Task.CompletedTask, listening = Task.CompletedTask, stopped = Task.Delay(Timeout.Infinite, stopping);
        try
        {
            await SendAsync(dialect.Greet(model), ending.Token);
            telling = TellAsync(live, ending.Token);
            listening = ListenAsync(live, ending.Token);

            // Whichever fails first ends the other.
            await await Task.WhenAny(telling, listening, stopped);
            await await Task.WhenAny(Task.WhenAll(telling, listening), stopped);
            if (dialect.TakeLeave() is { } farewell)
            {
                await SendAsync(farewell, ending.Token);
            }

            await CloseAsync(WebSocketCloseStatus.NormalClosure, "done");
        }
        catch (Exception failure) when (failure is WebSocketException || aborted.IsCancellationRequested)
        {
            // The client is gone; there is nobody to tell.
        }
        catch (Exception failure)
        {
            ApiException error = ApiErrors.Of(failure);
            await TryComplainAsync(error);
            if (error.Status >= StatusCodes.Status500InternalServerError && failure is not OperationCanceledException)
            {
                throw;
            }
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(telling, listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _sending.Dispose();

    private async Task ListenAsync(LiveTranscription live, CancellationToken cancellation)
    {
        while (await ReceiveAsync(cancellation) is { } message)
        {
            ClientMessage meaning = message.IsText ? dialect.Read(message.Content) : new ClientMessage(message.Content);
            if (meaning.Reply is { } reply)
            {
                await SendAsync(reply, cancellation);
            }

            if (!meaning.Audio.IsEmpty)
            {
                await live.WriteAsync(_pcm.Push(meaning.Audio.Span), cancellation);
            }

            if (meaning.IsEnd)
            {
                break;
            }
        }

        await live.WriteAsync(_pcm.Finish(), cancellation);
        live.Complete();
    }

    private async Task TellAsync(LiveTranscription live, CancellationToken cancellation)
    {
        await foreach (LiveEvent heard in live.Events(cancellation))
        {
            foreach (object message in dialect.Tell(heard))
            {
                await SendAsync(message, cancellation);
            }
        }
    }

    /// <summary>The next message; null if the client sends no more.</summary>
    private async Task<(bool IsText, ReadOnlyMemory<byte> Content)?> ReceiveAsync(CancellationToken cancellation)
    {
        int length = 0;
        while (!_isClosing)
        {
            // To cancel a read would abort the socket, and the client would never know why.
            _reading = socket.ReceiveAsync(_message.AsMemory(length), cancellation).AsTask();
            if (await Task.WhenAny(_reading, Task.Delay(idleTimeout, cancellation)) != _reading)
            {
                cancellation.ThrowIfCancellationRequested();
                throw new ApiException(StatusCodes.Status408RequestTimeout, $"Nothing came for {idleTimeout.TotalSeconds:0} seconds.", code: "stream_idle");
            }

            ValueWebSocketReceiveResult result = await _reading;
            length += result.Count;
            if (result.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            if (result.EndOfMessage)
            {
                return (result.MessageType == WebSocketMessageType.Text, _message.AsMemory(0, length));
            }

            if (length == _message.Length)
            {
                throw new ApiException(StatusCodes.Status413PayloadTooLarge, $"A message has more than {MostMessageBytes} bytes: send sound in smaller pieces.", code: "message_too_large");
            }
        }

        return null;
    }

    private async Task SendAsync(object message, CancellationToken cancellation)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(message, Json.Options);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(idleTimeout);
        await _sending.WaitAsync(patience.Token);
        try
        {
            await socket.SendAsync(json.AsMemory(), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely, "The client does not read.");
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task TryComplainAsync(ApiException error)
    {
        try
        {
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(5));
            await SendAsync(dialect.Complain(error), patience.Token);
            await CloseAsync(StatusOf(error), error.Code ?? "error");
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It is gone as well.
        }
    }

    private async Task CloseAsync(WebSocketCloseStatus status, string reason)
    {
        _isClosing = true;
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(5));
        await socket.CloseOutputAsync(status, reason, patience.Token);
        try
        {
            // Until the client has closed as well: a connection that is closed on unread data is reset, and what was said last
            // would be lost.
            Task<ValueWebSocketReceiveResult> read = _reading is { IsCompleted: false } pending ? pending : ReadAsync();
            while ((await read.WaitAsync(patience.Token)).MessageType != WebSocketMessageType.Close)
            {
                read = ReadAsync();
            }
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException)
        {
            // It has closed, or does not.
        }

        Task<ValueWebSocketReceiveResult> ReadAsync() => socket.ReceiveAsync(_message.AsMemory(), patience.Token).AsTask();
    }

    private static WebSocketCloseStatus StatusOf(ApiException error) => error.Status switch
    {
        StatusCodes.Status413PayloadTooLarge => WebSocketCloseStatus.MessageTooBig,
        StatusCodes.Status408RequestTimeout => WebSocketCloseStatus.PolicyViolation,
        StatusCodes.Status429TooManyRequests => WebSocketCloseStatus.PolicyViolation,
        StatusCodes.Status503ServiceUnavailable => WebSocketCloseStatus.EndpointUnavailable,
        >= StatusCodes.Status500InternalServerError => WebSocketCloseStatus.InternalServerError,
        _ => WebSocketCloseStatus.InvalidPayloadData,
    };
}
