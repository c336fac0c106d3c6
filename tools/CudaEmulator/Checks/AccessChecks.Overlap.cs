using System.Runtime.CompilerServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Checks;

/// <content>Launches of a graph that may run at the same time: see <see cref="Overlap"/>.</content>
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

    private void WriteGlobal(Op* op, Warp w, uint mask, int lane, ulong address, int length, int bytes)
    {
        CheckOverlap(op, w, mask, lane, address, length, bytes, "writes");
        WrittenAt(op, address)?.Add(address, length);
        if (overlap is not null && AllocationAt(op, address) is { } allocation)
        {
            overlap.Add(allocation, address, length);
        }
    }

    // Before a thread has waited, earlier launches may still write what they write.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CheckOverlap(Op* op, Warp w, uint mask, int lane, ulong address, int length, int bytes, string what)
    {
        if (overlap is { BeginsEarly: true } && ((mask & ~waited[w.Index]) != 0 || !overlap.WaitSuffices))
        {
            RequireUntouched(op, w, lane, address, length, bytes, what);
        }
    }

    private void RequireUntouched(Op* op, Warp w, int lane, ulong address, int length, int bytes, string what)
    {
        if (AllocationAt(op, address) is { } allocation && overlap!.FirstWrittenBefore(allocation, address, length) is { } written)
        {
            var thread = lane + (int)((written - address) / (ulong)bytes);
            throw w.Fault(op, thread, CudaResult.LaunchFailed,
                $"a race between kernels: {what} {bytes} bytes at 0x{written / (ulong)bytes * (ulong)bytes:x}, {written - allocation.Address} bytes into {allocation}, that an earlier kernel of the graph writes, which "
                + (overlap.WaitSuffices ? "may still run: griddepcontrol.wait has to come before" : "may still run even after griddepcontrol.wait: a kernel in between has not waited for it"));
        }
    }
}
