using Handwritten.Runtime.Serving;

namespace Handwritten.Server.Uploads;

/// <summary>
/// Whose recording is decoded next: the engine's rules, before the engine. By priority, fair between clients, the smallest file of a client
/// first, and bounded.
/// Where there are several places, long recordings never have all of them, so that a short one waits for no more than another short one.
/// <code>
///     places    [ long ][ long ][ short ]
///                                  └─ a turn that takes too long is given up, and begins again as that of a long recording
/// </code>
/// </summary>
internal sealed class DecodingTurns(ServerOptions options, TimeProvider time)
{
    private static readonly TimeSpan ShortestRetry = TimeSpan.FromSeconds(1), LongestRetry = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private readonly FairTurns<Waiter> _waiting = new();
    private readonly int _mostWaiting = options.Models.Max(model => model.Engine.MaxRequests);
    private readonly int _mostOfClient = options.Models.Max(model => model.Engine.MaxRequestsPerClient);
    private readonly int _longPlaces = Math.Max(1, options.DecodingProcesses - 1);
    private int _used, _usedByLong;
    private double _secondsOfTurn = 1;

    /// <summary>Recordings of each <see cref="RequestPriority"/> that wait to be decoded.</summary>
    public IReadOnlyList<int> Waiting
    {
        get
        {
            int[] waiting = new int[Enum.GetValues<RequestPriority>().Length];
            lock (_gate)
            {
                foreach (Waiter waiter in _waiting.Items)
                {
                    waiting[(int)waiter.Priority]++;
                }
            }

            return waiting;
        }
    }

    /// <summary>Waits for a turn; it ends when what is returned is disposed.</summary>
    /// <param name="priority">Who waits for it. Of bulk work any number may wait, since whoever hands it in bounds it.</param>
    /// <param name="client">Whose recording it is.</param>
    /// <param name="isLong">Whether the recording is known to be long.</param>
    /// <param name="bytes">The size of its file.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="EngineBusyException">Too many wait.</exception>
    public async Task<IDisposable> TakeAsync(RequestPriority priority, string client, bool isLong, long bytes, CancellationToken cancellation)
    {
        Waiter waiter = new(priority, client, isLong);
        lock (_gate)
        {
            Admit(waiter);
            _waiting.Add(waiter, new TurnClaim(priority, client, Left: (int)(bytes >> 20)));
            Next();
        }

        using CancellationTokenRegistration leaving = cancellation.UnsafeRegister(_ => Leave(waiter, cancellation), null);
        return await waiter.Turn.Task;
    }

    private void Admit(Waiter waiter)
    {
        if (waiter.Priority == RequestPriority.Bulk)
        {
            return;
        }

        Waiter[] others = [.. _waiting.Items.Where(other => other.Priority != RequestPriority.Bulk)];
        if (others.Length >= _mostWaiting || others.Count(other => other.Client == waiter.Client) >= _mostOfClient)
        {
            double seconds = others.Length * _secondsOfTurn / options.DecodingProcesses;
            throw new EngineBusyException(
                $"{others.Length} recordings wait to be decoded. Try again later.",
                TimeSpan.FromSeconds(Math.Clamp(seconds, ShortestRetry.TotalSeconds, LongestRetry.TotalSeconds)));
        }
    }

    private void Leave(Waiter waiter, CancellationToken cancellation)
    {
        lock (_gate)
        {
            _waiting.RemoveAll(other => other == waiter);
        }

        waiter.Turn.TrySetCanceled(cancellation);
    }

    /// <summary>Gives the free places away.</summary>
    private void Next()
    {
        while (_used < options.DecodingProcesses && _waiting.TryTake((waiter, _) => !waiter.IsLong || _usedByLong < _longPlaces, out Waiter? next))
        {
            _used++;
            _usedByLong += next.IsLong ? 1 : 0;
            long begun = time.GetTimestamp();
            Turn turn = new(() => End(next, time.GetElapsedTime(begun)));
            if (!next.Turn.TrySetResult(turn))
            {
                turn.Dispose(); // it has left just now
            }
        }
    }

    private void End(Waiter waiter, TimeSpan taken)
    {
        lock (_gate)
        {
            _used--;
            _usedByLong -= waiter.IsLong ? 1 : 0;
            _secondsOfTurn += (taken.TotalSeconds - _secondsOfTurn) / 8;
            Next();
        }
    }

    private sealed record Waiter(RequestPriority Priority, string Client, bool IsLong)
    {
        public TaskCompletionSource<IDisposable> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Turn(Action end) : IDisposable
    {
        private int _hasEnded;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _hasEnded, 1) == 0)
            {
                end();
            }
        }
    }
}
