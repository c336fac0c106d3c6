using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>A dense row-major tensor in device memory; begins at 256 bytes, and is rounded up to whole 16 bytes.</summary>
internal sealed class GpuTensor : Tensor
{
    private readonly MemoryBuffer1D<Bits128, Stride1D.Dense> _buffer;

    public GpuTensor(GpuDevice device, DType type, int[] shape)
        : base(shape)
    {
        Type = type;
        long bytes = ElementCount * type.ByteSize();
        _buffer = device.Accelerator.Allocate1D<Bits128>(Math.Max(1, (bytes + 15) / 16));
        _buffer.MemSetToZero(device.Stream);
    }

    /// <summary>How elements are stored: F32, F16 or BF16.</summary>
    public DType Type { get; }

    public override long ByteCount => _buffer.LengthInBytes;

    /// <summary>The elements, 16 bytes at a time.</summary>
    public ArrayView<Bits128> Vectors => _buffer.View;

    /// <summary>The elements of a float32 tensor.</summary>
    public ArrayView<float> Floats => Type == DType.F32
        ? Vectors.Cast<float>()
        : throw new InvalidOperationException($"The tensor holds {Type}.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _buffer.Dispose();
        }
    }
}
