using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Checks;

/// <content>Global memory, and launches of a graph that may run at the same time: see <see cref="Overlap"/>.</content>
internal sealed unsafe partial class AccessChecks
{
    private readonly Overlap? _overlap;
    private readonly uint[] _waited; // lanes of each warp that have executed griddepcontrol.wait

    /// <summary>Threads of a warp have waited for the launches before theirs.</summary>
    public void WaitForLaunches(Warp w, uint mask)
    {
        _waited[w.Index] |= mask;
        _overlap?.Wait();
    }

    private void ReadGlobal(Op* op, Warp w, uint mask, int lane, ulong address, int length, int bytes)
    {
        if (_overlap is not null)
        {
            MeetLaunches(op, w, mask, lane, address, length, bytes, isWrite: false);
        }

        _written?.RequireGlobal(op, w, lane, address, length, bytes);
    }

    private void WriteGlobal(Op* op, Warp w, uint mask, int lane, ulong address, int length, int bytes)
    {
        if (_overlap is not null)
        {
            MeetLaunches(op, w, mask, lane, address, length, bytes, isWrite: true);
        }

        _written?.AddGlobal(op, address, length);
    }

    // Before a thread has waited, earlier launches may still read and write.
    private void MeetLaunches(Op* op, Warp w, uint mask, int lane, ulong address, int length, int bytes, bool isWrite)
    {
        if (_block.Map.Find(address, op->Allocation) is not { } allocation)
        {
            return;
        }

        bool mayMeet = _overlap!.BeginsEarly && ((mask & ~_waited[w.Index]) != 0 || !_overlap.WaitSuffices);
        if (mayMeet && _overlap.FirstRace(allocation, address, length, isWrite) is var (place, wasWritten))
        {
            throw RaceReport.OfKernels(op, w, lane + (int)((place - address) / (ulong)bytes),
                (isWrite ? "writes" : "reads", wasWritten ? "writes" : "reads"), place, bytes, allocation, _overlap.WaitSuffices);
        }

        _overlap.Add(allocation, address, length, isWrite);
    }
}
