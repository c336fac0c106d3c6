using System.Globalization;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>How much memory is in use under one label.</summary>
/// <param name="Label">"weights", "KV cache", ...</param>
/// <param name="Bytes">Their sum.</param>
/// <param name="Count">How many allocations.</param>
public sealed record GpuMemoryUse(string Label, long Bytes, int Count);

/// <summary>
/// A device's memory. The driver is asked for large segments, tensors are pieces of them, and what is freed is used again: by
/// work that is queued later on the device's one stream, so nothing has to wait for what still uses it.
/// <code>
///     segment   | weights | weights |  free  | KV cache |      free      |      best fit; free neighbours are joined
/// </code>
/// On the emulated driver every tensor is an allocation of its own, so that its memory check sees the end of each; but it does
/// not begin where the allocation does, so that tests see whoever forgets that tensors do not.
/// </summary>
public sealed class GpuMemory
{
    private const long UsualSegmentBytes = 64L << 20;

    private readonly CudaAccelerator _accelerator;
    private readonly long _segmentBytes;
    private readonly Lock _gate = new();
    private readonly List<Segment> _segments = [];
    private readonly Dictionary<string, (long Bytes, int Count)> _uses = [];

    /// <summary>Memory of an opened device.</summary>
    /// <param name="accelerator">The device.</param>
    /// <param name="segmentBytes">Least size of what the driver is asked for; 0 makes each allocation one of the driver's.</param>
    internal GpuMemory(CudaAccelerator accelerator, long? segmentBytes = null)
    {
        _accelerator = accelerator;
        _segmentBytes = segmentBytes ?? (CudaLibrary.IsEmulated ? 0 : UsualSegmentBytes);
        BudgetBytes = FreeBytes;
    }

    /// <summary>The most that may be in use; at first, what was free when the device was opened.</summary>
    public long BudgetBytes { get; set; }

    /// <summary>What is in use.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>What the driver has given, in use or not.</summary>
    public long ReservedBytes => _segments.Sum(segment => segment.Bytes);

    /// <summary>What the driver has left, of all that share the device.</summary>
    /// <exception cref="GpuException">The device has failed.</exception>
    public long FreeBytes => Info().Free;

    /// <summary>What the device has.</summary>
    /// <exception cref="GpuException">The device has failed.</exception>
    public long TotalBytes => Info().Total;

    /// <summary>Who uses how much, the largest first.</summary>
    public IReadOnlyList<GpuMemoryUse> Report()
    {
        lock (_gate)
        {
            return [.. _uses.Where(use => use.Value.Count > 0).Select(use => new GpuMemoryUse(use.Key, use.Value.Bytes, use.Value.Count)).OrderByDescending(use => use.Bytes)];
        }
    }

    /// <summary>Bytes for people: "1.5 GiB".</summary>
    public static string Text(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
    };

    /// <summary>Takes memory. What is in it is not defined.</summary>
    /// <param name="bytes">How much; rounded up to 256.</param>
    /// <param name="label">What for, in the report.</param>
    /// <exception cref="GpuException">There is too little: the message says how much is needed, and who has the rest.</exception>
    internal GpuAllocation Allocate(long bytes, string label)
    {
        bytes = Segment.RoundUp(Math.Max(1, bytes));
        lock (_gate)
        {
            if (UsedBytes + bytes > BudgetBytes)
            {
                throw TooLittle(bytes, label, $"{Text(BudgetBytes - UsedBytes)} of a budget of {Text(BudgetBytes)} are left");
            }

            Segment segment = _segments.Where(segment => segment.Fit(bytes) < long.MaxValue).MinBy(segment => segment.Fit(bytes)) ?? Reserve(bytes, label);
            Count(label, bytes, 1);
            return new GpuAllocation(this, segment, segment.Take(bytes), bytes, label);
        }
    }

    internal void Return(GpuAllocation allocation)
    {
        lock (_gate)
        {
            Count(allocation.Label, -allocation.Bytes, -1);
            allocation.Segment.Return(allocation.Offset, allocation.Bytes);
            if (_segmentBytes == 0)
            {
                ReleaseUnused();
            }
        }
    }

    /// <summary>Gives everything back to the driver.</summary>
    internal void Release()
    {
        lock (_gate)
        {
            foreach (Segment segment in _segments)
            {
                CudaDriver.Free(segment.Buffer);
            }

            _segments.Clear();
        }
    }

    private Segment Reserve(long bytes, string label)
    {
        // The second try: without what is reserved and not used, and for no more than what is needed.
        long lead = _segmentBytes == 0 ? Segment.Alignment : 0;
        foreach (long size in (ReadOnlySpan<long>)[Math.Max(bytes, _segmentBytes), bytes])
        {
            try
            {
                Segment segment = new(_accelerator.Allocate1D<Bits128>((lead + size) / Segment.VectorBytes), lead);
                _segments.Add(segment);
                return segment;
            }
            catch (CudaException exception) when (exception.Error == nameof(CudaError.CUDA_ERROR_OUT_OF_MEMORY))
            {
                ReleaseUnused();
            }
            catch (CudaException exception)
            {
                throw CudaDriver.Failure(exception, "cuMemAlloc");
            }
        }

        throw TooLittle(bytes, label, $"{Text(FreeBytes)} of the device's {Text(TotalBytes)} are free");
    }

