using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Batching;

/// <summary>
/// Transcribes windows of one recording or of many side by side: a batch takes the windows that have waited longest,
/// whichever recording they belong to.
/// <code>
///     recording a   [a1][a2][a3][a4][a5]         batch 1   a1 a2 a3 a4     encode, decode, decode again what failed, align
///     recording b   [b1]                         batch 2   a2 a5 b1 c1     a2 was left before its end
///     recording c   [c1][c2]                     batch 3   c2 ...
/// </code>
/// A batch has as many windows as the recording at its head asks for. Each window is decoded without the text before it, by
/// its own recording's options, and its text does not depend on its company. A window whose text fails the fallback's tests is
/// decoded again with the others that failed. Where a batch cannot be computed, its windows are tried one by one, and only the
/// recordings of those that fail alone end with it. Source: faster-whisper, transcribe.py, BatchedInferencePipeline, whose windows
/// have no fallback.
/// </summary>
/// <remarks>Not for several threads at a time, and neither is its model: <see cref="Transcriber"/> says what happens.</remarks>
public sealed class BatchedTranscriber : IDisposable
{
    /// <summary>The most windows of a batch.</summary>
    public const int LargestBatch = 256;

    private readonly Transcriber _buffers;
    private readonly bool _ownsBuffers;
    private readonly List<BatchedWindow> _waiting = [];

    /// <summary>Allocates the memory of a window; batches take more when the first begins.</summary>
    /// <param name="model">The model; not disposed with the transcriber.</param>
    public BatchedTranscriber(WhisperModel model)
        : this(new Transcriber(model)) => _ownsBuffers = true;

    /// <summary>Shares the buffers of a transcriber.</summary>
    /// <param name="buffers">Has nothing under way while a batch is computed; not disposed with this one.</param>
    internal BatchedTranscriber(Transcriber buffers) => _buffers = buffers;

    /// <summary>The model.</summary>
    public WhisperModel Model => _buffers.Model;

    /// <summary>
    /// Asked for more before a batch that would not be full: starts a further recording, or returns false if there is none.
    /// </summary>
    public Func<bool>? More { get; set; }

    /// <summary>Lets a recording wait for batches, cut at silences.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1]; kept until the run is disposed.</param>
    /// <param name="windows">Its windows, see <see cref="SpeechWindows.Collect"/>; longer ones than 30 seconds take several turns.</param>
    /// <param name="options">How; clips count for nothing here, and previous text is no prompt.</param>
    /// <param name="cancellation">Ends what this recording waits for.</param>
    /// <exception cref="OptionsException">Options contradict each other, or a number makes no sense.</exception>
    /// <exception cref="Model.Tokenization.TokenizationException">The initial prompt or the hotwords have special tokens in them.</exception>
    public BatchedRun Start(ReadOnlyMemory<float> samples, IReadOnlyList<SpeechWindow> windows, TranscriptionOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(windows);
        return Start(samples.Length, options, run => [.. windows.Select(window => new IndependentWindow(run, samples, window))], cancellation);
    }

