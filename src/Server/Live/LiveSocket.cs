using System.Net.WebSockets;
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
    private readonly SocketMessages _messages = new(socket, dialect.MostMessageBytes, idleTimeout);

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
            await _messages.SendAsync(() => [dialect.Greet(model)], ending.Token);
            telling = TellAsync(session, ending.Token);
            listening = ListenAsync(session, stopping, ending.Token);

            // Whichever fails first ends the other.
            await await Task.WhenAny(telling, listening, ended.Task);
            await await Task.WhenAny(Task.WhenAll(telling, listening), ended.Task);
            if (_messages.IsCut)
            {
                throw new OperationCanceledException(stopping);
            }

            await _messages.SendAsync(() => dialect.TakeLeave() is { } farewell ? [farewell] : [], ending.Token);
            await _messages.CloseAsync(WebSocketCloseStatus.NormalClosure, "done");
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

    public void Dispose() => _messages.Dispose();

    private async Task ListenAsync(LiveSession session, CancellationToken stopping, CancellationToken cancellation)
    {
        bool goesOn = true;
        using CancellationTokenSource hearing = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellation);
        while (goesOn && await _messages.ReceiveAsync(hearing.Token, cancellation) is { } message)
        {
            try
            {
                goesOn = await FollowAsync(session, message.IsText ? dialect.Read(message.Content) : new ClientMessage(Audio: message.Content), cancellation);
            }
            catch (ApiException error) when (dialect.Forgives && error.Status < StatusCodes.Status500InternalServerError)
            {
                await _messages.SendAsync(() => dialect.Complain(error, isLast: false), cancellation);
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
            await _messages.SendAsync(() => [reply], cancellation);
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
                await _messages.SendAsync(() => dialect.End(part, error), cancellation);
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
                await _messages.SendAsync(() => part.IsDropped ? [] : dialect.Tell(heard), cancellation);
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

    private async Task TryComplainAsync(ApiException error)
    {
        try
        {
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(5));
            await _messages.SendAsync(() => dialect.Complain(error, isLast: true), patience.Token, areLast: true);
            await _messages.CloseAsync(StatusOf(error), error.Code ?? "error");
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It is gone as well.
        }
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
