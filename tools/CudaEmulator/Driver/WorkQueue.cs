using System.Diagnostics;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Driver;

// A stream is a promise about order and about nothing else. Work in one stream runs in order; everything else may run at
// any time, in any order, and the host hears of nothing until it asks. Programs that rely on more than the promise work by
// luck on a GPU, on most days. This queue takes their luck away:
//
//   late        Nobody waits for the work? Then it does not start for a while (Grace). A host that reads a result without
//               waiting reads what was there before.
//   only that   Somebody waits? Then what he waits for runs, with what it depends on, and nothing else does.
//   reversed    Several streams could go on? Then the one whose work was asked for last does.
//
// All three are allowed by CUDA, and all three are repeatable, so that a missing synchronisation fails in every run.
//
// A piece of work knows, from the moment it is queued, what it has to run after: its stream's previous work, recorded
// events that the stream waits for, and the rules of the default stream. This makes a graph without cycles, and one worker
// thread runs it, a piece at a time (a grid spreads over the cores by itself).

/// <summary>A piece of work in a stream's queue.</summary>
internal sealed class Submission(CudaStream stream, Work work, long number)
{
    public CudaStream Stream { get; } = stream;

    public Work Work { get; } = work;

    /// <summary>The how-manieth thing asked for.</summary>
    public long Number { get; } = number;

    /// <summary>Since when it has been waiting.</summary>
    public long Since { get; } = Stopwatch.GetTimestamp();

    /// <summary>What has to be done before; empty once this is done.</summary>
    public Submission[] After { get; set; } = [];

    /// <summary>Whether somebody waits for it, or for something that comes after it.</summary>
    public bool IsWanted { get; set; }

    public bool IsDone { get; set; }

    public bool IsReady => Array.TrueForAll(After, before => before.IsDone);
}

/// <summary>The work of all streams, and the thread that does it.</summary>
internal sealed class WorkQueue(EmulatedDriver driver)
{
    /// <summary>How long the worker thread outlives its last work.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(2);

    private readonly HashSet<CudaStream> _busy = [];
    private bool _workerRuns;
    private long _count;
    private long _lastWait;

    /// <summary>How long work that nobody waits for is left lying after the host's last wait for something else.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long it is left lying at most, however often the host waits for something else.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Guards this queue and all that hangs on streams: their queues, captures and events.</summary>
    public object Gate { get; } = new();

    /// <summary>Queues work.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="work">What.</param>
    /// <param name="after">What it has to wait for besides the order of its stream.</param>
    public Submission Submit(CudaStream stream, Work work, params ReadOnlySpan<Submission?> after)
    {
        lock (Gate)
        {
            Submission submission = new(stream, work, ++_count);
            HashSet<Submission> before = new();
            foreach (Submission? other in (ReadOnlySpan<Submission?>)[stream.Last, .. stream.Context.OrderedBefore(stream), .. after])
            {
                if (other is { IsDone: false })
                    before.Add(other);
            }
            submission.After = [.. before];
            stream.Pending.Enqueue(submission);
            stream.Last = submission;
            _busy.Add(stream);
            if (!_workerRuns)
            {
                _workerRuns = true;
                new Thread(RunWorker) { IsBackground = true, Name = "CUDA device" }.Start();
            }
            Monitor.PulseAll(Gate);
            return submission;
        }
    }

    /// <summary>Whether all of this has been done; asking makes it wanted.</summary>
    public bool Query(params Submission?[] submissions)
    {
        lock (Gate)
        {
            Want(submissions);
            return Array.TrueForAll(submissions, submission => submission is null or { IsDone: true });
        }
    }

    /// <summary>Waits until all of this has been done.</summary>
    public void Wait(params Submission?[] submissions)
    {
        lock (Gate)
        {
            Want(submissions);
            foreach (Submission? submission in submissions)
            {
                while (submission is { IsDone: false })
                    Monitor.Wait(Gate);
            }
            _lastWait = Stopwatch.GetTimestamp();
        }
        driver.LaunchProfile?.Save();
    }

    /// <summary>Waits until nothing is left.</summary>
    public void WaitForAll()
    {
        lock (Gate)
            Wait([.. _busy.Select(stream => stream.Last)]);
    }

    private void Want(Submission?[] submissions)
    {
        Stack<Submission> wanted = new(submissions.OfType<Submission>());
        while (wanted.TryPop(out Submission? next))
        {
            if (next.IsDone || next.IsWanted)
                continue;
            next.IsWanted = true;
            foreach (Submission before in next.After)
                wanted.Push(before);
        }
        Monitor.PulseAll(Gate);
    }

    private void RunWorker()
    {
        lock (Gate)
        {
            while (true)
            {
                if (Next() is { } submission)
                {
                    Monitor.Exit(Gate);
                    try
                    {
                        Run(submission);
                    }
                    finally
                    {
                        Monitor.Enter(Gate);
                    }
                    Finish(submission);
                }
                else if (!Monitor.Wait(Gate, _busy.Count > 0 ? Grace : Linger) && _busy.Count == 0)
                {
                    _workerRuns = false;
                    return;
                }
            }
        }
    }

    private Submission? Next()
    {
        bool isQuiet = Stopwatch.GetElapsedTime(_lastWait) > Grace;
        Submission? best = null;
        foreach (CudaStream stream in _busy)
        {
            Submission head = stream.Pending.Peek();
            TimeSpan age = Stopwatch.GetElapsedTime(head.Since);
            bool isDue = head.IsWanted || (isQuiet && age > Grace) || age > Patience;
            if (isDue && head.IsReady && (best is null || (head.IsWanted, head.Number).CompareTo((best.IsWanted, best.Number)) > 0))
                best = head;
        }
        return best;
    }

    private void Run(Submission submission)
    {
        CudaContext context = submission.Stream.Context;
        if (context.Failure is not null)
            return; // as on a GPU: after a fault nothing runs any more
        try
        {
            submission.Work.Run(driver);
        }
        catch (DeviceFaultException fault)
        {
            context.Fail(fault.Result, fault.Message);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A fault of the emulator itself. It must not end the program that uses it.
            context.Fail(CudaResult.Unknown, $"The emulator failed: {e}");
        }
        catch (OutOfMemoryException)
        {
            context.Fail(CudaResult.OutOfMemory, "The machine that emulates the device has not enough memory to run this.");
        }
    }

    private void Finish(Submission submission)
    {
        CudaStream stream = submission.Stream;
        stream.Pending.Dequeue();
        if (stream.Pending.Count == 0)
            _busy.Remove(stream);
        submission.IsDone = true;
        submission.After = [];
        Monitor.PulseAll(Gate);
    }
}
