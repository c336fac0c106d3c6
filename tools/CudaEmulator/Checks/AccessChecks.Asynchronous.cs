using Handwritten.CudaEmulator.Execution;
using Bits = System.Numerics.BitOperations;

namespace Handwritten.CudaEmulator.Checks;

/// <content>Accesses that go on after their instruction: copies of cp.async, and what wgmma reads.</content>
internal sealed unsafe partial class AccessChecks
{
    /// <summary>A warp's cp.async begins: <paramref name="targets"/> are host addresses in shared memory.</summary>
    public void BeginCopies(Op* op, Warp w, uint mask, ulong* targets, int bytes)
    {
        if (_history is null)
        {
            return;
        }

        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = Bits.TrailingZeroCount(rest);
            int offset = Offset(targets[lane]);
            Accessor by = new((int)(op - _kernel.Code), w.Index, lane, Meeting.No);
            Require(_history.CanWrite(offset, bytes, by), op, w, by);
            _history.BeginCopy(offset, bytes, by);
        }
    }

    /// <summary>A lane's copy has been waited for.</summary>
    public void EndCopy(ulong target, int bytes)
    {
        int offset = Offset(target);
        _written?.AddShared(offset, bytes);
        _history?.EndCopy(offset, bytes);
    }

    /// <summary>A wgmma of a warp begins to read chunks of 16 bytes: <paramref name="places"/> are their shared addresses.</summary>
    public void BeginProduct(Op* op, Warp w, ReadOnlySpan<int> places)
    {
        Accessor by = new((int)(op - _kernel.Code), w.Index, 0, Meeting.No);
        foreach (int place in places)
        {
            if (_history is not null)
            {
                Require(_history.TryBeginRead(place, MatrixDescriptor.ChunkBytes, by), op, w, by);
            }

            _written?.RequireShared(op, w, 0, place, MatrixDescriptor.ChunkBytes, MatrixDescriptor.ChunkBytes);
        }
    }

    /// <summary>A wgmma of a warp has been waited for.</summary>
    public void EndProduct(Op* op, Warp w, ReadOnlySpan<int> places)
    {
        Accessor by = new((int)(op - _kernel.Code), w.Index, 0, Meeting.No);
        for (int i = 0; _history is not null && i < places.Length; i++)
        {
            _history.EndRead(places[i], MatrixDescriptor.ChunkBytes, by);
        }
    }
}
