using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A few equal blocks of page-locked host memory, taken in turn: while the device copies out of one, the host fills the next.
/// <code>
///     host      fill 0 | fill 1 | wait, fill 0 | ...
///     device           | copy 0 |    copy 1    | ...
/// </code>
/// A block is taken again when the copy out of it has run, which an event tells; with as many blocks as there are copies
/// under way, nothing waits and nothing is allocated.
/// </summary>
/// <param name="device">Where copies go, in the order of its stream.</param>
/// <param name="count">How many blocks.</param>
/// <param name="blockBytes">Bytes of each.</param>
internal sealed unsafe class StagingRing(GpuDevice device, int count, int blockBytes) : IDisposable
{
    private const uint WithoutTiming = 2; // CU_EVENT_DISABLE_TIMING

    private readonly nint[] _blocks = new nint[count]; // allocated when they are first taken
    private readonly nint[] _copied = new nint[count];
    private int _current = -1;

    /// <summary>Bytes of a block.</summary>
    public int BlockBytes => blockBytes;

    /// <summary>The next block's memory, for the host to write.</summary>
    public byte* Take()
    {
        device.Bind();
        _current = (_current + 1) % count;
        if (_blocks[_current] == 0)
        {
            CudaDriver.Check(CudaDriver.CreateEvent(out _copied[_current], WithoutTiming), "cuEventCreate");
            CudaDriver.Check(CudaDriver.AllocateHost(out _blocks[_current], (nuint)blockBytes, 0), "cuMemHostAlloc");
            NativeMemory.Clear((void*)_blocks[_current], (nuint)blockBytes);
        }
        else if (!CudaDriver.HasRun(_copied[_current]))
        {
            CudaDriver.Check(CudaDriver.WaitForEvent(_copied[_current]), "cuEventSynchronize");
        }

        return (byte*)_blocks[_current];
    }

    /// <summary>Queues a copy of the beginning of the block that was taken last.</summary>
    /// <param name="target">Device memory.</param>
    /// <param name="bytes">Up to <see cref="BlockBytes"/>.</param>
    public void CopyToDevice(nint target, int bytes)
    {
        CudaStream stream = device.Stream;
        CudaDriver.Check(CudaDriver.CopyToDevice(target, (void*)_blocks[_current], (nuint)bytes, stream.StreamPtr), "cuMemcpyHtoDAsync");
        CudaDriver.Check(CudaDriver.RecordEvent(_copied[_current], stream.StreamPtr), "cuEventRecord");
    }

    /// <summary>Queues a copy to the beginning of the block that was taken last, and waits for it.</summary>
    /// <param name="source">Device memory.</param>
    /// <param name="bytes">Up to <see cref="BlockBytes"/>.</param>
    public void CopyToHost(nint source, int bytes)
    {
        nint stream = device.Stream.StreamPtr;
        CudaDriver.Check(CudaDriver.CopyToHost((void*)_blocks[_current], source, (nuint)bytes, stream), "cuMemcpyDtoHAsync");
        CudaDriver.Check(CudaDriver.Synchronize(stream), "cuStreamSynchronize");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_current < 0)
        {
            return;
        }

        device.Bind();
        for (int i = 0; i < count; i++)
        {
            if (_blocks[i] != 0)
            {
                // Also on a device that has failed, whose refusals mean nothing more.
                _ = CudaDriver.WaitForEvent(_copied[i]);
                _ = CudaDriver.DestroyEvent(_copied[i]);
                _ = CudaDriver.FreeHost(_blocks[i]);
                _blocks[i] = 0;
            }
        }
    }
}
