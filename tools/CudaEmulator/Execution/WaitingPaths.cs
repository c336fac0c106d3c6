namespace Handwritten.CudaEmulator.Execution;

/// <summary>What a path of a warp waits for.</summary>
internal enum PathState
{
    /// <summary>Nothing.</summary>
    Ready,

    /// <summary>The other lanes that its .sync instruction names.</summary>
    AtSync,

    /// <summary>A barrier of the block.</summary>
    AtBarrier,
}

/// <summary>Lanes that go through the code together, while they are not the ones being run.</summary>
internal unsafe struct Path
{
    public Op* Next;
    public uint Mask;
    public PathState State;
    public int Barrier;
}

/// <summary>
/// The paths of a warp that are not run just now, and which of them is next: the one that is furthest behind in the code, so
/// that it may catch up with the others. After a turn has ended it is the next one behind the one that had it, and goes on
/// without regard to those that are behind it for a turn: so a path that spins cannot keep the one waiting that it waits for.
/// </summary>
internal sealed unsafe class WaitingPaths
{
    private readonly Path[] _paths = new Path[Lanes.Count + 1];
    private int _count;
    private bool _rotate;

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>All of them.</summary>
    public ReadOnlySpan<Path> All => _paths.AsSpan(0, _count);

    /// <summary>Where the path that was taken last went on.</summary>
    public Op* Latest { get; private set; }

    /// <summary>Whether that one goes on though others are behind it.</summary>
    public bool KeepsGoing { get; private set; }

    /// <summary>Whether it waits for lanes that no other path will bring: there was none that could go on.</summary>
    public bool IsLastResort { get; private set; }

    /// <summary>Whether some path can go on.</summary>
    public bool CanRun
    {
        get
        {
            foreach (ref readonly Path path in All)
            {
                if (path.State != PathState.AtBarrier)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _count = 0;
        _rotate = false;
        Latest = null;
    }

    /// <summary>Lanes wait.</summary>
    public void Add(Op* next, uint mask, PathState state, int barrier = 0) =>
        _paths[_count++] = new() { Next = next, Mask = mask, State = state, Barrier = barrier };

    /// <summary>The path that was taken last has had its turn.</summary>
    public void Rotate() => _rotate = true;

    /// <summary>Lets the lanes at a barrier go on; whether there are any.</summary>
    public bool Release(int barrier)
    {
        bool any = false;
        for (int i = 0; i < _count; i++)
        {
            if (_paths[i].State == PathState.AtBarrier && _paths[i].Barrier == barrier)
            {
                _paths[i].State = PathState.Ready;
                any = true;
            }
        }

        return any;
    }

    /// <summary>If all members have come to <paramref name="op"/>, they can go on.</summary>
    public void Meet(Op* op, uint members)
    {
        uint here = 0u;
        for (int i = 0; i < _count; i++)
        {
            here |= _paths[i].Next == op ? _paths[i].Mask : 0;
        }

        for (int i = 0; i < _count && (members & ~here) == 0; i++)
        {
            _paths[i].State = _paths[i].Next == op ? PathState.Ready : _paths[i].State;
        }
    }

    /// <summary>Takes out the path whose turn it is, together with all that are at the same place.</summary>
    /// <param name="mask">Its lanes; 0 if none can go on.</param>
    /// <returns>Where it goes on; null if none can.</returns>
    public Op* Take(out uint mask)
    {
        Op* hindmost = null;
        Op* behindLatest = null;
        Op* synced = null;
        for (int i = 0; i < _count; i++)
        {
            Op* next = _paths[i].Next;
            if (_paths[i].State == PathState.AtSync)
            {
                synced = next;
            }
            else if (_paths[i].State == PathState.Ready)
            {
                hindmost = hindmost == null || next < hindmost ? next : hindmost;
                behindLatest = next > Latest && (behindLatest == null || next < behindLatest) ? next : behindLatest;
            }
        }

        KeepsGoing = _rotate && behindLatest != null;
        _rotate = false;
        Op* chosen = KeepsGoing ? behindLatest : hindmost;
        IsLastResort = chosen == null && synced != null;
        chosen = IsLastResort ? synced : chosen;
        mask = chosen == null ? 0 : TakeAt(chosen);
        return chosen;
    }

    /// <summary>Takes out the paths that go on at <paramref name="next"/>: their lanes.</summary>
    public uint TakeAt(Op* next)
    {
        uint mask = 0;
        for (int i = _count - 1; i >= 0; i--)
        {
            if (_paths[i].Next == next && _paths[i].State != PathState.AtBarrier)
            {
                mask |= _paths[i].Mask;
                _paths[i] = _paths[--_count];
            }
        }

        Latest = next;
        return mask;
    }
}
