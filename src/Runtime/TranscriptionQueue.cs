using System.Collections.Concurrent;
using Handwritten.Model;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime;

/// <summary>
/// One engine and the callers that wait for it, first come, first served:
/// <code>
///     caller A ──┐
///     caller B ──┼──> [ C · B · A ] ──> thread with the one Transcriber ──> to each caller its results
///     caller C ──┘
/// </code>
/// A model has one set of buffers, and one recording keeps all cores or the GPU busy, so two at a time would not be faster.
/// Work must keep its exceptions to itself: they belong to the caller.
/// </summary>
internal sealed class TranscriptionQueue
{
    private readonly BlockingCollection<Action<Transcriber>> _work = [];

    /// <summary>Allocates the engine and starts its thread.</summary>
    public TranscriptionQueue(WhisperModel model)
    {
        Transcriber engine = new(model);
        Ended = Task.Factory.StartNew(() => Serve(engine), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Ends when all work is done after <see cref="Close"/>; then the engine's buffers are gone.</summary>
    public Task Ended { get; }

    /// <summary>Puts work at the end of the queue.</summary>
    /// <returns>Whether it will be done; false after <see cref="Close"/>.</returns>
    public bool TryAdd(Action<Transcriber> work)
    {
        try
        {
            return _work.TryAdd(work);
        }
        catch (InvalidOperationException)
        {
            // Closed, perhaps this very moment.
            return false;
        }
    }

    /// <summary>Takes no more work.</summary>
    public void Close() => _work.CompleteAdding();

    private void Serve(Transcriber engine)
    {
        using (engine)
        {
            foreach (Action<Transcriber> work in _work.GetConsumingEnumerable())
            {
                work(engine);
            }
        }
    }
}
