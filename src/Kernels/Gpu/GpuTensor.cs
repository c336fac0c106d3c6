using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>A dense row-major tensor in device memory; begins at 256 bytes, and is rounded up to whole 256 bytes.</summary>
internal sealed class GpuTensor : Tensor
{
    private readonly GpuAllocation _memory;

    /// <summary>Allocates a tensor of zeros.</summary>
    /// <param name="device">Where.</param>
    /// <param name="type">F32, F16, BF16 or I32; I8 for an <see cref="Int8Matrix"/>.</param>
    /// <param name="shape">Dimensions, outermost first.</param>
    /// <param name="label">What for, in the report of the device's memory.</param>
    /// <exception cref="GpuException">There is too little memory.</exception>
    public GpuTensor(GpuDevice device, DType type, int[] shape, string label = "activations")
        : base(shape)
    {
        Type = type;
        _memory = device.Memory.Allocate(type == DType.I8 ? Int8Matrix.BytesOf(shape[0], shape[1]) : ElementCount * type.ByteSize(), label);
        device.Bind();
        CudaDriver.Check(CudaDriver.Fill(Address, 0, (nuint)_memory.Bytes, device.Stream.StreamPtr), "cuMemsetD8Async");
    }

    /// <summary>How elements are stored: F32, F16, BF16, I32, or I8 for an <see cref="Int8Matrix"/>.</summary>
    public DType Type { get; }

    public override long ByteCount => _memory.Bytes;

    /// <summary>Where the first element is on the device.</summary>
    public nint Address => _memory.Address;

    /// <summary>The elements, 16 bytes at a time.</summary>
    public ArrayView<Bits128> Vectors => _memory.Vectors;

    /// <summary>The elements of a float32 tensor.</summary>
    public ArrayView<float> Floats => Type == DType.F32
        ? Vectors.Cast<float>()
        : throw new InvalidOperationException($"The tensor holds {Type}.");

    /// <summary>The elements of a tensor of 32-bit integers.</summary>
    public ArrayView<int> Integers => Type == DType.I32
        ? Vectors.Cast<int>()
        : throw new InvalidOperationException($"The tensor holds {Type}.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _memory.Dispose();
        }
    }
}
