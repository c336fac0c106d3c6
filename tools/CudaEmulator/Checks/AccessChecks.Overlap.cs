using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Checks;

/// <content>Global memory, and launches of a graph that may run at the same time: see <see cref="Overlap"/>.</content>
internal sealed unsafe partial class AccessChecks
{
    private readonly Overlap? overlap;
    private readonly uint[] waited; // lanes of each warp that have executed griddepcontrol.wait

    /// <summary>Threads of a warp have waited for the launches before theirs.</summary>
    public void WaitForLaunches(Warp w, uint mask)
    {
        waited[w.Index] |= mask;
        overlap?.Wait();
    }

    private void ReadGlobal(Op* op, Warp w, uint mask, int lane, ulong address, int length, int bytes)
    {
        if (overlap is not null)
        {
            MeetLaunches(op, w, mask, lane, address, length, bytes, isWrite: false);
        }

        written?.RequireGlobal(op, w, lane, address, length, bytes);
    }

    private void WriteGlobal(Op* op, Warp w, uint mask, int lane, ulong address, int length, int bytes)
    {
        if (overlap is not null)
        {
            MeetLaunches(op, w, mask, lane, address, length, bytes, isWrite: true);
        }

        written?.AddGlobal(op, address, length);
    }

    // Before a thread has waited, earlier launches may still read and write.
    private void MeetLaunches(Op* op, Warp w, uint mask, int lane, ulong address, int length, int bytes, bool isWrite)
    {
        if (block.Map.Find(address, op->Allocation) is not { } allocation)
        {
            return;
        }

        var mayMeet = overlap!.BeginsEarly && ((mask & ~waited[w.Index]) != 0 || !overlap.WaitSuffices);
        if (mayMeet && overlap.FirstRace(allocation, address, length, isWrite) is var (place, wasWritten))
        {
            throw RaceReport.OfKernels(op, w, lane + (int)((place - address) / (ulong)bytes),
                (isWrite ? "writes" : "reads", wasWritten ? "writes" : "reads"), place, bytes, allocation, overlap.WaitSuffices);
        }

        overlap.Add(allocation, address, length, isWrite);
    }
}
