namespace Handwritten.Kernels.Cpu;

/// <summary>Row-major float32 in native memory: activations, biases and tables. Rounded up to whole panels of zeros.</summary>
internal sealed unsafe class DenseTensor : Tensor
{
    private readonly NativeBuffer _buffer;

    public DenseTensor(int[] shape)
        : base(shape)
    {
        long padded = (ElementCount + PackedMatrix.PanelWidth - 1) / PackedMatrix.PanelWidth * PackedMatrix.PanelWidth;
        _buffer = new NativeBuffer(padded * sizeof(float));
    }

    public override long ByteCount => _buffer.ByteCount;

    public float* Data => _buffer.Floats;

    protected override void Dispose(bool disposing) => _buffer.Dispose();
}
