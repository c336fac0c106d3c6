using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// Transcribes many recordings with one model at the same time: their windows share the encoder's passes and the decoder's
/// steps.
/// <code>
///     requests ── refused if the queue is full ──> run, a thread that mostly waits ──┐ asks     ┌─ encoder, a few windows at once
///       live · interactive · bulk, of several clients                                ├────────> │
///                                                  run ──────────────────────────────┘  engine  └─ decoder, 16 lanes
///                                                   │                                   thread
///                                                   └──> segments, as each window ends
/// </code>
/// A request gets the text that <see cref="Transcriber"/> gives it alone, token by token, whatever its company: a row of a
/// pass does not see the others. What fails, fails alone. For several threads.
/// </summary>
public sealed class TranscriptionEngine : IAsyncDisposable
{
    private static readonly TimeSpan ShortestRetry = TimeSpan.FromSeconds(1), LongestRetry = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private readonly EngineLoop _loop;
    private readonly HashSet<ServedTranscription> _requests = [];
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _completed, _cancelled, _failed, _refused;
    private double _audioSeconds;
    private bool _stopped, _disposed;

    /// <summary>Allocates the memory of windows and lanes, and starts the engine's thread.</summary>
    /// <param name="model">The model; nobody else uses it until the engine is disposed. Not disposed with the engine.</param>
    /// <param name="options">How much it does at the same time.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option makes no sense.</exception>
    /// <exception cref="Kernels.Gpu.GpuException">So much does not fit the device's memory.</exception>
    public TranscriptionEngine(WhisperModel model, EngineOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (Model, Options) = (model, options ?? new EngineOptions());
        Options.Validate();
        _loop = new EngineLoop(model, Options);
    }

    /// <summary>The model.</summary>
    public WhisperModel Model { get; }

    /// <summary>How much it does at the same time.</summary>
    public EngineOptions Options { get; }

    /// <summary>How it stands, and what it has done.</summary>
    public EngineStatistics Statistics
    {
        get
        {
            EngineCounters counters = _loop.Counters;
            lock (_gate)
            {
                int[] waiting = new int[Enum.GetValues<RequestPriority>().Length];
                foreach (ServedTranscription request in _requests.Where(request => !request.HasBegun))
                {
                    waiting[(int)request.Request.Priority]++;
                }

                return new EngineStatistics
                {
                    Waiting = waiting,
                    Active = _requests.Count - waiting.Sum(),
                    WindowsInUse = counters.WindowsInUse,
                    Windows = Options.Windows,
                    LanesInUse = counters.LanesInUse,
                    Lanes = Options.Lanes,
                    Completed = _completed,
                    Cancelled = _cancelled,
                    Failed = _failed,
                    Refused = _refused,
                    AudioSeconds = _audioSeconds,
                    QueueSeconds = counters.QueueSeconds,
                    Begun = counters.Begun,
                    EncoderPasses = counters.EncoderPasses,
                    EncodedWindows = counters.EncodedWindows,
                    WindowsHeardAgain = counters.WindowsHeardAgain,
                    Steps = counters.Steps,
                    StepRows = counters.StepRows,
                    Tokens = counters.Tokens,
                    BusySeconds = counters.BusySeconds,
                };
            }
        }
    }

    /// <summary>
    /// Refuses a request for which there would be no room, however short its recording is: whoever asks before the recording is prepared
    /// spares the work. A request that passes may still be refused when it starts.
    /// </summary>
    /// <param name="client">Whose it is.</param>
    /// <exception cref="EngineBusyException">The queue is full.</exception>
    public void RequireRoom(string client)
    {
        lock (_gate)
        {
            Admit(client, duration: 0);
        }
    }

    /// <summary>Accepts a request, or refuses it at once.</summary>
    /// <param name="request">The recording and how to transcribe it.</param>
    /// <param name="cancellation">Frees what the request holds before the next step.</param>
    /// <exception cref="EngineBusyException">The queue is full.</exception>
    /// <exception cref="EngineStoppedException">The engine is being shut down.</exception>
    /// <exception cref="OptionsException">The options make no sense, or ask for more lanes than there are.</exception>
    /// <exception cref="AudioException">A sample is no number, or far beyond [−1, 1].</exception>
    public ServedTranscription Start(EngineRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        Verify(request);
        ServedTranscription served = new(request, Forget, cancellation);
        lock (_gate)
        {
            try
            {
                if (_stopped)
                {
                    throw new EngineStoppedException();
                }

                Admit(request.Client, request.Duration);
            }
            catch
            {
                served.Dispose();
                throw;
            }

            _requests.Add(served);
        }

        served.Cancellation.Register(_loop.Wake);
        if (request.SpeechWindows is { } windows)
        {
            new IndependentRequest(_loop, served, windows).Begin();
        }
        else
        {
            SpeechWindow? speech = request.Speech;
            _loop.Enqueue(new RecordingRun(
                _loop, served, () => speech?.Cut(request.Samples.Span) ?? request.Samples, speech?.Seconds ?? request.Duration, request.Options,
                new ChainedRequest(served, Model.Tokenizer, speech?.Times)));
        }

        return served;
    }

