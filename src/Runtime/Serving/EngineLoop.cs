using System.Diagnostics;
using Handwritten.Model;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// The thread that owns the model. Runs ask it for what they need and wait; it does what has been asked for in turns, each of
/// which gathers what can be computed together:
/// <code>
///     take what was asked for, forget what was cancelled
///     give free audio windows to those whose turn it is           FairTurns
///     encode windows that wait, a few at once                     one pass
///     detect languages, find words
///     give free lanes to texts that wait, run their prompts       they join the steps
///     a step of all texts                                         those that end free their lanes
/// </code>
/// A text that ends is replaced at the next turn, without waiting for the others; nothing waits for a batch to be full.
/// </summary>
internal sealed class EngineLoop : IDisposable
{
    private readonly Lock _gate = new();
    private readonly AutoResetEvent _asked = new(initialState: false);
    private readonly List<EngineJob> _posted = [];
    private readonly List<RecordingRun> _arrived = [], _left = [];
    private readonly Thread _thread;
    private readonly FairTurns<RecordingRun> _queue = new();
    private readonly EncoderCourtesy _courtesy = new();
    private readonly Stack<int> _freeWindows;
    private readonly HashSet<RecordingRun> _underWay = [];
    private readonly List<SpectrogramJob> _spectrograms = [];
    private readonly List<ListenJob> _listens = [];
    private readonly ListeningWindows _audio;
    private readonly DecodingLanes _texts;
    private EngineCounters _counters, _published;
    private bool _stopping, _ended;

    /// <summary>Allocates the memory and starts the thread.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How much it does at the same time.</param>
    public EngineLoop(WhisperModel model, EngineOptions options)
    {
        (Model, Options) = (model, options);
        _freeWindows = new Stack<int>(Enumerable.Range(0, options.Windows).Reverse());
        _audio = new ListeningWindows(model, options);
        try
        {
            _texts = new DecodingLanes(model, _audio.Decoder, options.Lanes);
        }
        catch
        {
            _audio.Dispose();
            throw;
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "Transcription engine" };
        _thread.Start();
    }

    /// <summary>The model.</summary>
    public WhisperModel Model { get; }

    /// <summary>How much it does at the same time.</summary>
    public EngineOptions Options { get; }

    /// <summary>What has been done, as of the last turn.</summary>
    public EngineCounters Counters
    {
        get
        {
            lock (_gate)
            {
                return _published;
            }
        }
    }

    /// <summary>Lets a run wait for its first window.</summary>
    public void Enqueue(RecordingRun run) => Tell(() => _arrived.Add(run));

    /// <summary>Asks for something.</summary>
    public void Post(EngineJob job) => Tell(() => _posted.Add(job));

    /// <summary>Gives back what a run holds.</summary>
    public void Leave(RecordingRun run) => Tell(() => _left.Add(run));

