using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>The faults of racecheck: which two accesses, where, and what would have to come between them.</summary>
internal static unsafe class RaceReport
{
    /// <summary>Two accesses to shared memory that nothing puts in order.</summary>
    /// <param name="race">The race.</param>
    /// <param name="op">The later access.</param>
    /// <param name="w">Its warp.</param>
    /// <param name="by">Its accessor; of a row of lanes, the first.</param>
    /// <param name="start">Of a row of lanes, where the first one's bytes begin.</param>
    /// <param name="bytes">What each lane of a row accesses; 0 for a lane alone.</param>
    public static DeviceFaultException Of(Race race, Op* op, Warp w, Accessor by, int start = 0, int bytes = 0)
    {
        int lane = by.Lane + (bytes > 0 ? (race.Offset - start) / bytes : 0);
        LaunchRequest launch = w.Block.Launch;
        Accessor earlier = race.Earlier;
        Ptx.PtxInstruction source = launch.Kernel.Sources[earlier.Instruction];
        string who = $"thread {launch.Block.At(earlier.Warp * Lanes.Count + earlier.Lane)} at PTX line {source.Line} ({string.Join('.', [source.Opcode, .. source.Modifiers])})";
        string place = launch.Kernel.DescribeShared(race.Offset);
        string what = race.IsUnfenced
            ? $"{who} wrote {place}, which is read asynchronously here: fence.proxy.async has to come between, behind the write"
            : race.IsUnderWay && !race.HasWritten
            ? $"a race with a product: {who} has begun to read {place}, and has not waited for it; wgmma.wait_group has to come between, and a barrier for other threads"
            : race.IsUnderWay
            ? $"a race with a copy: {who} has begun to copy to {place}, and has not waited for it; cp.async.wait_group has to come between, and a barrier for other threads"
            : $"a race: {who} {(race.HasWritten ? "wrote" : "read")} the same bytes, {place}, and no {(earlier.Warp == by.Warp ? "bar.warp.sync or barrier" : "barrier")} orders the two accesses";
        return w.Fault(op, lane, CudaResult.LaunchFailed, what);
    }

    /// <summary>Lanes that store different values to one place of shared memory in one instruction.</summary>
    public static DeviceFaultException OfCollision(Op* op, Warp w, int lane, int offset) => w.Fault(op, lane, CudaResult.LaunchFailed,
        $"a race: other threads of the warp write different values to the same place in the same instruction, {w.Block.Launch.Kernel.DescribeShared(offset)}; which one stays is not defined");

    /// <summary>An access to global memory that is in a race with an earlier kernel of the graph, which may still run.</summary>
    /// <param name="op">The access.</param>
    /// <param name="w">Its warp.</param>
    /// <param name="lane">Its lane.</param>
    /// <param name="access">What it does, and what the earlier kernel does: two verbs.</param>
    /// <param name="address">Where; of the lane's bytes, the first that both touch.</param>
    /// <param name="bytes">Bytes that a lane accesses.</param>
    /// <param name="allocation">What they are part of.</param>
    /// <param name="waitSuffices">Whether waiting would put the two in order.</param>
    public static DeviceFaultException OfKernels(Op* op, Warp w, int lane, (string Here, string Earlier) access, ulong address, int bytes, Allocation allocation, bool waitSuffices) =>
        w.Fault(op, lane, CudaResult.LaunchFailed,
            $"a race between kernels: {access.Here} {bytes} bytes at 0x{address / (ulong)bytes * (ulong)bytes:x}, {address - allocation.Address} bytes into {allocation}, that an earlier kernel of the graph {access.Earlier}, which "
            + (waitSuffices ? "may still run: griddepcontrol.wait has to come before" : "may still run even after griddepcontrol.wait: a kernel in between has not waited for it"));
}
