using System.Runtime.Intrinsics;
using Bits = System.Numerics.BitOperations;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// What cp.async has begun and what has not been waited for, of a warp's threads. The source is read when the copy begins;
/// the bytes reach shared memory no sooner than the thread waits for them. A kernel that forgets to wait therefore finds
/// the old bytes, every time.
///
///     cp.async a; cp.async b; commit_group; cp.async c; commit_group; wait_group 1     a and b are there, c is not
///         group 0                               group 1
///
/// A thread's copies belong to the group that it has not committed yet; groups are counted thread by thread. Between
/// copies there can be arrivals at an mbarrier, which happen when the copies before them have ended; they are performed
/// when somebody looks at the barrier.
/// </summary>
internal sealed unsafe class AsyncCopyQueue(Warp warp)
{
    private readonly List<AsyncCopy> _underWay = []; // the oldest first
    private readonly Stack<AsyncCopy> _spare = [];
    private readonly int[] _committed = new int[Lanes.Count];

    /// <summary>Forgets everything: a new block begins.</summary>
    public void Clear()
    {
        _underWay.ForEach(_spare.Push);
        _underWay.Clear();
        Array.Clear(_committed);
    }

    /// <summary>Adds a copy, or an arrival, whose targets (and data) the caller fills in.</summary>
    /// <param name="mask">Lanes that take part.</param>
    /// <param name="bytes">Bytes a lane; 0 for an arrival.</param>
    public AsyncCopy Begin(uint mask, int bytes)
    {
        AsyncCopy copy = _spare.TryPop(out AsyncCopy? used) ? used : new();
        copy.Mask = mask;
        copy.Bytes = bytes;
        _committed.CopyTo(copy.Groups, 0);
        _underWay.Add(copy);
        return copy;
    }

    /// <summary>cp.async.commit_group</summary>
    public void Commit(uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            _committed[Bits.TrailingZeroCount(rest)]++;
        }
    }

    /// <summary>cp.async.wait_group: ends all groups but the latest <paramref name="pending"/>.</summary>
    public void Wait(uint mask, int pending)
    {
        bool ended = false;
        foreach (AsyncCopy copy in _underWay)
        {
            if (copy.Bytes > 0)
            {
                ended |= End(copy, mask & Older(copy, pending));
            }
        }

        if (ended)
        {
            Tidy();
        }
    }

    /// <summary>Ends the copies that arrivals at a barrier wait for, and performs these.</summary>
    /// <param name="barrier">Host address of the barrier.</param>
    /// <param name="arrive">Told how many threads arrive.</param>
    public void ArriveAt(ulong barrier, Action<int> arrive)
    {
        bool ended = false;
        for (int i = 0; i < _underWay.Count; i++)
        {
            uint lanes = _underWay[i].Bytes == 0 ? _underWay[i].LanesAt(barrier) : 0;
            if (lanes == 0)
            {
                continue;
            }

            for (int before = 0; before < i; before++)
            {
                if (_underWay[before].Bytes > 0)
                {
                    End(_underWay[before], lanes);
                }
            }

            _underWay[i].Mask &= ~lanes;
            arrive(Bits.PopCount(lanes));
            ended = true;
        }

        if (ended)
        {
            Tidy();
        }
    }

    // Lanes for which at least `pending` groups have been committed behind the copy's own.
    private uint Older(AsyncCopy copy, int pending)
    {
        uint older = 0;
        for (int part = 0; part < 2; part++)
        {
            Vector512<int> group = Vector512.Create(copy.Groups, 16 * part) + Vector512.Create(pending);
            older |= (uint)Vector512.LessThan(group, Vector512.Create(_committed, 16 * part)).ExtractMostSignificantBits() << (16 * part);
        }

        return older;
    }

    private bool End(AsyncCopy copy, uint lanes)
    {
        lanes &= copy.Mask;
        copy.Mask &= ~lanes;
        for (uint rest = lanes; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            byte* target = (byte*)copy.Targets[lane];
            Vector128<byte> data = copy.Data[lane];
            warp.Checks?.EndCopy(copy.Targets[lane], copy.Bytes);
            switch (copy.Bytes)
            {
                case 16:
                    data.Store(target);
                    break;
                case 8:
                    *(ulong*)target = data.AsUInt64().ToScalar();
                    break;
                default:
                    *(uint*)target = data.AsUInt32().ToScalar();
                    break;
            }
        }

        return lanes != 0;
    }

    private void Tidy()
    {
        _underWay.RemoveAll(copy =>
        {
            if (copy.Mask == 0)
            {
                _spare.Push(copy);
            }

            return copy.Mask == 0;
        });
    }
}

/// <summary>One cp.async of a warp, or one cp.async.mbarrier.arrive.</summary>
internal sealed class AsyncCopy
{
    /// <summary>Lanes for which it has not ended.</summary>
    public uint Mask { get; set; }

    /// <summary>Bytes that a lane copies: 4, 8 or 16; 0 for an arrival.</summary>
    public int Bytes { get; set; }

    /// <summary>By lane: host address in shared memory, of the bytes or of the barrier.</summary>
    public ulong[] Targets { get; } = new ulong[Lanes.Count];

    /// <summary>By lane: what will be there.</summary>
    public Vector128<byte>[] Data { get; } = new Vector128<byte>[Lanes.Count];

    /// <summary>By lane: the group it belongs to.</summary>
    public int[] Groups { get; } = new int[Lanes.Count];

    /// <summary>Lanes, of those for which it has not ended, with a target.</summary>
    public uint LanesAt(ulong target)
    {
        uint lanes = 0;
        for (uint rest = Mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            lanes |= Targets[lane] == target ? 1u << lane : 0;
        }

        return lanes;
    }
}
