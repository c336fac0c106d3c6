using Handwritten.Model;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime;

/// <summary>Something that a caller waits for. It keeps its exceptions to itself: they belong to the caller.</summary>
internal interface IQueuedWork
{
    /// <summary>Whether it can be begun while other work is being finished, to share batches with it.</summary>
    bool SharesBatches { get; }

    /// <summary>Begins.</summary>
    void Begin(RecordingTranscriber engine);

    /// <summary>Does what is to be done.</summary>
    void Finish(RecordingTranscriber engine);

    /// <summary>Tells the caller that there will be no result, unless it has one; from any thread.</summary>
    void Fail(Exception failure);
}

/// <summary>
/// One engine and the callers that wait for it, first come, first served:
/// <code>
///     caller A ──┐
///     caller B ──┼──> [ D · C · B · A ] ──> thread with the one engine ──> to each caller its results
///     caller C ──┘          └─────┴── begun early where a batch of A's windows has room left
/// </code>
/// A model has one set of buffers, and one batch keeps all cores or the GPU busy, so two at a time would not be faster.
/// </summary>
internal sealed class TranscriptionQueue
{
    private readonly LinkedList<IQueuedWork> _waiting = [];
    private readonly Queue<IQueuedWork> _begun = [];
    private bool _closed;

    /// <summary>Allocates the engine and starts its thread.</summary>
    public TranscriptionQueue(WhisperModel model)
    {
        RecordingTranscriber engine = new(model);
        engine.More = () => BeginAnother(engine);
        Ended = Task.Factory.StartNew(() => Serve(engine), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Ends when all work is done after <see cref="Close"/>; then the engine's buffers are gone.</summary>
    public Task Ended { get; }

    /// <summary>How much work waits to be begun.</summary>
    public int Waiting
    {
        get
        {
            lock (_waiting)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Puts work at the end of the queue.</summary>
    /// <returns>Whether it will be done; false after <see cref="Close"/>.</returns>
    public bool TryAdd(IQueuedWork work)
    {
        lock (_waiting)
        {
            if (!_closed)
            {
                _waiting.AddLast(work);
                Monitor.Pulse(_waiting);
            }

            return !_closed;
        }
    }

    /// <summary>Gives up the place of work that nobody waits for any more, if it has not been begun.</summary>
    public void Remove(IQueuedWork work)
    {
        lock (_waiting)
        {
            _waiting.Remove(work);
        }
    }

    /// <summary>Takes no more work.</summary>
    public void Close()
    {
        lock (_waiting)
        {
            _closed = true;
            Monitor.Pulse(_waiting);
        }
    }

    private void Serve(RecordingTranscriber engine)
    {
        using (engine)
        {
            while (_begun.Count > 0 || BeginNext(engine))
            {
                _begun.Dequeue().Finish(engine);
            }
        }
    }

    /// <summary>Begins with the work that has waited longest, as soon as there is any.</summary>
    /// <returns>False if there will be none.</returns>
    private bool BeginNext(RecordingTranscriber engine)
    {
        IQueuedWork next;
        lock (_waiting)
        {
            while (_waiting.Count == 0)
            {
                if (_closed)
                {
                    return false;
                }

                Monitor.Wait(_waiting);
            }

            next = TakeFirst();
        }

        Begin(next, engine);
        return true;
    }

    /// <summary>Begins with further work for a batch, if there is any and its turn is next.</summary>
    private bool BeginAnother(RecordingTranscriber engine)
    {
        IQueuedWork next;
        lock (_waiting)
        {
            if (_waiting.First is not { Value.SharesBatches: true })
            {
                return false;
            }

            next = TakeFirst();
        }

        Begin(next, engine);
        return true;
    }

    private IQueuedWork TakeFirst()
    {
        IQueuedWork first = _waiting.First!.Value;
        _waiting.RemoveFirst();
        return first;
    }

    private void Begin(IQueuedWork work, RecordingTranscriber engine)
    {
        work.Begin(engine);
        _begun.Enqueue(work);
    }
}
