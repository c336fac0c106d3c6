using Handwritten.Model;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// Transcribes recordings in whichever way their options cut them; what the command and the library stand on.
/// <code>
///     PreparedRecording ──> Start ─┬─ one window after the other ──> TranscriptionRun, SpeechOnlyRun    one at a time
///                                  └─ windows side by side ────────> BatchedRun                         many, sharing batches
/// </code>
/// </summary>
/// <remarks>Not for several threads at a time, and neither is its model: <see cref="Transcriber"/> says what happens.</remarks>
public sealed class RecordingTranscriber : IDisposable
{
    private readonly Transcriber _transcriber;
    private readonly BatchedTranscriber _batches;

    /// <summary>Allocates the buffers of a window; batches take more when the first begins.</summary>
    /// <param name="model">The model; not disposed with the transcriber.</param>
    public RecordingTranscriber(WhisperModel model)
    {
        _transcriber = new Transcriber(model);
        _batches = new BatchedTranscriber(_transcriber);
    }

    /// <summary>Steps of the decoder since the buffers have grown.</summary>
    internal long Steps => _transcriber.DecodingTask.Steps;

    /// <summary>The model.</summary>
    public WhisperModel Model => _transcriber.Model;

    /// <summary>Asked for more before a batch that would not be full: starts a further recording, or returns false if there is none.</summary>
    public Func<bool>? More
    {
        get => _batches.More;
        set => _batches.More = value;
    }

    /// <summary>
    /// Begins with a recording. Of those whose windows are batched (<see cref="WindowOptions.IsBatched"/>) any number may be
    /// under way; of the others one, and only while no batch is computed.
    /// </summary>
    /// <param name="recording">The recording.</param>
    /// <param name="cancellation">Checked between the encoder's layers and between tokens.</param>
    /// <exception cref="OptionsException">The options make no sense, or not for this recording.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ITranscriptionRun Start(PreparedRecording recording, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(recording);
        TranscriptionOptions options = recording.Options;
        return recording switch
        {
            { Options.Windows.Overlap: { } overlap } => _batches.Start(recording.Samples, overlap, options, cancellation),
            { Windows: { } windows } => _batches.Start(recording.Samples, windows, options, cancellation),
            { Speech: { } speech } => new SpeechOnlyRun(_transcriber, recording.Samples.Span, speech, options, cancellation),
            _ => _transcriber.Start(recording.Samples.Span, options, cancellation),
        };
    }

    /// <summary>Transcribes a whole recording.</summary>
    /// <inheritdoc cref="Start"/>
    public Transcript Transcribe(PreparedRecording recording, CancellationToken cancellation = default)
    {
        using ITranscriptionRun run = Start(recording, cancellation);
        foreach (Segment _ in run.Segments())
        {
            // The run keeps them.
        }

        return run.Transcript;
    }

    /// <inheritdoc cref="Transcriber.DetectLanguage"/>
    public IReadOnlyList<LanguageProbability> DetectLanguage(ReadOnlySpan<float> samples, CancellationToken cancellation = default) =>
        _transcriber.DetectLanguage(samples, cancellation);

    /// <inheritdoc/>
    public void Dispose()
    {
        _batches.Dispose();
        _transcriber.Dispose();
    }
}
