using System.Diagnostics;
using System.Threading.Channels;
using Handwritten.Model;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// A request in the engine's hands. Segments can be read as they come, or the transcript awaited; what is computed waits in
/// memory until it is read. Disposing it, or cancelling the token it was started with, frees what it holds before the next
/// step. Safe for several threads; the segments are for one reader.
/// </summary>
public sealed class ServedTranscription : IDisposable
{
    private readonly Channel<Segment> _segments = Channel.CreateUnbounded<Segment>(new() { SingleReader = true, SingleWriter = true });
    private readonly TaskCompletionSource<string> _language = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Transcript> _transcript = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _cancellation = new(); // holds nothing that would have to be freed
    private readonly CancellationTokenRegistration _outside;
    private readonly Action<ServedTranscription, Exception?> _ended;
    private readonly long _accepted = Stopwatch.GetTimestamp();
    private readonly double _windowSeconds;
    private long _begun;
    private double _position;

    internal ServedTranscription(EngineRequest request, Action<ServedTranscription, Exception?> ended, CancellationToken cancellation)
    {
        (Request, _ended) = (request, ended);
        _windowSeconds = Math.Max(request.Duration, request.LeastWindows * WhisperAudio.WindowSeconds);
        _outside = cancellation.UnsafeRegister(static served => ((ServedTranscription)served!).Dispose(), this);

        // Whoever reads only the segments does not look at these, and an exception nobody looked at is no accident here.
        _ = _transcript.Task.ContinueWith(static task => _ = task.Exception, TaskScheduler.Default);
        _ = _language.Task.ContinueWith(static task => _ = task.Exception, TaskScheduler.Default);
    }

    /// <summary>What was asked for.</summary>
    public EngineRequest Request { get; }

    /// <summary>Code of the language, given or detected; known before the first segment. Fails as the request fails.</summary>
    public Task<string> Language => _language.Task;

    /// <summary>Seconds of the recording.</summary>
    public double Duration => Request.Duration;

    /// <summary>Seconds of the recording that have been transcribed.</summary>
    public double Position => Volatile.Read(ref _position);

    /// <summary>About how many windows are left to be heard, at least one: of clips that go back and forth it is too many.</summary>
    internal int WindowsLeft => Math.Max(1, (int)Math.Ceiling((_windowSeconds - Position) / WhisperAudio.WindowSeconds));

    /// <summary>How long the request waited until its first window was taken up; so far, if it still waits.</summary>
    public TimeSpan QueueTime => Stopwatch.GetElapsedTime(_accepted, Volatile.Read(ref _begun) is long begun and not 0 ? begun : Stopwatch.GetTimestamp());

    /// <summary>How long it has been in the engine's hands.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_accepted);

    /// <summary>
    /// The whole transcript, once it is there. Fails with an <see cref="OperationCanceledException"/> if cancelled,
    /// <see cref="Decoding.OptionsException"/> if the options do not fit the recording, <see cref="Model.ModelException"/> if
    /// the model computes no numbers, and with what the back end threw if it failed.
    /// </summary>
    public Task<Transcript> Transcript => _transcript.Task;

    internal CancellationToken Cancellation => _cancellation.Token;

    internal bool HasBegun => Volatile.Read(ref _begun) != 0;

    /// <summary>The segments as they come, once. Ends or fails as <see cref="Transcript"/> does.</summary>
    /// <param name="cancellation">Ends the reading, not the request.</param>
    public IAsyncEnumerable<Segment> Segments(CancellationToken cancellation = default) => _segments.Reader.ReadAllAsync(cancellation);

    /// <summary>Cancels what has not been transcribed.</summary>
    public void Dispose() => _cancellation.Cancel();

    /// <summary>Notes that its first window has been taken up.</summary>
    internal void Begin() => Interlocked.CompareExchange(ref _begun, Stopwatch.GetTimestamp(), 0);

    internal void SetLanguage(string language) => _language.TrySetResult(language);

    internal void Add(Segment segment, double position)
    {
        _segments.Writer.TryWrite(segment);
        Volatile.Write(ref _position, position);
    }

    internal void Complete(Transcript transcript)
    {
        Volatile.Write(ref _position, Duration);
        Leave(null);
        _language.TrySetResult(transcript.Language);
        _segments.Writer.TryComplete();
        _transcript.TrySetResult(transcript);
    }

    internal void Fail(Exception exception)
    {
        Leave(exception);
        _segments.Writer.TryComplete(exception);
        if (exception is OperationCanceledException)
        {
            _language.TrySetCanceled(Cancellation);
            _transcript.TrySetCanceled(Cancellation);
        }
        else
        {
            _language.TrySetException(exception);
            _transcript.TrySetException(exception);
        }
    }

    /// <summary>Tells whoever counts requests, and lets go of the caller's token, which may live much longer.</summary>
    private void Leave(Exception? failure)
    {
        _outside.Unregister();
        _ended(this, failure);
    }
}
