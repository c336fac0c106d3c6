using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// One recording being transcribed. Segments are computed as they are asked for; what has been computed stays in
/// <see cref="Transcript"/>, also when the rest is cancelled.
/// </summary>
public sealed class TranscriptionRun : IWindowDecoder, IDisposable
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
        transcriber.Reserve(options.Temperatures.Max(temperature => TemperatureFallback.At(options.Decoding, temperature).Lanes), options.WordTimestamps);
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
            _loop = new SeekLoop(this, model.Tokenizer, options, _frames, model.Dimensions.TextContext);
        }
        catch
        {
            _mel.Dispose();
            throw;
        }
    }

    /// <summary>Code of the recording's language, given or detected.</summary>
    public string Language { get; }

    /// <summary>Seconds of the recording.</summary>
    public double Duration => (double)_frames / WhisperAudio.FramesPerSecond;

    /// <summary>Seconds of the recording that have been transcribed.</summary>
    public double Position => Math.Min(Duration, (double)_loop.Seek / WhisperAudio.FramesPerSecond);

    /// <summary>The segments so far, and their text.</summary>
    public Transcript Transcript => new(
        _transcriber.Model.Tokenizer.Decode([.. _segments.SelectMany(segment => segment.Tokens)]),
        [.. _segments],
        Language);

    /// <summary>Transcribes, window after window.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<Segment> Segments()
    {
        foreach (Segment segment in _loop.Run(_cancellation))
        {
            _segments.Add(segment);
            yield return segment;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _mel.Dispose();

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

    /// <summary>
    /// The language of the first window; of more if it is not sure: then the first sure one decides, or else most of them.
    /// Source: faster-whisper, transcribe.py, detect_language; with one window as openai/whisper.
    /// </summary>
    private string DetectLanguage(TranscriptionOptions options)
    {
        if (!_transcriber.Model.Tokenizer.Special.IsMultilingual)
        {
            return "en";
        }

        List<string> heard = [];
        do
        {
            int seek = heard.Count * WhisperAudio.WindowFrames;
            _transcriber.Listen(_mel, seek, heard.Count == 0 ? WhisperAudio.WindowFrames : Math.Min(WhisperAudio.WindowFrames, _frames - seek), _cancellation);
            LanguageProbability best = _transcriber.DecodingTask.DetectLanguage()[0];
            if (best.Probability > options.LanguageDetectionThreshold)
            {
                return best.Code;
            }

            heard.Add(best.Code);
        }
        while (heard.Count < options.LanguageDetectionSegments && heard.Count * WhisperAudio.WindowFrames < _frames);

        return heard.GroupBy(code => code).MaxBy(windows => windows.Count())!.Key;
    }
}
