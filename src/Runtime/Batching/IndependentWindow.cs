using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.Transcription.Words;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Batching;

/// <summary>
/// Speech between two silences, transcribed as if it were a recording of its own, by the same loop: if the decoder leaves it
/// before its end, the rest is heard in a later batch. (faster-whisper drops the rest.)
/// </summary>
internal sealed class IndependentWindow : BatchedWindow
{
    private readonly ReadOnlyMemory<float> _recording;
    private readonly SpeechWindow _window;
    private readonly SeekLoop _loop;
    private readonly List<Segment> _segments = [];

    /// <summary>Prepares.</summary>
    /// <param name="run">The recording that it is part of.</param>
    /// <param name="recording">That recording's samples.</param>
    /// <param name="window">The regions to hear.</param>
    public IndependentWindow(BatchedRun run, ReadOnlyMemory<float> recording, SpeechWindow window)
        : base(run)
    {
        (_recording, _window) = (recording, window);

        // Windows draw different random numbers, whatever batch they are in.
        ulong seed = run.Options.Decoding.Seed + (ulong)(window.Regions[0].Start / WhisperAudio.HopLength);
        TranscriptionOptions options = run.Options with { Decoding = run.Options.Decoding with { Seed = seed } };
        _loop = new SeekLoop(run.Model.Tokenizer, options, window.Length / WhisperAudio.HopLength, run.Model.Dimensions.TextContext);
    }

    /// <inheritdoc/>
    public override (int Seek, int Frames)? Next => _loop.Next;

    /// <inheritdoc/>
    public override int AudioFrames => Next?.Frames ?? 0;

    /// <inheritdoc/>
    public override double End => _window.Regions[^1].EndSeconds;

    /// <inheritdoc/>
    public override DecodingOptions Options(string? language) => _loop.Options(language);

    /// <inheritdoc/>
    public override void Take(DecodingResult result, DecodingOptions options, Func<IReadOnlyList<int>, IReadOnlyList<WordTiming>> align) =>
        _segments.AddRange(_loop.Take(result, options, align));

    /// <inheritdoc/>
    public override IEnumerable<Segment> Segments() => _segments.Select(_window.Times.ToRecording);

    /// <summary>The frames that hold audio look half a transform beyond their end at most.</summary>
    protected override Tensor ComputeMel(LogMelFrontend frontend) => frontend.Compute(_window.Cut(_recording.Span), WhisperAudio.FourierSize);
}
