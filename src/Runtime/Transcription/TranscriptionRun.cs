using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// One recording being transcribed. Segments are computed as they are asked for; what has been computed stays in
/// <see cref="Transcript"/>, also when the rest is cancelled.
/// </summary>
public sealed class TranscriptionRun : ITranscriptionRun, IWindowDecoder
{
    private readonly Transcriber _transcriber;
    private readonly Tensor _mel;
    private readonly SeekLoop _loop;
    private readonly CancellationToken _cancellation;
    private readonly List<Segment> _segments = [];
    private readonly int _frames;

    internal TranscriptionRun(Transcriber transcriber, ReadOnlySpan<float> samples, TranscriptionOptions options, CancellationToken cancellation)
    {
        WhisperModel model = transcriber.Model;
        options.Verify(model.Dimensions.Vocabulary);
        transcriber.Reserve(windows: 1, TemperatureFallback.MostLanes(options), options.WordTimestamps);
        _transcriber = transcriber;
        _cancellation = cancellation;
        _mel = model.Network.Frontend.Compute(samples, WhisperAudio.WindowSamples);
        _frames = _mel.Shape[0] - WhisperAudio.WindowFrames;
        try
        {
            Language = options.Decoding.Language ?? DetectLanguage(options);
            options = options with
            {
                Decoding = options.Decoding with { Language = Language },
                Multilingual = options.Multilingual && model.Tokenizer.Special.IsMultilingual,
            };
            _loop = new SeekLoop(model.Tokenizer, options, _frames, model.Dimensions.TextContext);
        }
        catch
        {
            _mel.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Language { get; }

    /// <inheritdoc/>
    public double Duration => (double)_frames / WhisperAudio.FramesPerSecond;

    /// <inheritdoc/>
    public double Position => Math.Min(Duration, (double)_loop.Seek / WhisperAudio.FramesPerSecond);

    /// <inheritdoc/>
    public Transcript Transcript => ToTranscript(_transcriber.Model.Tokenizer, _segments, Language);

    /// <inheritdoc/>
    public IEnumerable<Segment> Segments()
    {
        foreach (Segment segment in _loop.Run(this, _cancellation))
        {
            _segments.Add(segment);
            yield return segment;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _mel.Dispose();

    /// <summary>Puts segments together; the text is that of all tokens in a row.</summary>
    internal static Transcript ToTranscript(WhisperTokenizer tokenizer, IReadOnlyCollection<Segment> segments, string language) => new(
        tokenizer.Decode([.. segments.SelectMany(segment => segment.Tokens)]),
        [.. segments],
        language);

    /// <inheritdoc/>
    void IWindowDecoder.Listen(int seek, int frames, CancellationToken cancellation) => _transcriber.Listen(_mel, seek, frames, cancellation);

    /// <inheritdoc/>
    string IWindowDecoder.DetectLanguage() => _transcriber.DecodingTask.DetectLanguage()[0].Code;

    /// <inheritdoc/>
    DecodingResult IWindowDecoder.Decode(DecodingOptions options, CancellationToken cancellation) =>
        _transcriber.DecodingTask.Decode(options, cancellation: cancellation);

    /// <inheritdoc/>
    IReadOnlyList<WordTiming> IWindowDecoder.Align(IReadOnlyList<int> textTokens, DecodingOptions options, int frames) =>
        _transcriber.WordAligner.Align(textTokens, options.Language, options.Task, frames);

    /// <summary>The language of the recording, by its first windows.</summary>
    private string DetectLanguage(TranscriptionOptions options)
    {
        if (!_transcriber.Model.Tokenizer.Special.IsMultilingual)
        {
            return "en";
        }

        int windows = Math.Max(1, (_frames + WhisperAudio.WindowFrames - 1) / WhisperAudio.WindowFrames);
        return LanguageVote.Decide(options, windows, window =>
        {
            // The first window is heard with the silence behind a short recording, as the original hears it.
            int seek = window * WhisperAudio.WindowFrames;
            _transcriber.Listen(_mel, seek, window == 0 ? WhisperAudio.WindowFrames : Math.Min(WhisperAudio.WindowFrames, _frames - seek), _cancellation);
            return _transcriber.DecodingTask.DetectLanguage()[0];
        });
    }
}
