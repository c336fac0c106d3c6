using System.Threading.Channels;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime;

/// <summary>What a caller hears of its recording.</summary>
/// <param name="Segment">A segment; null at the end.</param>
/// <param name="Progress">How far the recording is with it.</param>
internal readonly record struct RecordingNews(Segment? Segment, TranscriptionProgress Progress);

/// <summary>A recording in the queue. Its segments go into a channel, where they wait for a caller who may be slow.</summary>
/// <param name="recording">The recording.</param>
/// <param name="news">Takes the segments, and what goes wrong.</param>
/// <param name="ended">Takes the transcript.</param>
/// <param name="cancellation">Ends it.</param>
internal sealed class QueuedRecording(
    PreparedRecording recording, ChannelWriter<RecordingNews> news, Action<Transcript> ended, CancellationToken cancellation) : IQueuedWork
{
    private ITranscriptionRun? _run;

    /// <inheritdoc/>
    public bool SharesBatches => recording.Options.Windows.IsBatched;

    /// <inheritdoc/>
    public void Begin(RecordingTranscriber engine) => OrFail(() =>
    {
        cancellation.ThrowIfCancellationRequested();
        _run = engine.Start(recording, cancellation);
    });

    /// <inheritdoc/>
    public void Finish(RecordingTranscriber engine)
    {
        using ITranscriptionRun? run = _run;
        if (run is null)
        {
            return;
        }

        OrFail(() =>
        {
            foreach (Segment segment in run.Segments())
            {
                news.TryWrite(new RecordingNews(segment, new TranscriptionProgress(run.Position, run.Duration)));
            }

            ended(run.Transcript);
            news.TryWrite(new RecordingNews(null, new TranscriptionProgress(run.Duration, run.Duration)));
            news.TryComplete();
        });
    }

    /// <inheritdoc/>
    public void Fail(Exception failure) => news.TryComplete(failure);

    private void OrFail(Action work)
    {
        try
        {
            work();
        }
        catch (Exception failure)
        {
            Fail(failure);
        }
    }
}

/// <summary>The question for a recording's language in the queue.</summary>
/// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
/// <param name="result">Takes the answer.</param>
/// <param name="cancellation">Ends it.</param>
internal sealed class QueuedLanguageQuestion(
    ReadOnlyMemory<float> samples, TaskCompletionSource<IReadOnlyList<LanguageProbability>> result, CancellationToken cancellation) : IQueuedWork
{
    /// <inheritdoc/>
    public bool SharesBatches => false;

    /// <inheritdoc/>
    public void Begin(RecordingTranscriber engine)
    {
        // It is a single step.
    }

    /// <inheritdoc/>
    public void Finish(RecordingTranscriber engine)
    {
        try
        {
            cancellation.ThrowIfCancellationRequested();
            result.TrySetResult(engine.DetectLanguage(samples.Span, cancellation));
        }
        catch (Exception failure)
        {
            Fail(failure);
        }
    }

    /// <inheritdoc/>
    public void Fail(Exception failure) => result.TrySetException(failure);
}
