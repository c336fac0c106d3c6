namespace Handwritten.Kernels;

/// <summary>
/// A dense row-major tensor in the host's memory, as a file or a generator delivers it: the input of
/// <see cref="IKernels"/>'s load methods. It is a view; disposing it tells the owner that the bytes are no longer
/// needed (a memory-mapped file lets the pages go, a generator frees its buffer).
/// </summary>
public sealed unsafe class HostTensor : IDisposable
{
    private readonly byte* _data;
    private Action? _release;

    /// <summary>Wraps bytes that live at least until <see cref="Dispose"/>.</summary>
    /// <param name="name">The tensor's name, for messages.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Dimensions, outermost first.</param>
    /// <param name="data">First byte; may be unaligned.</param>
    /// <param name="release">Called once when the bytes are no longer needed.</param>
    public HostTensor(string name, DType type, int[] shape, byte* data, Action? release = null)
    {
        Name = name;
        Type = type;
        Shape = shape;
        _data = data;
        _release = release;
        ElementCount = 1;
        foreach (int dimension in shape)
        {
            ElementCount = checked(ElementCount * dimension);
        }
    }

    /// <summary>The tensor's name in its checkpoint.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public DType Type { get; }

    /// <summary>Dimensions, outermost first; empty for a scalar.</summary>
    public int[] Shape { get; }

    /// <summary>Product of the dimensions.</summary>
    public long ElementCount { get; }

    /// <summary>Bytes that the elements take.</summary>
    public long ByteCount => ElementCount * Type.ByteSize();

    /// <summary>First byte. Valid until <see cref="Dispose"/>.</summary>
    public byte* Data => _data;

    /// <summary>All bytes.</summary>
    /// <exception cref="OverflowException">The tensor is larger than 2 GiB; use <see cref="Data"/>.</exception>
    public ReadOnlySpan<byte> Bytes => new(_data, checked((int)ByteCount));

    /// <summary>Refuses what cannot be weights.</summary>
    /// <exception cref="InvalidDataException">The tensor holds integers.</exception>
    internal void RequireFloat()
    {
        if (!Type.IsFloatingPoint())
        {
            throw new InvalidDataException($"Tensor '{Name}' holds {Type} values; weights must be F64, F32, F16 or BF16.");
        }
    }

    /// <summary>Tells the owner that the bytes are no longer needed.</summary>
    public void Dispose()
    {
        _release?.Invoke();
        _release = null;
    }
}
