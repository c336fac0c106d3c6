using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime;

/// <summary>
/// Speech to text for programs: from a file, a stream or samples to segments, as they are recognised.
/// <code>
///     await using WhisperTranscriber transcriber = WhisperTranscriber.Load("whisper-tiny");
///     await foreach (Segment segment in transcriber.TranscribeAsync("talk.mp3"))
///     {
///         Console.WriteLine($"{segment.Start:F2} {segment.Text}");
///     }
/// </code>
/// Any number of callers may use one at the same time. Recordings are read side by side and transcribed in the order in
/// which they have been read; those with a <see cref="WindowOptions.BatchSize"/> share batches, whatever their other options.
/// Nobody waits for a caller that is slow to take its segments, or slow where it hears of progress. A recording is held in
/// memory while it waits: 64 KB for each second.
/// </summary>
/// <remarks>
/// A model computes for one thread at a time, and a transcriber has a thread of its own: while it transcribes, nobody else may
/// compute with its <see cref="Model"/>, a second transcriber neither. Who comes second on the CPU gets an
/// <see cref="InvalidOperationException"/>; a GPU does not notice.
/// </remarks>
public sealed class WhisperTranscriber : IAsyncDisposable, IDisposable
{
    private readonly TranscriptionQueue _queue;
    private readonly CancellationTokenSource _disposal = new();
    private readonly Lazy<Task> _end;
    private readonly bool _ownsModel;

    /// <summary>Makes a transcriber of a loaded model.</summary>
    /// <param name="model">The model, used by nobody else meanwhile; not disposed with the transcriber.</param>
    /// <exception cref="GpuException">The GPU's memory does not suffice.</exception>
    public WhisperTranscriber(WhisperModel model)
        : this(model, ownsModel: false)
    {
    }

    private WhisperTranscriber(WhisperModel model, bool ownsModel)
    {
        ArgumentNullException.ThrowIfNull(model);
        (Model, _ownsModel) = (model, ownsModel);
        _queue = new TranscriptionQueue(model);
        _end = new Lazy<Task>(EndAsync);
    }

    /// <summary>The model.</summary>
    public WhisperModel Model { get; }

    /// <summary>What holds where a call has no options.</summary>
    public TranscriptionOptions DefaultOptions { get; init; } = new();

    /// <summary>How many callers stand in the queue, none of whose work has been begun.</summary>
    internal int Waiting => _queue.Waiting;

