using System.Runtime.ExceptionServices;
using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Batching;

/// <summary>
/// One of the recordings whose windows share batches. Asking for its segments has batches computed until they are there; on
/// the way, windows of other recordings are computed as well, and kept for them.
/// </summary>
public sealed class BatchedRun : ITranscriptionRun
{
    private readonly BatchedTranscriber _transcriber;
    private readonly CancellationToken _cancellation;
    private readonly List<Segment> _segments = [];
    private int _told;
    private ExceptionDispatchInfo? _failure;

    internal BatchedRun(BatchedTranscriber transcriber, int samples, TranscriptionOptions options, CancellationToken cancellation)
    {
        (_transcriber, Options, _cancellation) = (transcriber, options, cancellation);
        Duration = (double)samples / AudioClip.SampleRate;
    }

    /// <summary>
    /// Code of the recording's language, given or detected; "en" where there was nothing to hear. Asking for it has batches
    /// computed until it is known.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public string Language
    {
        get
        {
            while (KnownLanguage is null && Windows.Any(window => window.Next is not null))
            {
                RunBatch();
            }

            return KnownLanguage ?? "en";
        }
    }

    /// <inheritdoc/>
    public double Duration { get; }

    /// <inheritdoc/>
    public double Position => _told == Windows.Count ? Duration : _told == 0 ? 0 : Windows[_told - 1].End;

    /// <inheritdoc/>
    public Transcript Transcript => TranscriptionRun.ToTranscript(Model.Tokenizer, _segments, KnownLanguage ?? "en");

    /// <summary>The model.</summary>
    internal WhisperModel Model => _transcriber.Model;

    /// <summary>How it is transcribed.</summary>
    internal TranscriptionOptions Options { get; }

    /// <summary>Windows that are computed at a time.</summary>
    internal int BatchSize => Options.Windows.BatchSize ?? 1;

    /// <summary>Whether nobody waits for it any more.</summary>
    internal bool IsCancelled => _cancellation.IsCancellationRequested;

    /// <summary>Whether it ended before its end.</summary>
    internal bool HasFailed => _failure is not null;

    /// <summary>The language, if it is known so far.</summary>
    internal string? KnownLanguage { get; set; }

    /// <summary>The windows in the order of time.</summary>
    internal IReadOnlyList<BatchedWindow> Windows { get; set; } = [];

    /// <inheritdoc/>
    public IEnumerable<Segment> Segments()
    {
        while (_told < Windows.Count)
        {
            BatchedWindow window = Windows[_told];
            while (window.Next is not null)
            {
                RunBatch();
            }

            _told++;
            foreach (Segment segment in window.Segments())
            {
                _segments.Add(segment with { Id = _segments.Count });
                yield return _segments[^1];
            }
        }
    }

    /// <summary>Notes why it cannot go on; whoever asks for more of it is told.</summary>
    internal void Fail(Exception failure) => _failure ??= ExceptionDispatchInfo.Capture(failure);

    /// <summary>Ends it: what has not been computed is taken out of the batches to come.</summary>
    public void Dispose() => _transcriber.Forget(this);

    private void RunBatch()
    {
        _failure?.Throw();
        _transcriber.RunBatch(_cancellation);
    }
}
