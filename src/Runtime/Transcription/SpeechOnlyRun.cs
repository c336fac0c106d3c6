using Handwritten.Runtime.Audio;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// Transcribes the speech of a recording as if it were all there is, and gives every segment its place in the recording:
/// <code>
///     recording   ──[ speech ]────────[ speech ]──
///     heard       [ speech ][ speech ]              one recording, with windows that go on from each other
/// </code>
/// Source: faster-whisper, transcribe.py, what vad_filter does.
/// </summary>
public sealed class SpeechOnlyRun : ITranscriptionRun
{
    private readonly Transcriber _transcriber;
    private readonly TranscriptionRun _run;
    private readonly SpeechTimeMap? _times;
    private readonly List<Segment> _segments = [];

    /// <summary>Collects the speech and begins.</summary>
    /// <param name="transcriber">Transcribes it.</param>
    /// <param name="samples">The recording: mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="regions">Where somebody speaks; none gives no segments.</param>
    /// <param name="options">How; clips are those of the speech, so leave them out.</param>
    /// <param name="cancellation">Checked between the encoder's layers and between tokens.</param>
    /// <exception cref="Decoding.OptionsException">The options make no sense.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public SpeechOnlyRun(
        Transcriber transcriber, ReadOnlySpan<float> samples, IReadOnlyList<SpeechRegion> regions, TranscriptionOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(transcriber);
        ArgumentNullException.ThrowIfNull(regions);
        _transcriber = transcriber;
        Duration = (double)samples.Length / AudioClip.SampleRate;
        SpeechWindow? speech = regions.Count > 0 ? new SpeechWindow(regions) : null;
        _times = speech?.Times;
        _run = transcriber.Start(speech is null ? [] : speech.Cut(samples), options, cancellation);
    }

    /// <inheritdoc/>
    public string Language => _run.Language;

    /// <inheritdoc/>
    public double Duration { get; }

    /// <inheritdoc/>
    public double Position => _run.Position >= _run.Duration ? Duration : _times?.ToRecording(_run.Position) ?? Duration;

    /// <inheritdoc/>
    public Transcript Transcript => TranscriptionRun.ToTranscript(_transcriber.Model.Tokenizer, _segments, Language);

    /// <inheritdoc/>
    public IEnumerable<Segment> Segments()
    {
        foreach (Segment heard in _run.Segments())
        {
            Segment segment = _times!.ToRecording(heard);
            _segments.Add(segment);
            yield return segment;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _run.Dispose();
}
