using System.Runtime.CompilerServices;

namespace Handwritten.CudaEmulator.Checks;

/// <content>Accesses that go on after their instruction: writes of cp.async, and reads of wgmma.</content>
internal sealed unsafe partial class SharedHistory
{
    private readonly ushort[] pendingReads; // of each unit
    private readonly uint[] pendingReaders; // the latest of them
    private int copiesUnderWay; // units whose write lies in the future
    private int readsUnderWay; // the sum of pendingReads

    /// <summary>Notes that a cp.async will write.</summary>
    public void BeginCopy(int offset, int count, Accessor by)
    {
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            writeTimes[unit] = Never;
            writers[unit] = by.Bits;
            readTimes[unit] = 0;
            copiesUnderWay++;
        }
    }

    /// <summary>A cp.async that was noted has been waited for: it is a write of the thread that waits.</summary>
    public void EndCopy(int offset, int count)
    {
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            copiesUnderWay -= writeTimes[unit] == Never ? 1 : 0;
            writeTimes[unit] = order.Now;
        }

        order.Touch();
    }

    /// <summary>Notes that a wgmma will read; false if that is in a race, or what is there is not fenced for it.</summary>
    public bool TryBeginRead(int offset, int count, Accessor by)
    {
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            if (!TryReadUnit(unit, by))
            {
                return false;
            }

            Accessor writer = new(writers[unit]);
            if (writeTimes[unit] >= order.Start && !order.IsFenced(writer.Warp, writeTimes[unit], by.Warp))
            {
                Found = new(unit << shift, writer, HasWritten: true, IsUnderWay: false, IsUnfenced: true);
                return false;
            }

            pendingReads[unit]++;
            pendingReaders[unit] = by.Bits;
            readsUnderWay++;
        }

        return true;
    }

    /// <summary>A wgmma that was noted has been waited for: it has read until now.</summary>
    public void EndRead(int offset, int count, Accessor by)
    {
        int first = offset >> shift, end = (offset + count) >> shift;
        for (var unit = first; unit < end; unit++)
        {
            pendingReads[unit]--;
            readsUnderWay--;
            TryReadUnit(unit, by);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasNoProduct(int unit, int count) => readsUnderWay == 0 || HasNoReader(unit, count);

    private bool HasNoReader(int unit, int count)
    {
        for (var end = unit + count; unit < end; unit++)
        {
            if (pendingReads[unit] > 0)
            {
                Found = new(unit << shift, new(pendingReaders[unit]), HasWritten: false, IsUnderWay: true);
                return false;
            }
        }

        return true;
    }

    // What a block has left under way when it ended.
    private void ForgetUnderWay()
    {
        for (var unit = 0; copiesUnderWay > 0; unit++)
        {
            if (writeTimes[unit] == Never)
            {
                writeTimes[unit] = 0;
                copiesUnderWay--;
            }
        }

        if (readsUnderWay > 0)
        {
            Array.Clear(pendingReads);
            readsUnderWay = 0;
        }
    }
}
