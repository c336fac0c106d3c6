namespace Handwritten.Runtime.Serving;

/// <summary>
/// Which runs hold one of the engine's audio windows, and which wait for one. A run waits before it starts, and again whenever
/// it wants to listen to something else: it gives its window back then, so that others may be more urgent.
/// <code>
///              ┌─────────── Listen ───────────┐
///     Add ──> waits ── Admit ──> holds a window and decodes ── Leave
///               whose turn it is tells FairTurns
/// </code>
/// </summary>
/// <param name="options">How much the engine does at the same time.</param>
/// <param name="audio">Encodes what runs want to listen to, once they have a window.</param>
internal sealed class WindowAdmission(EngineOptions options, ListeningWindows audio)
{
    private readonly Stack<int> _free = new(Enumerable.Range(0, options.Windows).Reverse());
    private readonly FairTurns<RecordingRun> _queue = new();
    private readonly HashSet<RecordingRun> _underWay = [];

    /// <summary>Windows that a run holds.</summary>
    public int WindowsInUse => options.Windows - _free.Count;

    /// <summary>Whether no run is waiting or under way.</summary>
    public bool IsEmpty => _underWay.Count + _queue.Count == 0;

    /// <summary>Whether somebody's speech is being followed.</summary>
    public bool HasLive => _underWay.Any(run => run.Owner.Request.Priority == RequestPriority.Live);

    /// <summary>A run waits for its first window.</summary>
    public void Add(RecordingRun run) => _queue.Add(run, run.Claim);

    /// <summary>A run wants to listen to something.</summary>
    public void Listen(ListenJob job, ref EngineCounters counters)
    {
        RecordingRun run = job.Run;
        if (run.Heard == (job.Seek, job.Frames))
        {
            counters.WindowsHeardAgain++;
            job.Complete(true);
        }
        else if (run is { Window: not null, Heard: null })
        {
            audio.Add(job); // its first window, which it was given as it started
        }
        else
        {
            FreeWindow(run);
            run.Listening = job;
            _queue.Add(run, run.Claim);
        }
    }

    /// <summary>Gives free windows to those whose turn it is: they start, or are heard.</summary>
    public void Admit(ref EngineCounters counters)
    {
        while (_free.Count > 0 && _queue.TryTake(MayGo, out RecordingRun? run))
        {
            run.Window = _free.Pop();
            if (run.Listening is ListenJob job)
            {
                run.Listening = null;
                audio.Add(job);
            }
            else
            {
                Start(run, ref counters);
            }
        }
    }

    /// <summary>A run has ended.</summary>
    public void Leave(RecordingRun run)
    {
        FreeWindow(run);
        run.Mel?.Dispose();
        run.Mel = null;
        _underWay.Remove(run);
    }

    /// <summary>Lets those wait no longer whom nobody wants any more.</summary>
    public void ForgetCancelled()
    {
        HashSet<RecordingRun> cancelled = [.. _queue.Items.Where(run => run.IsCancelled)];
        _queue.RemoveAll(cancelled.Contains);
        foreach (RecordingRun run in cancelled)
        {
            Dismiss(run, run.Cancelled());
        }
    }

    /// <summary>Lets nobody wait any longer.</summary>
    public void FailAll(Exception exception)
    {
        foreach (RecordingRun run in _queue.Items.ToArray())
        {
            Dismiss(run, exception);
        }

        _queue.RemoveAll(_ => true);
    }

    private void Start(RecordingRun run, ref EngineCounters counters)
    {
        _underWay.Add(run);
        if (!run.Owner.HasBegun)
        {
            counters.Begun++;
            counters.QueueSeconds += run.Owner.QueueTime.TotalSeconds;
        }

        try
        {
            run.Start();
        }
        catch (Exception exception)
        {
            // A machine that has no thread left for this run still has those of the others.
            FreeWindow(run);
            _underWay.Remove(run);
            run.Abandon(exception);
        }
    }

    /// <summary>One window is kept free of bulk work, and not too many spectrograms of long recordings lie in memory.</summary>
    private bool MayGo(RecordingRun run, TurnClaim claim)
    {
        if (claim.Priority == RequestPriority.Bulk && _free.Count == 1 && options.Windows > 1)
        {
            return false;
        }

        return run.IsStarted
            || run.Seconds <= options.LongSeconds
            || _underWay.Count(other => other.Seconds > options.LongSeconds && other.Owner.Request.Priority == claim.Priority) < options.LongRecordings;
    }

    private void FreeWindow(RecordingRun run)
    {
        if (run.Window is int window)
        {
            _free.Push(window);
            (run.Window, run.Heard) = (null, null);
        }
    }

    /// <summary>A run that waits in the queue gets no window: it hears why, or never starts.</summary>
    private static void Dismiss(RecordingRun run, Exception reason)
    {
        if (run.Listening is ListenJob job)
        {
            run.Listening = null;
            job.Fail(reason);
        }
        else
        {
            run.Abandon(reason);
        }
    }
}
