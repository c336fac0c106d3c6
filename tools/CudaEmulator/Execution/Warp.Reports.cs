using System.Numerics;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Execution;

/// <content>What is wrong, and where the warp is.</content>
internal sealed unsafe partial class Warp
{
    /// <summary>
    /// At a barrier that opens: all lanes of a warp have to wait there together, at one instruction, unless it is a
    /// barrier.sync without .aligned.
    /// </summary>
    /// <exception cref="DeviceFaultException">They do not.</exception>
    public void CheckBarrier(int barrier)
    {
        uint here = 0;
        Op* at = null;
        foreach (ref readonly Path path in _waiting.All)
        {
            if (path.State != PathState.AtBarrier || path.Barrier != barrier)
            {
                continue;
            }

            Op* op = path.Next - 1;
            if (at != null && at != op && Barriers.IsAligned(Block.Launch.Kernel.SourceOf(op)))
            {
                throw Fault(op, BitOperations.TrailingZeroCount(path.Mask), CudaResult.LaunchFailed,
                    $"the warp's threads wait for barrier {barrier} at different instructions, others at line {Block.Launch.Kernel.SourceOf(at).Line}: they have to reach it together, or use barrier.sync");
            }

            at = op;
            here |= path.Mask;
        }

        if (at != null && here != Alive && Barriers.IsAligned(Block.Launch.Kernel.SourceOf(at)))
        {
            throw Fault(at, BitOperations.TrailingZeroCount(here), CudaResult.LaunchFailed,
                $"barrier {barrier} opens for lanes 0x{here:x8} of the warp only, and lanes 0x{Alive & ~here:x8} are elsewhere: all have to reach it together, or use barrier.sync");
        }
    }

    /// <summary>A fault of one lane, with everything that is known about where it happened.</summary>
    public DeviceFaultException Fault(Op* op, int lane, CudaResult result, string what)
    {
        KernelCode kernel = Block.Launch.Kernel;
        Ptx.PtxInstruction source = kernel.SourceOf(op);
        string name = string.Join('.', [source.Opcode, .. source.Modifiers]);
        Dim3 thread = Block.Launch.Block.At(Index * Lanes.Count + lane);
        return new(result, $"kernel {kernel.Name}, PTX line {source.Line} ({name}), block {Block.Coordinates}, thread {thread}: {what}");
    }

    /// <summary>For reports of a block that hangs: the lines where this warp's lanes wait.</summary>
    public string Whereabouts()
    {
        KernelCode kernel = Block.Launch.Kernel;
        List<string> places = [];
        foreach (ref readonly Path path in _waiting.All)
        {
            Op* next = path.Next;
            Op* op = path.State == PathState.AtSync || next == kernel.Code ? next : next - 1;
            places.Add($"warp {Index} lanes 0x{path.Mask:x8} at line {kernel.SourceOf(op).Line}");
        }

        return string.Join(", ", places);
    }
}
