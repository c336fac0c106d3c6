using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>
/// initcheck of one worker's blocks: what has been written, and the fault of whoever reads something else.
///
///     global memory    for good: <see cref="Allocation.Written"/>, which the driver's copies add to as well
///     shared memory    until the block ends
///     local memory     until the block ends, warp by warp
/// </summary>
/// <param name="block">The block.</param>
internal sealed unsafe class WrittenMemory(Block block)
{
    private readonly BitSet _shared = new(block.SharedBytes);
    private readonly BitSet[] _local =
        [.. Enumerable.Range(0, block.Launch.Kernel.LocalBytes > 0 ? block.WarpCount : 0).Select(_ => new BitSet(Warp.LocalStrideOf(block.Launch.Kernel) * Lanes.Count))];

    /// <summary>The block begins anew.</summary>
    public void Begin()
    {
        _shared.Clear();
        foreach (BitSet warp in _local)
        {
            warp.Clear();
        }
    }

    /// <summary>Bytes of global memory have been written.</summary>
    public void AddGlobal(Op* op, ulong address, int count) => block.Map.Find(address, op->Allocation)?.Written?.Add(address, count);

    /// <summary>Bytes of shared memory have been written.</summary>
    public void AddShared(int offset, int count) => _shared.Add(offset, count);

    /// <summary>Bytes of a thread's local memory have been written.</summary>
    public void AddLocal(Warp w, ulong address, int count) => _local[w.Index].Add((long)(address - (ulong)w.Local), count);

    /// <summary>Lanes read global memory, each <paramref name="bytes"/> behind the lane before.</summary>
    /// <param name="op">The instruction.</param>
    /// <param name="w">The warp.</param>
    /// <param name="lane">The first lane.</param>
    /// <param name="address">Where it reads.</param>
    /// <param name="length">Bytes of all lanes.</param>
    /// <param name="bytes">Bytes of each.</param>
    /// <exception cref="DeviceFaultException">Something has not been written.</exception>
    public void RequireGlobal(Op* op, Warp w, int lane, ulong address, int length, int bytes)
    {
        Allocation? allocation = block.Map.Find(address, op->Allocation);
        if (allocation?.Written?.FirstMissing(address, length) is { } missing)
        {
            int thread = lane + (int)((missing - address) / (ulong)bytes);
            throw w.Fault(op, thread, CudaResult.LaunchFailed,
                $"reads {bytes} bytes at 0x{missing / (ulong)bytes * (ulong)bytes:x}, {missing - allocation.Address} bytes into {allocation}, but nothing has written the byte at 0x{missing:x}");
        }
    }

    /// <summary>Lanes read shared memory.</summary>
    /// <inheritdoc cref="RequireGlobal"/>
    public void RequireShared(Op* op, Warp w, int lane, int offset, int length, int bytes)
    {
        if (_shared.FirstMissing(offset, length) is >= 0 and var missing)
        {
            throw w.Fault(op, lane + (int)(missing - offset) / bytes, CudaResult.LaunchFailed,
                $"reads {bytes} bytes of shared memory, {block.Launch.Kernel.DescribeShared((int)missing)}, that nothing in the block has written so far");
        }
    }

    /// <summary>A lane reads its local memory.</summary>
    /// <inheritdoc cref="RequireGlobal"/>
    public void RequireLocal(Op* op, Warp w, int lane, ulong address, int bytes)
    {
        if (_local[w.Index].FirstMissing((long)(address - (ulong)w.Local), bytes) >= 0)
        {
            throw w.Fault(op, lane, CudaResult.LaunchFailed,
                $"reads {bytes} bytes at local address 0x{(address - (ulong)w.Local) % (ulong)w.LocalStride:x} that the thread has not written");
        }
    }
}
