using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Decoding;

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
        _transcriber = transcriber;
        _cancellation = cancellation;
        _mel = transcriber.Model.Network.Frontend.Compute(samples, WhisperAudio.WindowSamples);
        _frames = _mel.Shape[0] - WhisperAudio.WindowFrames;
        try
        {
            Language = options.Decoding.Language ?? DetectLanguage();
        }
        catch
        {
            _mel.Dispose();
            throw;
        }

        options = options with { Decoding = options.Decoding with { Language = Language } };
        _loop = new SeekLoop(this, transcriber.Model.Tokenizer, options, _frames);
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
    DecodingResult IWindowDecoder.Decode(int seek, int frames, DecodingOptions options, CancellationToken cancellation)
    {
        _transcriber.Listen(_mel, seek, frames, cancellation);
        return _transcriber.DecodingTask.Decode(options, cancellation: cancellation);
    }

    private string DetectLanguage()
    {
        if (!_transcriber.Model.Tokenizer.Special.IsMultilingual)
        {
            return "en";
        }

        _transcriber.Listen(_mel, 0, WhisperAudio.WindowFrames, _cancellation);
        return _transcriber.DecodingTask.DetectLanguage()[0].Code;
    }
}
