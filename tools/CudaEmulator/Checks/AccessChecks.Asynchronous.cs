using Handwritten.CudaEmulator.Execution;
using Bits = System.Numerics.BitOperations;

namespace Handwritten.CudaEmulator.Checks;

/// <content>Accesses that go on after their instruction: copies of cp.async, and what wgmma reads.</content>
internal sealed unsafe partial class AccessChecks
{
    /// <summary>A warp's cp.async begins: <paramref name="targets"/> are host addresses in shared memory.</summary>
    public void BeginCopies(Op* op, Warp w, uint mask, ulong* targets, int bytes)
    {
        if (history is null)
        {
            return;
        }

        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var lane = Bits.TrailingZeroCount(rest);
            var offset = Offset(targets[lane]);
            Accessor by = new((int)(op - kernel.Code), w.Index, lane, Meeting.No);
            Require(history.CanWrite(offset, bytes, by), op, w, by);
            history.BeginCopy(offset, bytes, by);
        }
    }

    /// <summary>A lane's copy has been waited for.</summary>
    public void EndCopy(ulong target, int bytes)
    {
        var offset = Offset(target);
        written?.AddShared(offset, bytes);
        history?.EndCopy(offset, bytes);
    }

    /// <summary>A wgmma of a warp begins to read chunks of 16 bytes: <paramref name="places"/> are their shared addresses.</summary>
    public void BeginProduct(Op* op, Warp w, ReadOnlySpan<int> places)
    {
        Accessor by = new((int)(op - kernel.Code), w.Index, 0, Meeting.No);
        foreach (var place in places)
        {
            if (history is not null)
            {
                Require(history.TryBeginRead(place, MatrixDescriptor.ChunkBytes, by), op, w, by);
            }

            written?.RequireShared(op, w, 0, place, MatrixDescriptor.ChunkBytes, MatrixDescriptor.ChunkBytes);
        }
    }

    /// <summary>A wgmma of a warp has been waited for.</summary>
    public void EndProduct(Op* op, Warp w, ReadOnlySpan<int> places)
    {
        Accessor by = new((int)(op - kernel.Code), w.Index, 0, Meeting.No);
        for (var i = 0; history is not null && i < places.Length; i++)
        {
            history.EndRead(places[i], MatrixDescriptor.ChunkBytes, by);
        }
    }
}
