using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>Work that a <see cref="ThreadTeam"/> shares out: a struct with the pointers it needs.</summary>
internal interface ITeamJob
{
    /// <summary>Does one item.</summary>
    /// <param name="item">Which one: 0 .. items − 1, each exactly once.</param>
    /// <param name="member">Who does it: 0 (the caller) .. team size − 1, to find one's own scratch memory.</param>
    void Run(int item, int member);
}

/// <summary>
/// Fork and join for work that lasts microseconds, without allocation. The caller publishes a job, takes part itself,
/// and returns when every item is done:
/// <code>
///     caller    publish ─ item 0 ─ item 3 ─ item 4 ─ close ─ wait for those inside ─ return
///     worker 1      └ enter ─ item 1 ─ item 5 ─ leave
///     worker 2      └ enter ─ item 2 ─ leave
///     worker 3   (asleep; wakes, finds the job closed, and spins or sleeps on)
/// </code>
/// Items go to whoever is free (one atomic counter). One 64-bit word holds the job's number, whether it is open, and
/// how many workers are inside; a worker enters by compare-and-swap, so that the caller need not wait for workers that
/// come late: on a busy machine, or with more threads than cores, it simply does more items itself.
/// Workers spin for some tens of microseconds after a job, because the next layer comes at once, then sleep.
/// </summary>
internal sealed unsafe class ThreadTeam : IDisposable
{
    private const long Open = 1L << 31;
    private const long InsideMask = Open - 1;
    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000; // 50 microseconds

    private readonly Thread[] _workers;
    private readonly object _gate = new();
    private Shared _shared;
    private void* _job;
    private delegate*<void*, int, int, void> _run;
    private int _items;
    private int _busy;
    private int _asleep;
    private volatile bool _stopping;
    private Exception? _failure;

    /// <summary>Starts <paramref name="size"/> − 1 workers; the caller is the first member.</summary>
    public ThreadTeam(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        Size = size;
        _workers = new Thread[size - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            int member = i + 1;
            _workers[i] = new Thread(() => Serve(member)) { IsBackground = true, Name = $"kernels {member}" };
            _workers[i].Start();
        }
    }

    /// <summary>Threads, the caller included.</summary>
    public int Size { get; }

    /// <summary>Runs the items 0 .. <paramref name="items"/> − 1 and returns when all are done.</summary>
    /// <exception cref="InvalidOperationException">
    /// The team is at work already: called from inside a job, or by two threads.
    /// </exception>
    public void Run<TJob>(TJob job, int items)
        where TJob : unmanaged, ITeamJob
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            throw new InvalidOperationException("The kernels are at work already; call them from one thread at a time.");
        }

        try
        {
            if (Size == 1 || items <= 1)
            {
                for (int item = 0; item < items; item++)
                {
                    job.Run(item, 0);
                }
            }
            else
            {
                Fork(&Invoke<TJob>, &job, items);
            }
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

    /// <summary>Ends the workers.</summary>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }

        foreach (Thread worker in _workers)
        {
            worker.Join();
        }
    }

    private static void Invoke<TJob>(void* job, int item, int member)
        where TJob : unmanaged, ITeamJob => ((TJob*)job)->Run(item, member);

    private void Fork(delegate*<void*, int, int, void> run, void* job, int items)
    {
        _run = run;
        _job = job;
        _items = items;
        _failure = null;
        _shared.Next = 0;
        long number = (_shared.State >> 32) + 1;
        Interlocked.Exchange(ref _shared.State, (number << 32) | Open);

        // The exchange above and the increment in Sleep are full fences: either the sleeper sees the new job or this
        // read sees the sleeper.
        if (Volatile.Read(ref _asleep) > 0)
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        }

        Work(0);
        Interlocked.And(ref _shared.State, ~Open);
        SpinWait spin = default;
        while ((Volatile.Read(ref _shared.State) & InsideMask) != 0)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        if (_failure is not null)
        {
            ExceptionDispatchInfo.Throw(_failure);
        }
    }

    private void Work(int member)
    {
        int item;
        while ((item = Interlocked.Increment(ref _shared.Next) - 1) < _items)
        {
            try
            {
                _run(_job, item, member);
            }
            catch (Exception failure)
            {
                // The first failure is the caller's; the remaining items are not worth doing.
                Interlocked.CompareExchange(ref _failure, failure, null);
                Volatile.Write(ref _shared.Next, _items);
            }
        }
    }

    private void Serve(int member)
    {
        long seen = 0;
        while (!_stopping)
        {
            long state = AwaitJobAfter(seen);
            if ((state & Open) == 0)
            {
                seen = state >> 32;
            }
            else if (Interlocked.CompareExchange(ref _shared.State, state + 1, state) == state)
            {
                seen = state >> 32;
                Work(member);
                Interlocked.Decrement(ref _shared.State);
            }
        }
    }

    /// <summary>Spins, then yields, then sleeps until there is a job with another number; returns the state.</summary>
    private long AwaitJobAfter(long seen)
    {
        long start = Stopwatch.GetTimestamp();
        for (int turn = 0; ; turn++)
        {
            long state = Volatile.Read(ref _shared.State);
            if (state >> 32 != seen || _stopping)
            {
                return state;
            }

            Thread.SpinWait(1);
            if (turn % 16 == 15 && Stopwatch.GetTimestamp() - start > SpinTicks)
            {
                return Sleep(seen);
            }
        }
    }

    private long Sleep(long seen)
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _asleep);
            long state;
            while ((state = Volatile.Read(ref _shared.State)) >> 32 == seen && !_stopping)
            {
                Monitor.Wait(_gate);
            }

            Interlocked.Decrement(ref _asleep);
            return state;
        }
    }

    /// <summary>The two contended words on cache lines of their own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Shared
    {
        [FieldOffset(128)]
        public long State;

        [FieldOffset(256)]
        public int Next;
    }
}