    /// <summary>Has the engine look who has been cancelled.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _asked.Set();
            }
        }
    }

    /// <summary>Ends the thread, once nobody asks for anything any more, and frees the memory.</summary>
    public void Dispose()
    {
        Tell(() => _stopping = true);
        _thread.Join();
        _texts.Dispose();
        _audio.Dispose();
        lock (_gate)
        {
            _ended = true;
            _asked.Dispose();
        }
    }

    private void Tell(Action what)
    {
        lock (_gate)
        {
            what();
        }

        _asked.Set();
    }

    private void Run()
    {
        while (true)
        {
            if (!HasWork())
            {
                _asked.WaitOne();
            }

            long begun = Stopwatch.GetTimestamp();
            try
            {
                if (!Collect())
                {
                    return;
                }

                Turn();
            }
            catch (Exception exception)
            {
                // What one part of a turn may fail with is caught there; this is a mistake in the engine, and nobody may wait for ever.
                FailAll(exception);
            }

            Publish(Stopwatch.GetElapsedTime(begun));
        }
    }

    /// <summary>Whether a turn would do anything without being asked.</summary>
    private bool HasWork() => _spectrograms.Count > 0 || _listens.Count > 0 || _texts.HasWork;

    private void Turn()
    {
        ForgetCancelled();
        GiveWindows();
        ComputeSpectrograms();
        Encode();
        _texts.Turn(ref _counters);
    }

    /// <summary>Takes what was asked for since the last turn.</summary>
    /// <returns>False if it is time to end.</returns>
    private bool Collect()
    {
        EngineJob[] posted;
        RecordingRun[] arrived, left;
        lock (_gate)
        {
            (posted, arrived, left) = ([.. _posted], [.. _arrived], [.. _left]);
            _posted.Clear();
            _arrived.Clear();
            _left.Clear();
            if (_stopping && posted.Length + arrived.Length + left.Length + _underWay.Count + _queue.Count == 0)
            {
                return false;
            }
        }

        foreach (RecordingRun run in left)
        {
            FreeWindow(run);
            run.Mel?.Dispose();
            run.Mel = null;
            _underWay.Remove(run);
        }

        foreach (RecordingRun run in arrived)
        {
            _queue.Add(run, run.Claim);
        }

        foreach (EngineJob job in posted)
        {
            Take(job);
        }

        return true;
    }

    private void Take(EngineJob job)
    {
        switch (job)
        {
            case SpectrogramJob spectrogram:
                _spectrograms.Add(spectrogram);
                break;
            case ListenJob listen when listen.Run.Heard == (listen.Seek, listen.Frames):
                _counters.WindowsHeardAgain++;
                listen.Complete(true);
                break;
            case ListenJob { Run: { Window: not null, Heard: null } } listen:
                _listens.Add(listen); // its first window, which it was given as it started
                break;
            case ListenJob listen:
                FreeWindow(listen.Run);
                listen.Run.Listening = listen;
                _queue.Add(listen.Run, listen.Run.Claim);
                break;
            default:
                _texts.Add(job);
                break;
        }
    }

    private void ForgetCancelled()
    {
        List<RecordingRun> abandoned = [];
        _queue.RemoveAll(run =>
        {
            if (run.IsCancelled)
            {
                abandoned.Add(run);
            }

            return run.IsCancelled;
        });
        foreach (RecordingRun run in abandoned)
        {
            if (run.Listening is ListenJob listen)
            {
                run.Listening = null;
                listen.Fail(Cancelled(run));
            }
            else
            {
                run.Abandon(Cancelled(run));
            }
        }

        Fail(_spectrograms);
        Fail(_listens);
        _texts.ForgetCancelled();

        static void Fail<TJob>(List<TJob> jobs)
            where TJob : EngineJob
        {
            foreach (TJob job in jobs.Where(job => job.Run.IsCancelled))
            {
                job.Fail(Cancelled(job.Run));
            }

            jobs.RemoveAll(job => job.Run.IsCancelled);
        }
    }

    /// <summary>What a cancelled run's wait ends with.</summary>
    internal static OperationCanceledException Cancelled(RecordingRun run) => new(run.Owner.Cancellation);

    private void GiveWindows()
    {
        while (_freeWindows.Count > 0 && _queue.TryTake(MayGo, out RecordingRun? run))
        {
            run.Window = _freeWindows.Pop();
            if (run.Listening is ListenJob listen)
            {
                run.Listening = null;
                _listens.Add(listen);
            }
            else
            {
                _underWay.Add(run);
                if (!run.Owner.HasBegun)
                {
                    _counters.Begun++;
                    _counters.QueueSeconds += run.Owner.QueueTime.TotalSeconds;
                }

                Start(run);
            }
        }
    }

    /// <summary>A machine that has no thread left for a run still has those of the others.</summary>
    private void Start(RecordingRun run)
    {
        try
        {
            run.Start();
        }
        catch (Exception exception)
        {
            FreeWindow(run);
            _underWay.Remove(run);
            run.Abandon(exception);
        }
    }

    /// <summary>One window is kept free of bulk work, and not too many spectrograms of long recordings lie in memory.</summary>
    private bool MayGo(RecordingRun run, TurnClaim claim)
    {
        if (claim.Priority == RequestPriority.Bulk && _freeWindows.Count == 1 && Options.Windows > 1)
        {
            return false;
        }

        return run.IsStarted
            || run.Seconds <= Options.LongSeconds
            || _underWay.Count(other => other.Seconds > Options.LongSeconds && other.Owner.Request.Priority == claim.Priority) < Options.LongRecordings;
    }

    private void ComputeSpectrograms()
    {
        foreach (SpectrogramJob job in _spectrograms)
        {
            try
            {
                job.Run.Mel = Model.Network.Frontend.Compute(job.Samples.Span, WhisperAudio.WindowSamples);
                job.Complete(job.Run.Mel.Shape[0]);
            }
            catch (Exception exception)
            {
                job.Fail(exception);
            }
        }

        _spectrograms.Clear();
    }

    private void Encode()
    {
        ListenJob[] batch = [.. _listens.OrderBy(job => job.Run.Claim.Priority).Take(Options.WindowsOfPass(Model.Network.Kernels))];
        if (batch.Length == 0
            || !_courtesy.MayEncode(batch[0].Run.Claim.Priority, _underWay.Any(run => run.Claim.Priority == RequestPriority.Live), _texts.HasWork))
        {
            return;
        }


        _listens.RemoveAll(batch.Contains);
        try
        {
            _audio.Listen(batch);
        }
        catch (Exception exception)
        {
            Array.ForEach(batch, job => job.Fail(exception));
            return;
        }

        _counters.EncoderPasses++;
        _counters.EncodedWindows += batch.Length;
        foreach (ListenJob job in batch)
        {
            job.Run.Heard = (job.Seek, job.Frames);
            job.Complete(true);
        }
    }

    private void FreeWindow(RecordingRun run)
    {
        if (run.Window is int window)
        {
            _freeWindows.Push(window);
            (run.Window, run.Heard) = (null, null);
        }
    }

    private void FailAll(Exception exception)
    {
        foreach (RecordingRun run in _queue.Items.ToArray())
        {
            if (run.Listening is ListenJob listen)
            {
                run.Listening = null;
                listen.Fail(exception);
            }
            else
            {
                run.Abandon(exception);
            }
        }

        _queue.RemoveAll(_ => true);
        _spectrograms.ForEach(job => job.Fail(exception));
        _spectrograms.Clear();
        _listens.ForEach(job => job.Fail(exception));
        _listens.Clear();
        _texts.FailAll(exception);
    }

    private void Publish(TimeSpan busy)
    {
        _counters.BusySeconds += busy.TotalSeconds;
        _counters.WindowsInUse = Options.Windows - _freeWindows.Count;
        _counters.LanesInUse = _texts.LanesInUse;
        lock (_gate)
        {
            _published = _counters;
        }
    }
}