    private void ReleaseUnused() => _segments.RemoveAll(segment =>
    {
        if (segment.IsUnused)
        {
            CudaDriver.Free(segment.Buffer);
        }

        return segment.IsUnused;
    });

    private void Count(string label, long bytes, int count)
    {
        (long Bytes, int Count) use = _uses.GetValueOrDefault(label);
        _uses[label] = (use.Bytes + bytes, use.Count + count);
        UsedBytes += bytes;
    }

    private GpuException TooLittle(long bytes, string label, string rest)
    {
        string users = string.Join(", ", Report().Select(use => $"{use.Label} {Text(use.Bytes)}"));
        return new GpuException($"The GPU has too little memory: {label} needs {Text(bytes)} more, and {rest}{(users.Length > 0 ? $" (in use: {users})" : "")}. Choose a smaller batch, model or compute type.") { IsOutOfMemory = true };
    }

    private (long Free, long Total) Info()
    {
        _accelerator.Bind();
        CudaDriver.Check(CudaDriver.MemoryInfo(out nuint free, out nuint total), "cuMemGetInfo");
        return ((long)free, (long)total);
    }

    /// <summary>One allocation of the driver's.</summary>
    /// <param name="buffer">The memory.</param>
    /// <param name="lead">Bytes at its beginning that are not given away.</param>
    internal sealed class Segment(MemoryBuffer1D<Bits128, Stride1D.Dense> buffer, long lead = 0)
    {
        /// <summary>Bytes of an element of the buffer.</summary>
        public const int VectorBytes = 16;

        /// <summary>Pieces begin at multiples of this: what ILGPU assumes of views, and the driver gives.</summary>
        public const int Alignment = 256;

        private readonly SortedDictionary<long, long> _free = new() { [lead] = buffer.LengthInBytes - lead }; // length by offset

        /// <summary>The memory.</summary>
        public MemoryBuffer1D<Bits128, Stride1D.Dense> Buffer => buffer;

        /// <summary>Its size.</summary>
        public long Bytes => buffer.LengthInBytes;

        /// <summary>Whether all of it is free.</summary>
        public bool IsUnused => _free.Count == 1 && _free.TryGetValue(lead, out long length) && length == Bytes - lead;

        /// <summary>The size of an allocation.</summary>
        public static long RoundUp(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

        /// <summary>The smallest free piece that is large enough; the greatest number if there is none.</summary>
        public long Fit(long bytes) => _free.Values.Where(length => length >= bytes).DefaultIfEmpty(long.MaxValue).Min();

        /// <summary>Takes the beginning of this piece.</summary>
        public long Take(long bytes)
        {
            long fit = Fit(bytes), offset = _free.First(piece => piece.Value == fit).Key;
            _free.Remove(offset);
            if (fit > bytes)
            {
                _free.Add(offset + bytes, fit - bytes);
            }

            return offset;
        }

        /// <summary>Makes a piece free again, and one with its free neighbours.</summary>
        public void Return(long offset, long bytes)
        {
            if (_free.Remove(offset + bytes, out long behind))
            {
                bytes += behind;
            }

            (long Key, long Value) before = _free.LastOrDefault(piece => piece.Key < offset) is { Value: > 0 } piece ? (piece.Key, piece.Value) : (0, 0);
            if (before.Value > 0 && before.Key + before.Value == offset)
            {
                (offset, bytes) = (before.Key, before.Value + bytes);
            }

            _free[offset] = bytes;
        }
    }
}

/// <summary>A piece of device memory.</summary>
internal sealed class GpuAllocation(GpuMemory memory, GpuMemory.Segment segment, long offset, long bytes, string label) : IDisposable
{
    private bool _isReturned;

    /// <summary>What for.</summary>
    public string Label => label;

    /// <summary>Its size.</summary>
    public long Bytes => bytes;

    /// <summary>The driver's allocation that it is a piece of.</summary>
    public GpuMemory.Segment Segment => segment;

    /// <summary>Where in it.</summary>
    public long Offset => offset;

    /// <summary>The memory, 16 bytes at a time; begins at 256 bytes.</summary>
    public ArrayView<Bits128> Vectors { get; } = segment.Buffer.View.SubView(offset / GpuMemory.Segment.VectorBytes, bytes / GpuMemory.Segment.VectorBytes);

    /// <summary>Its address on the device.</summary>
    public nint Address { get; } = segment.Buffer.NativePtr + (nint)offset;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isReturned)
        {
            _isReturned = true;
            memory.Return(this);
        }
    }
}