    /// <summary>Takes no further requests, and waits until those it has are done.</summary>
    /// <param name="cancellation">Cancels those that are not done.</param>
    public async Task StopAsync(CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            _stopped = true;
            if (_requests.Count == 0)
            {
                _empty.TrySetResult();
            }
        }

        using CancellationTokenRegistration registration = cancellation.Register(() =>
        {
            ServedTranscription[] left;
            lock (_gate)
            {
                left = [.. _requests];
            }

            Array.ForEach(left, request => request.Dispose());
        });
        await _empty.Task.ConfigureAwait(false);
    }

    /// <summary>Cancels all requests, waits for the engine's thread and frees the memory.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _loop.Dispose();
    }

    private void Verify(EngineRequest request)
    {
        TranscriptionOptions options = request.Options;
        options.Verify(Model.Dimensions.Vocabulary);
        int lanes = TemperatureFallback.MostLanes(options);
        OptionsException.Require(lanes <= Options.Lanes, $"beam_size and best_of may be at most {Options.Lanes} here, but {lanes} are asked for.");
        OptionsException.Require(request.Speech is null || request.SpeechWindows is null, $"A recording's speech is heard as one, or in windows, but not both.");
        if (request.SpeechWindows is not null || request.Speech is not null)
        {
            IReadOnlyList<SpeechWindow> windows = request.SpeechWindows ?? [request.Speech!];
            OptionsException.Require(options.Clips is [] or [0], $"Clips and windows of speech exclude each other.");
            OptionsException.Require(
                windows.All(window => window.Regions.All(region => region.Start >= 0 && region.Start < region.End && region.End <= request.Samples.Length)),
                $"A window of speech lies outside the recording.");
        }

        AudioClip.RequireSound(request.Samples.Span);
    }

    /// <summary>Refuses what there is no room for.</summary>
    private void Admit(string client, double duration)
    {
        string? full =
            _requests.Count >= Options.MaxRequests ? $"{_requests.Count} requests are under way or waiting"
            : _requests.Count(other => other.Request.Client == client) >= Options.MaxRequestsPerClient ? $"{Options.MaxRequestsPerClient} requests of this client are under way or waiting"
            : _requests.Sum(other => other.Duration) + duration > Options.MaxAudioSeconds && _requests.Count > 0 ? "too much audio is under way or waiting"
            : null;
        if (full is not null)
        {
            _refused++;
            throw new EngineBusyException($"The queue is full: {full}. Try again later.", RetryAfter());
        }
    }

    /// <summary>By the windows that are left to do, at the speed so far.</summary>
    private TimeSpan RetryAfter()
    {
        EngineCounters counters = _loop.Counters;
        double secondsPerWindow = counters.EncodedWindows > 0 ? counters.BusySeconds / counters.EncodedWindows : 1;
        double windows = _requests.Sum(request => 1 + Math.Floor((request.Duration - request.Position) / WhisperAudio.WindowSeconds));

        // Room for one is there when the first of them are done.
        return TimeSpan.FromSeconds(Math.Clamp(windows * secondsPerWindow / Math.Max(1, _requests.Count / 4), ShortestRetry.TotalSeconds, LongestRetry.TotalSeconds));
    }

    private void Forget(ServedTranscription request, Exception? failure)
    {
        lock (_gate)
        {
            if (!_requests.Remove(request))
            {
                return;
            }

            switch (failure)
            {
                case null:
                    _completed++;
                    _audioSeconds += request.Duration;
                    break;
                case OperationCanceledException:
                    _cancelled++;
                    break;
                default:
                    _failed++;
                    break;
            }

            if (_stopped && _requests.Count == 0)
            {
                _empty.TrySetResult();
            }
        }
    }
}
