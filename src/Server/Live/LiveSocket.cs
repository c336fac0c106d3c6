using System.Net.WebSockets;
using System.Text.Json;
using Handwritten.Kernels.Gpu;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Access;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Live;

/// <summary>
/// A live stream over a WebSocket: one loop reads messages and hands sound on, another sends what was heard. A slow engine lets
/// the first loop wait, which stops reading, which in the end stops the client: nothing piles up.
/// </summary>
internal sealed partial class LiveSocket(WebSocket socket, IStreamDialect dialect, TimeSpan idleTimeout, ILogger logger) : IDisposable
{
    private const int UsualMessageBytes = 1 << 16;

    private readonly SemaphoreSlim _sending = new(1);
    private readonly Lock _reads = new(); // a socket allows one read at a time
    private byte[] _message = new byte[UsualMessageBytes];
    private Task<ValueWebSocketReceiveResult>? _reading;
    private volatile bool _isClosing, _isCut; // cut: the server stops before the client has said all
    private bool _hasSaidLast; // belongs to whoever sends

    /// <summary>Serves the stream to its end.</summary>
    /// <param name="session">Hears the sound.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="aborted">The client is gone.</param>
    /// <param name="stopping">The server stops: nothing more is heard, what was said becomes final, and the client, who is told, may go on elsewhere.</param>
    /// <param name="lastCall">The server cannot wait for that any longer.</param>
    /// <param name="revoked">The client's key is not valid any more.</param>
    public async Task RunAsync(LiveSession session, string model, CancellationToken aborted, CancellationToken stopping, CancellationToken lastCall, CancellationToken revoked)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration calling = lastCall.Register(() => ended.TrySetCanceled(lastCall));
        using CancellationTokenRegistration revoking = revoked.Register(() => ended.TrySetException(Authentication.WrongKey()));
        Task telling = Task.CompletedTask, listening = Task.CompletedTask;
        try
        {
            await SendAsync(() => [dialect.Greet(model)], ending.Token);
            telling = TellAsync(session, ending.Token);
            listening = ListenAsync(session, stopping, ending.Token);

            // Whichever fails first ends the other.
            await await Task.WhenAny(telling, listening, ended.Task);
            await await Task.WhenAny(Task.WhenAll(telling, listening), ended.Task);
            if (_isCut)
            {
                throw new OperationCanceledException(stopping);
            }

            await SendAsync(() => dialect.TakeLeave() is { } farewell ? [farewell] : [], ending.Token);
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

    private async Task ListenAsync(LiveSession session, CancellationToken stopping, CancellationToken cancellation)
    {
        bool goesOn = true;
        using CancellationTokenSource hearing = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellation);
        while (goesOn && await ReceiveAsync(hearing.Token, cancellation) is { } message)
        {
            try
            {
                goesOn = await FollowAsync(session, message.IsText ? dialect.Read(message.Content) : new ClientMessage(Audio: message.Content), cancellation);
            }
            catch (ApiException error) when (dialect.Forgives && error.Status < StatusCodes.Status500InternalServerError)
            {
                await SendAsync(() => dialect.Complain(error, isLast: false), cancellation);
            }
        }

        await session.CompleteAsync(cancellation);
    }

    /// <summary>Does what a message asks for.</summary>
    /// <returns>Whether others may follow.</returns>
    private async Task<bool> FollowAsync(LiveSession session, ClientMessage message, CancellationToken cancellation)
    {
        switch (message.Request)
        {
            case ClientRequest.Commit:
                await session.EndPartAsync(isCommitted: true, cancellation);
                break;
            case ClientRequest.Clear:
                await session.ClearAsync();
                break;
            case ClientRequest.Configure:
                await session.ConfigureAsync(message.Settings!, cancellation);
                break;
            default:
                break;
        }

        if (message.Reply is { } reply)
        {
            await SendAsync(() => [reply], cancellation);
        }

        if (!message.Audio.IsEmpty)
        {
            await session.WriteAsync(message.Audio, cancellation);
        }

        return message.Request != ClientRequest.End;
    }

    private async Task TellAsync(LiveSession session, CancellationToken cancellation)
    {
        await foreach (StreamPart part in session.Parts(cancellation))
        {
            await using (part)
            {
                dialect.Begin(part);
                ApiException? error = await TellAsync(part, cancellation);
                await SendAsync(() => dialect.End(part, error), cancellation);
            }
        }
    }

    /// <summary>Tells what is heard in a part.</summary>
    /// <returns>Why it could not be transcribed, where the stream goes on all the same.</returns>
    private async Task<ApiException?> TellAsync(StreamPart part, CancellationToken cancellation)
    {
        try
        {
            await foreach (LiveEvent heard in part.Live.Events(cancellation))
            {
                part.Record.Note(heard);
                await SendAsync(() => part.IsDropped ? [] : dialect.Tell(heard), cancellation);
            }
        }
        catch (OperationCanceledException) when (part.IsDropped)
        {
            // Nobody wants to hear it any more.
        }
        catch (Exception failure) when (failure is not WebSocketException && !cancellation.IsCancellationRequested)
        {
            part.Record.Fail(failure);
            if (failure is GpuException { IsDeviceLost: true } or EngineStoppedException)
            {
                part.RetireModel();
            }

            if (!dialect.Forgives)
            {
                throw;
            }

            ApiException error = ApiErrors.Of(failure);
            if (ApiErrors.IsTrouble(error))
            {
                LogFailure(failure);
            }

            return error;
        }

        return null;
    }

    /// <summary>The next message; null if the client sends no more, or the server stops.</summary>
    /// <param name="hearing">Ends the waiting for it.</param>
    /// <param name="cancellation">Ends the socket as well.</param>
    private async Task<(bool IsText, ReadOnlyMemory<byte> Content)?> ReceiveAsync(CancellationToken hearing, CancellationToken cancellation)
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
                Array.Resize(ref _message, Math.Min(2 * length, dialect.MostMessageBytes));
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

            if (length == dialect.MostMessageBytes)
            {
                throw new ApiException(StatusCodes.Status413PayloadTooLarge, $"A message has more than {dialect.MostMessageBytes} bytes: send sound in smaller pieces.", code: "message_too_large");
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
    private async Task SendAsync(Func<IEnumerable<object>> compose, CancellationToken cancellation, bool areLast = false)
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

    private async Task TryComplainAsync(ApiException error)
    {
        try
        {
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(5));
            await SendAsync(() => dialect.Complain(error, isLast: true), patience.Token, areLast: true);
            await CloseAsync(StatusOf(error), error.Code ?? "error");
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It is gone as well.
        }
    }

    private async Task CloseAsync(WebSocketCloseStatus status, string reason)
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

    private static WebSocketCloseStatus StatusOf(ApiException error) => error.Status switch
    {
        StatusCodes.Status413PayloadTooLarge => WebSocketCloseStatus.MessageTooBig,
        StatusCodes.Status408RequestTimeout => WebSocketCloseStatus.PolicyViolation,
        StatusCodes.Status401Unauthorized or StatusCodes.Status429TooManyRequests => WebSocketCloseStatus.PolicyViolation,
        StatusCodes.Status503ServiceUnavailable => WebSocketCloseStatus.EndpointUnavailable,
        >= StatusCodes.Status500InternalServerError => WebSocketCloseStatus.InternalServerError,
        _ => WebSocketCloseStatus.InvalidPayloadData,
    };

    [LoggerMessage(LogLevel.Error, "A part of a live stream failed.")]
    private partial void LogFailure(Exception failure);
}
