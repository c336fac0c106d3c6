using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Serving;

/// <summary>Takes what a run finds; called on the run's thread.</summary>
internal interface IRunResults
{
    /// <summary>The language, before any segment.</summary>
    void TakeLanguage(RecordingRun run, string language);

    /// <summary>A segment.</summary>
    /// <param name="run">Whose.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="position">Seconds that have been transcribed.</param>
    void Take(RecordingRun run, Segment segment, double position);

    /// <summary>No more follows.</summary>
    /// <param name="run">Whose.</param>
    /// <param name="failure">Why it ended before its end; null if it did not.</param>
    void End(RecordingRun run, Exception? failure);
}

/// <summary>
/// A chain of windows, each beginning where the one before ended: a recording, or an independent part of one. It runs the
/// same loop as <see cref="TranscriptionRun"/>, on a thread of its own that does little but wait: the engine's thread does
/// what concerns the model, for all runs together.
/// <code>
///     run 1    listen ··· decode ····· cut │ listen ··············· decode ··· cut
///     run 2             listen ··· decode ·········· words ··· cut │ ...
///     engine   encode 1 │ encode 2 │ step 1 │ step 1 2 │ step 1 2 │ encode 1 │ step 2 │ words 2 │ ...
/// </code>
/// </summary>
internal sealed class RecordingRun : IWindowDecoder
{
    private const int StackBytes = 256 * 1024;

    private readonly EngineLoop _engine;
    private readonly Func<ReadOnlyMemory<float>> _samples;
    private readonly TranscriptionOptions _options;
    private readonly IRunResults _results;
    private int _frames;

    /// <summary>Prepares; nothing is computed before <see cref="Start"/>.</summary>
    /// <param name="engine">Does what concerns the model.</param>
    /// <param name="owner">The request.</param>
    /// <param name="samples">The samples, asked for when it starts.</param>
    /// <param name="seconds">Their length.</param>
    /// <param name="options">How.</param>
    /// <param name="results">Takes what is found.</param>
    public RecordingRun(EngineLoop engine, ServedTranscription owner, Func<ReadOnlyMemory<float>> samples, double seconds, TranscriptionOptions options, IRunResults results)
    {
        (_engine, Owner, _samples, Seconds, _options, _results) = (engine, owner, samples, seconds, options, results);
    }

    /// <summary>The request that it is part of.</summary>
    public ServedTranscription Owner { get; }

    /// <summary>Seconds of audio.</summary>
    public double Seconds { get; }

    /// <summary>Whether nobody wants it any more.</summary>
    public bool IsCancelled => Owner.Cancellation.IsCancellationRequested;

    /// <summary>What its waiting ends with once nobody wants it any more.</summary>
    public OperationCanceledException Cancelled() => new(Owner.Cancellation);

    /// <summary>What it says when it waits for a window.</summary>
    public TurnClaim Claim => new(Owner.Request.Priority, Owner.Request.Client, Owner.WindowsLeft);

    /// <summary>Whether it has been started. This and the following belong to the engine's thread.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>The audio window that it holds.</summary>
    public int? Window { get; set; }

    /// <summary>The spectrogram, [frames, mels].</summary>
    public Tensor? Mel { get; set; }

    /// <summary>What it waits to listen to.</summary>
    public ListenJob? Listening { get; set; }

    /// <summary>The frames that the decoder listens to in its window.</summary>
    public (int Seek, int Frames)? Heard { get; set; }

    /// <summary>Begins, on a thread of its own.</summary>
    public void Start()
    {
        IsStarted = true;
        Owner.Begin();
        new Thread(Execute, StackBytes) { IsBackground = true, Name = "Transcription" }.Start();
    }

    /// <summary>Ends a run that was never started.</summary>
    public void Abandon(Exception reason) => _results.End(this, reason);

    /// <inheritdoc/>
    public void Listen(int seek, int frames, CancellationToken cancellation) => Ask(new ListenJob(this, seek, frames));

    /// <inheritdoc/>
    public string DetectLanguage() => Languages()[0].Code;

    /// <inheritdoc/>
    public DecodingResult Decode(DecodingOptions options, CancellationToken cancellation)
    {
        // Whoever asks for what does not fit into the decoder is told so here, where nobody else is concerned.
        _ = StartSequence.For(options, _engine.Model.Tokenizer, _engine.Model.Dimensions.TextContext);
        return DecodingTask.ToResult(_engine.Model, Ask(new DecodeJob(this, options)), options);
    }

    /// <inheritdoc/>
    public IReadOnlyList<WordTiming> Align(IReadOnlyList<int> textTokens, DecodingOptions options, int frames) =>
        Ask(new AlignJob(this, textTokens, options, frames));

    private void Execute()
    {
        Exception? failure = null;
        try
        {
            Transcribe();
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        _engine.Leave(this);
        _results.End(this, failure);
    }

    private void Transcribe()
    {
        WhisperModel model = _engine.Model;
        _frames = ComputeSpectrogram(_samples()) - WhisperAudio.WindowFrames;
        string language = _options.Decoding.Language ?? DetectRecordingLanguage();
        _results.TakeLanguage(this, language);
        SeekLoop loop = new(model.Tokenizer, Settle(_options, language, model.Tokenizer), _frames, model.Dimensions.TextContext);
        foreach (Segment segment in loop.Run(this, Owner.Cancellation))
        {
            _results.Take(this, segment, (double)loop.Seek / WhisperAudio.FramesPerSecond);
        }
    }

    /// <summary>The options of all windows. Texts become tokens here, on the run's thread: the engine's has better things to do.</summary>
    internal static TranscriptionOptions Settle(TranscriptionOptions options, string language, WhisperTokenizer tokenizer) => options with
    {
        Decoding = options.Decoding with { Language = language, Prefix = options.Decoding.Prefix?.ToTokens(tokenizer) },
        Multilingual = options.Multilingual && tokenizer.Special.IsMultilingual,
    };

    /// <summary>A long recording's would keep the others waiting, so it is computed on this thread where the back end can do that.</summary>
    /// <returns>Its frames.</returns>
    private int ComputeSpectrogram(ReadOnlyMemory<float> samples)
    {
        if (Seconds > _engine.Options.LongSeconds && _engine.Model.Network.Frontend.ComputeAside(samples.Span, WhisperAudio.WindowSamples) is { } mel)
        {
            Mel = mel; // the engine's thread looks at it with the first window
            return mel.Shape[0];
        }

        return Ask(new SpectrogramJob(this, samples));
    }

    private string DetectRecordingLanguage()
    {
        if (!_engine.Model.Tokenizer.Special.IsMultilingual)
        {
            return "en";
        }

        int windows = Math.Max(1, (_frames + WhisperAudio.WindowFrames - 1) / WhisperAudio.WindowFrames);
        return LanguageVote.Decide(_options, windows, window =>
        {
            // The first window is heard with the silence behind a short recording, as the original hears it.
            int seek = window * WhisperAudio.WindowFrames;
            Listen(seek, window == 0 ? WhisperAudio.WindowFrames : Math.Min(WhisperAudio.WindowFrames, _frames - seek), Owner.Cancellation);
            return Languages()[0];
        });
    }

    private LanguageProbability[] Languages() => DecodingTask.ToLanguages(_engine.Model, Ask(new LanguageJob(this)));

    private TResult Ask<TResult>(EngineJob<TResult> job)
    {
        _engine.Post(job);
        return job.Wait();
    }
}
