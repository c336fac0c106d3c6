using System.Runtime.CompilerServices;

namespace Handwritten.CudaEmulator.Checks;

/// <content>Accesses that go on after their instruction: writes of cp.async, and reads of wgmma.</content>
internal sealed unsafe partial class SharedHistory
{
    private readonly ushort[] _pendingReads; // of each unit
    private readonly uint[] _pendingReaders; // the latest of them
    private int _copiesUnderWay; // units whose write lies in the future
    private int _readsUnderWay; // the sum of pendingReads

    /// <summary>Notes that a cp.async will write.</summary>
    public void BeginCopy(int offset, int count, Accessor by)
    {
        int first = offset >> _shift, end = (offset + count) >> _shift;
        for (int unit = first; unit < end; unit++)
        {
            _writeTimes[unit] = Never;
            _writers[unit] = by.Bits;
            _readTimes[unit] = 0;
            _copiesUnderWay++;
        }
    }

    /// <summary>A cp.async that was noted has been waited for: it is a write of the thread that waits.</summary>
    public void EndCopy(int offset, int count)
    {
        int first = offset >> _shift, end = (offset + count) >> _shift;
        for (int unit = first; unit < end; unit++)
        {
            _copiesUnderWay -= _writeTimes[unit] == Never ? 1 : 0;
            _writeTimes[unit] = _order.Now;
        }

        _order.Touch();
    }

    /// <summary>Notes that a wgmma will read; false if that is in a race, or what is there is not fenced for it.</summary>
    public bool TryBeginRead(int offset, int count, Accessor by)
    {
        int first = offset >> _shift, end = (offset + count) >> _shift;
        for (int unit = first; unit < end; unit++)
        {
            if (!TryReadUnit(unit, by))
            {
                return false;
            }

            Accessor writer = new(_writers[unit]);
            if (_writeTimes[unit] >= _order.Start && !_order.IsFenced(writer.Warp, _writeTimes[unit], by.Warp))
            {
                Found = new(unit << _shift, writer, HasWritten: true, IsUnderWay: false, IsUnfenced: true);
                return false;
            }

            _pendingReads[unit]++;
            _pendingReaders[unit] = by.Bits;
            _readsUnderWay++;
        }

        return true;
    }

    /// <summary>A wgmma that was noted has been waited for: it has read until now.</summary>
    public void EndRead(int offset, int count, Accessor by)
    {
        int first = offset >> _shift, end = (offset + count) >> _shift;
        for (int unit = first; unit < end; unit++)
        {
            _pendingReads[unit]--;
            _readsUnderWay--;
            TryReadUnit(unit, by);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasNoProduct(int unit, int count) => _readsUnderWay == 0 || HasNoReader(unit, count);

    private bool HasNoReader(int unit, int count)
    {
        for (int end = unit + count; unit < end; unit++)
        {
            if (_pendingReads[unit] > 0)
            {
                Found = new(unit << _shift, new(_pendingReaders[unit]), HasWritten: false, IsUnderWay: true);
                return false;
            }
        }

        return true;
    }

    // What a block has left under way when it ended.
    private void ForgetUnderWay()
    {
        for (int unit = 0; _copiesUnderWay > 0; unit++)
        {
            if (_writeTimes[unit] == Never)
            {
                _writeTimes[unit] = 0;
                _copiesUnderWay--;
            }
        }

        if (_readsUnderWay > 0)
        {
            Array.Clear(_pendingReads);
            _readsUnderWay = 0;
        }
    }
}