    /// <summary>Loads a model and makes a transcriber of it; both go together.</summary>
    /// <param name="nameOrPath">A folder as Hugging Face publishes it, or a name that <see cref="ModelFolder.Resolve(string, string?)"/> finds.</param>
    /// <param name="options">Where to; null for a GPU if there is one.</param>
    /// <param name="transcription">What holds where a call has no options; null for the defaults of openai/whisper's transcribe().</param>
    /// <exception cref="ModelException">The model cannot be used.</exception>
    /// <exception cref="GpuException">The GPU that was asked for cannot be used.</exception>
    public static WhisperTranscriber Load(string nameOrPath, ModelLoadOptions? options = null, TranscriptionOptions? transcription = null)
    {
        WhisperModel model = WhisperModel.Load(nameOrPath, options);
        try
        {
            return new WhisperTranscriber(model, ownsModel: true) { DefaultOptions = transcription ?? new TranscriptionOptions() };
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Transcribes a file.</summary>
    /// <param name="path">The recording: WAV, or anything that the <c>ffmpeg</c> program reads.</param>
    /// <param name="options">How; null for <see cref="DefaultOptions"/>.</param>
    /// <param name="progress">Told how far it is, before each segment is given.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The segments, computed as they are enumerated; that throws what is listed here.</returns>
    /// <exception cref="AudioException">The recording cannot be read.</exception>
    /// <exception cref="OptionsException">The options make no sense, or not for this recording.</exception>
    /// <exception cref="TokenizationException">The model does not know the language.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the transcriber was disposed meanwhile.</exception>
    /// <exception cref="ObjectDisposedException">The transcriber was disposed before.</exception>
    public PendingTranscription TranscribeAsync(
        string path, TranscriptionOptions? options = null, IProgress<TranscriptionProgress>? progress = null, CancellationToken cancellation = default) =>
        Transcribe(FromFile(path), options, progress, cancellation);

    /// <summary>Transcribes a stream: an upload, a pipe. It can be enumerated once.</summary>
    /// <param name="stream">A recording's file from its first byte on; not closed, and not to be used until the first segment is there.</param>
    /// <param name="options">How; null for <see cref="DefaultOptions"/>.</param>
    /// <param name="progress">Told how far it is, before each segment is given.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <inheritdoc cref="TranscribeAsync(string, TranscriptionOptions, IProgress{TranscriptionProgress}, CancellationToken)"/>
    public PendingTranscription TranscribeAsync(
        Stream stream, TranscriptionOptions? options = null, IProgress<TranscriptionProgress>? progress = null, CancellationToken cancellation = default) =>
        Transcribe(FromStream(stream), options, progress, cancellation);

    /// <summary>Transcribes samples.</summary>
    /// <param name="samples">
    /// Mono samples at 16 kHz in [−1, 1]; not to be changed meanwhile, nor for a moment after a caller has left early.
    /// </param>
    /// <param name="options">How; null for <see cref="DefaultOptions"/>.</param>
    /// <param name="progress">Told how far it is, before each segment is given.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <inheritdoc cref="TranscribeAsync(string, TranscriptionOptions, IProgress{TranscriptionProgress}, CancellationToken)"/>
    public PendingTranscription TranscribeAsync(
        ReadOnlyMemory<float> samples, TranscriptionOptions? options = null, IProgress<TranscriptionProgress>? progress = null, CancellationToken cancellation = default) =>
        Transcribe(_ => samples, options, progress, cancellation);

    /// <summary>The languages of a file's first 30 seconds, most probable first.</summary>
    /// <param name="path">The recording: WAV, or anything that the <c>ffmpeg</c> program reads.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="AudioException">The recording cannot be read.</exception>
    /// <exception cref="InvalidOperationException">The model knows only English.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the transcriber was disposed meanwhile.</exception>
    /// <exception cref="ObjectDisposedException">The transcriber was disposed before.</exception>
    public Task<IReadOnlyList<LanguageProbability>> DetectLanguageAsync(string path, CancellationToken cancellation = default) =>
        DetectLanguageAsync(FromFile(path), cancellation);

    /// <summary>The languages of a stream's first 30 seconds, most probable first.</summary>
    /// <param name="stream">A recording's file from its first byte on; not closed.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <inheritdoc cref="DetectLanguageAsync(string, CancellationToken)"/>
    public Task<IReadOnlyList<LanguageProbability>> DetectLanguageAsync(Stream stream, CancellationToken cancellation = default) =>
        DetectLanguageAsync(FromStream(stream), cancellation);

    /// <summary>The languages of the first 30 seconds of some samples, most probable first.</summary>
    /// <param name="samples">
    /// Mono samples at 16 kHz in [−1, 1]; not to be changed meanwhile, nor for a moment after a caller has left early.
    /// </param>
    /// <param name="cancellation">Ends it.</param>
    /// <inheritdoc cref="DetectLanguageAsync(string, CancellationToken)"/>
    public Task<IReadOnlyList<LanguageProbability>> DetectLanguageAsync(ReadOnlyMemory<float> samples, CancellationToken cancellation = default) =>
        DetectLanguageAsync(_ => samples, cancellation);

    /// <summary>
    /// Cancels what is under way or waits, and gives the buffers back; the model too, if <see cref="Load"/> made both. Returns
    /// when that is done, whoever began with it.
    /// </summary>
    public void Dispose() => _end.Value.GetAwaiter().GetResult();

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync() => new(_end.Value);

    private async Task EndAsync()
    {
        await _disposal.CancelAsync().ConfigureAwait(false);
        _queue.Close();
        await _queue.Ended.ConfigureAwait(false);
        _disposal.Dispose();
        if (_ownsModel)
        {
            Model.Dispose();
        }
    }

    private static Func<CancellationToken, ReadOnlyMemory<float>> FromFile(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return cancellation => AudioFile.Load(path, cancellation).Samples;
    }

    private static Func<CancellationToken, ReadOnlyMemory<float>> FromStream(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return cancellation => AudioFile.Load(stream, "the recording", Ffmpeg.OnPath, cancellation).Samples;
    }

    private PendingTranscription Transcribe(
        Func<CancellationToken, ReadOnlyMemory<float>> load, TranscriptionOptions? options, IProgress<TranscriptionProgress>? progress, CancellationToken cancellation) =>
        new((ended, enumeration) => Run(load, options ?? DefaultOptions, progress, ended, cancellation, enumeration));

    /// <summary>
    /// Reads and cuts the recording beside whatever the engine does, then stands in the queue. The news wait in a channel for the
    /// caller, who may be slow, while the engine goes on; so progress is told here, and not by the engine.
    /// </summary>
    private async IAsyncEnumerable<Segment> Run(
        Func<CancellationToken, ReadOnlyMemory<float>> load, TranscriptionOptions options, IProgress<TranscriptionProgress>? progress, Action<Transcript> ended,
        CancellationToken cancellation, [EnumeratorCancellation] CancellationToken enumeration)
    {
        ObjectDisposedException.ThrowIf(_disposal.IsCancellationRequested, this);
        options.Verify(Model.Dimensions.Vocabulary);
        if (options.Decoding.Language is { } language)
        {
            options = options with { Decoding = options.Decoding with { Language = Languages.ToCode(language) } };
        }

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, enumeration, _disposal.Token);
        CancellationToken token = stop.Token;
        PreparedRecording recording = await Beside(() => PreparedRecording.Of(load(token), options, token), token).ConfigureAwait(false);
        Channel<RecordingNews> news = Channel.CreateUnbounded<RecordingNews>(new UnboundedChannelOptions { SingleReader = true });
        using CancellationTokenRegistration leaving = Add(new QueuedRecording(recording, news.Writer, ended, token), token);
        try
        {
            await foreach ((Segment? segment, TranscriptionProgress now) in news.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                progress?.Report(now);
                if (segment is not null)
                {
                    yield return segment;
                }
            }
        }
        finally
        {
            // A caller that left early wants no more.
            await stop.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<LanguageProbability>> DetectLanguageAsync(Func<CancellationToken, ReadOnlyMemory<float>> load, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposal.IsCancellationRequested, this);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _disposal.Token);
        CancellationToken token = stop.Token;
        ReadOnlyMemory<float> samples = await Beside(() => load(token), token).ConfigureAwait(false);
        TaskCompletionSource<IReadOnlyList<LanguageProbability>> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration leaving = Add(new QueuedLanguageQuestion(samples, result, token), token);
        return await result.Task.ConfigureAwait(false);
    }

    /// <summary>Puts work into the queue. Who cancels leaves at once, whether the work still waits there or not.</summary>
    /// <returns>To be disposed when nobody waits for the work any more.</returns>
    private CancellationTokenRegistration Add(IQueuedWork work, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(!_queue.TryAdd(work), this);
        return cancellation.Register(() =>
        {
            _queue.Remove(work);
            work.Fail(new OperationCanceledException(cancellation));
        });
    }

    /// <summary>
    /// A stream that never gives anything must not hold whoever cancels. What follows runs on a thread of its own, and not in
    /// the midst of the cancellation: a caller may dispose the transcriber there, which waits for its cancellation to end.
    /// </summary>
    private static Task<T> Beside<T>(Func<T> work, CancellationToken cancellation) =>
        Task.Run(work, cancellation).WaitAsync(cancellation).ContinueWith(done => done, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();
}
