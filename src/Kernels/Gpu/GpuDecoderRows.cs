using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// The rows of decoder passes, here and in device memory: five arrays in one buffer, each of the whole capacity, and behind
/// them the table of pasts, [lanes, length].
/// </summary>
internal sealed class GpuDecoderRows(GpuDevice device, int capacity, int lanes, int length) : DecoderRows(capacity, lanes, length)
{
    private const int StepsUnderWay = 8; // uploads that may be queued before one waits for the first of them to be copied

    private readonly StagingRing _staging = new(device, StepsUnderWay, ((5 * capacity) + (lanes * length)) * sizeof(int));
    private readonly GpuAllocation _memory = device.Memory.Allocate(((5L * capacity) + (lanes * length)) * sizeof(int), "decoder rows");

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

    /// <summary>[lanes, length]: the lane that holds each entry of a lane's sequence; up to date while any pasts are shared.</summary>
    public ArrayView<int> DeviceSources => _memory.Vectors.Cast<int>().SubView(5 * Capacity, SourceTable.Length);

    /// <summary>
    /// Copies the rows to the device, in the order of the stream; but not if the host has not changed them, for then the
    /// device may have moved them on (<see cref="IKernels.Choose"/>), and a pass that is recorded as a graph copies nothing.
    /// Neither waits nor allocates as a rule.
    /// </summary>
    public unsafe void Upload()
    {
        if (_uploaded == Version)
        {
            return;
        }

        _uploaded = Version;
        Span<int> staging = new(_staging.Take(), _staging.BlockBytes / sizeof(int));
        Tokens.CopyTo(staging);
        Lanes.CopyTo(staging[Capacity..]);
        Positions.CopyTo(staging[(2 * Capacity)..]);
        Windows.CopyTo(staging[(3 * Capacity)..]);
        Outputs.CopyTo(staging[(4 * Capacity)..]);
        if (SharesPasts)
        {
            SourceTable.CopyTo(staging[(5 * Capacity)..]);
        }

        _staging.CopyToDevice(_memory.Address, SharesPasts ? _staging.BlockBytes : 5 * Capacity * sizeof(int));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _staging.Dispose();
            _memory.Dispose();
        }

        base.Dispose(disposing);
    }

    private ArrayView<int> Part(int index) => _memory.Vectors.Cast<int>().SubView(index * Capacity, Capacity);
}
