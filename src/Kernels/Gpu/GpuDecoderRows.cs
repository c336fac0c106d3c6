using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>The rows of decoder passes, here and in device memory: five arrays in one buffer, each of the whole capacity.</summary>
internal sealed class GpuDecoderRows(GpuDevice device, int capacity) : DecoderRows(capacity)
{
    private readonly PageLockedArray1D<int> _staging = device.Accelerator.AllocatePageLocked1D<int>(5 * capacity);
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _buffer = device.Accelerator.Allocate1D<int>(5 * capacity);

    private int _uploaded = -1; // the version of the rows that the device has

    /// <summary>Token id of each row.</summary>
    public ArrayView<int> DeviceTokens => Part(0);

    /// <summary>KV-cache lane of each row.</summary>
    public ArrayView<int> DeviceLanes => Part(1);

    /// <summary>Position of each row in its sequence.</summary>
    public ArrayView<int> DevicePositions => Part(2);

    /// <summary>Audio window of each row.</summary>
    public ArrayView<int> DeviceWindows => Part(3);

    /// <summary>The rows whose logits are wanted.</summary>
    public ArrayView<int> DeviceOutputs => Part(4);

    /// <summary>
    /// Copies the rows to the device, in the order of the stream; but not if the host has not changed them, for then the
    /// device may have moved them on (<see cref="IKernels.Choose"/>), and a pass that runs again copies nothing.
    /// </summary>
    public void Upload()
    {
        if (_uploaded == Version)
        {
            return;
        }

        _uploaded = Version;
        device.Stream.Synchronize(); // the copy before may still read the staging memory
        Span<int> staging = _staging.Span;
        Tokens.CopyTo(staging);
        Lanes.CopyTo(staging[Capacity..]);
        Positions.CopyTo(staging[(2 * Capacity)..]);
        Windows.CopyTo(staging[(3 * Capacity)..]);
        Outputs.CopyTo(staging[(4 * Capacity)..]);
        _buffer.View.CopyFromPageLockedAsync(device.Stream, _staging);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _buffer.Dispose();
            _staging.Dispose();
        }

        base.Dispose(disposing);
    }

    private ArrayView<int> Part(int index) => _buffer.View.SubView(index * Capacity, Capacity);
}