    /// <summary>Lets a recording wait for batches, cut into windows that overlap.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1]; kept until the run is disposed.</param>
    /// <param name="windows">How it is cut.</param>
    /// <param name="options">How; clips count for nothing here, and previous text is no prompt.</param>
    /// <param name="cancellation">Ends what this recording waits for.</param>
    /// <exception cref="OptionsException">Options contradict each other, or a number makes no sense.</exception>
    /// <exception cref="Model.Tokenization.TokenizationException">The initial prompt or the hotwords have special tokens in them.</exception>
    public BatchedRun Start(ReadOnlyMemory<float> samples, OverlappingWindows windows, TranscriptionOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(windows);
        windows.Verify();
        return Start(samples.Length, options, run =>
        {
            OverlapMerger merger = new(Model.Tokenizer, run.Options, (double)samples.Length / WhisperAudio.SampleRate);
            return [.. windows.Cut(samples.Length).Select(stretch => new OverlappingWindow(run, samples, stretch, merger))];
        }, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _waiting.ForEach(window => window.Dispose());
        _waiting.Clear();
        if (_ownsBuffers)
        {
            _buffers.Dispose();
        }
    }

    /// <summary>Computes the windows that have waited longest.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the windows go on waiting.</exception>
    internal void RunBatch(CancellationToken cancellation)
    {
        Remove(window => window.Run.IsCancelled);
        cancellation.ThrowIfCancellationRequested();
        int size = _waiting[0].Run.BatchSize;
        while (_waiting.Count < size && More?.Invoke() == true)
        {
        }

        Compute([.. _waiting.Take(size)], cancellation);
        Remove(window => window.Next is null || window.Run.HasFailed);
    }

    /// <summary>Takes a recording's windows out of the batches to come.</summary>
    internal void Forget(BatchedRun run) => Remove(window => window.Run == run);

    private BatchedRun Start(int samples, TranscriptionOptions options, Func<BatchedRun, BatchedWindow[]> cut, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Verify(Model.Dimensions.Vocabulary);
        options.Windows.Verify(options);
        options = options with
        {
            Clips = [0],
            ConditionOnPreviousText = false,
            Multilingual = options.Multilingual && Model.Tokenizer.Special.IsMultilingual,
        };
        VerifyStart(options);
        BatchedRun run = new(this, samples, options, cancellation) { KnownLanguage = Model.Tokenizer.Special.IsMultilingual ? options.Decoding.Language : "en" };

        // As many lanes as the first temperature takes for all windows; few windows need another one.
        int lanes = run.BatchSize * TemperatureFallback.At(options.Decoding, options.Temperatures[0]).Lanes;
        _buffers.Reserve(run.BatchSize, Math.Max(lanes, TemperatureFallback.MostLanes(options)), options.WordTimestamps);
        run.Windows = cut(run);
        _waiting.AddRange(run.Windows.Where(window => window.Next is not null));
        return run;
    }

    /// <summary>Computes windows; a failure ends those recordings whose windows it comes with.</summary>
    private void Compute(BatchedWindow[] batch, CancellationToken cancellation)
    {
        DecodingOptions[] options;
        DecodingResult[] results;
        try
        {
            (options, results) = Decode(batch, cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            if (batch is [var guilty])
            {
                guilty.Run.Fail(failure);
                return;
            }

            foreach (BatchedWindow window in batch.Where(window => !window.Run.HasFailed))
            {
                Compute([window], cancellation);
            }

            return;
        }

        for (int i = 0; i < batch.Length; i++)
        {
            int place = i, frames = batch[i].AudioFrames;
            try
            {
                batch[i].Take(results[i], options[i], text => _buffers.WordAligner.Align(text, options[place].Language, options[place].Task, frames, window: place));
            }
            catch (Exception failure)
            {
                batch[i].Run.Fail(failure);
            }
        }
    }

    /// <summary>What each window of a batch says, and how it was decoded.</summary>
    private (DecodingOptions[] Options, DecodingResult[] Results) Decode(BatchedWindow[] batch, CancellationToken cancellation)
    {
        foreach (BatchedRun run in batch.Select(window => window.Run).Distinct().Where(run => run.KnownLanguage is null && run.Options.LanguageDetectionSegments > 1))
        {
            AskSeveralWindows(run, cancellation);
        }

        Listen(batch, cancellation);
        DecodingOptions[] options = [.. batch.Zip(Languages(batch), (window, language) => window.Options(language))];
        return (options, TemperatureFallback.Decode([.. batch.Zip(options, (window, decoding) => (window.Run.Options, decoding))], attempts => Decode(attempts, cancellation)));
    }

    /// <summary>
    /// Takes windows out of the batches to come. Each is asked once: a cancellation may come between two questions.
    /// </summary>
    internal void Remove(Func<BatchedWindow, bool> isDone) => _waiting.RemoveAll(window =>
    {
        bool leaves = isDone(window);
        if (leaves)
        {
            window.Dispose();
        }

        return leaves;
    });

    private void Listen(IEnumerable<BatchedWindow> windows, CancellationToken cancellation) => _buffers.Listen(
        [.. windows.Select(window => (window.Mel(Model.Network.Frontend), window.Next!.Value.Seek, window.Next.Value.Frames))],
        cancellation);

    /// <summary>Decodes at one temperature, as many windows at once as there are lanes for.</summary>
    private List<DecodingResult> Decode(IReadOnlyList<WindowRequest> requests, CancellationToken cancellation)
    {
        List<DecodingResult> results = new(requests.Count);
        while (results.Count < requests.Count)
        {
            int lanes = 0;
            WindowRequest[] together = [.. requests.Skip(results.Count).TakeWhile(request => (lanes += request.Options.Lanes) <= _buffers.DecoderState.Lanes)];
            results.AddRange(_buffers.DecodingTask.Decode(together, cancellation: cancellation));
        }

        return results;
    }

    /// <summary>The language of each window of the batch that is listened to: its own if each has one, or its recording's.</summary>
    private string?[] Languages(BatchedWindow[] batch)
    {
        int[] asked = [.. Enumerable.Range(0, batch.Length).Where(i => batch[i].Run.Options.Multilingual || batch[i].Run.KnownLanguage is null)];

        // Unless windows are asked one by one, a recording's first speaks for all of it.
        asked = [.. asked.DistinctBy(i => batch[i].Run.Options.Multilingual ? (object)batch[i] : batch[i].Run)];

        string?[] own = new string?[batch.Length];
        if (asked.Length > 0)
        {
            IReadOnlyList<LanguageProbability>[] heard = _buffers.DecodingTask.DetectLanguages(asked);
            for (int i = 0; i < asked.Length; i++)
            {
                own[asked[i]] = heard[i][0].Code;
                batch[asked[i]].Run.KnownLanguage ??= heard[i][0].Code;
            }
        }

        return [.. batch.Select((window, i) => own[i] ?? window.Run.KnownLanguage)];
    }

    private void AskSeveralWindows(BatchedRun run, CancellationToken cancellation)
    {
        BatchedWindow[] windows = [.. run.Windows.Where(window => window.Next is not null)];
        run.KnownLanguage = LanguageVote.Decide(run.Options, windows.Length, window =>
        {
            Listen([windows[window]], cancellation);
            return _buffers.DecodingTask.DetectLanguage()[0];
        });
    }

    /// <summary>What every window begins with is the same, so that no window fails where another one does not.</summary>
    private void VerifyStart(TranscriptionOptions options)
    {
        int context = Model.Dimensions.TextContext;
        foreach (double temperature in options.Temperatures)
        {
            DecodingOptions decoding = TemperatureFallback.At(options.Decoding, temperature) with
            {
                Language = options.Decoding.Language ?? "en",
                Prompt = Prompt.FromTokens(new PromptHistory(options, Model.Tokenizer, (context / 2) - 1).Next()),
            };
            _ = StartSequence.For(decoding, Model.Tokenizer, context);
        }
    }
}
