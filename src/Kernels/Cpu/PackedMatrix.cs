namespace Handwritten.Kernels.Cpu;

/// <summary>
/// A weight matrix [outputs, inputs] as the tile kernel wants to read it: panels of 32 outputs, each of them
/// [inputs][32], in the checkpoint's own element type or in int8. One product then walks through memory strictly forwards.
/// <code>
///     file:  row 0  : w[0,0] w[0,1] w[0,2] ...         panel 0:  w[0,0] w[1,0] ... w[31,0]
///            row 1  : w[1,0] w[1,1] w[1,2] ...                   w[0,1] w[1,1] ... w[31,1]
///            ...                                                 ...
///            row 32 : ...                              panel 1:  w[32,0] ...
/// </code>
/// A line of 16-bit weights is stored in pairs, w[0] w[16] w[1] w[17] ... w[15] w[31], so that a 32-bit word holds
/// columns c and c + 16: one load then feeds two vectors (see <see cref="HalfBits"/>). Int8 codes lie in order, half a cache
/// line for each line of 32, and their scales by themselves (see <see cref="Int8Quantization"/>). The last panel is filled up
/// with zeros.
/// </summary>
internal sealed unsafe class PackedMatrix : Tensor
{
    /// <summary>Outputs in one panel: two AVX-512 registers, or one cache line of 16-bit weights.</summary>
    public const int PanelWidth = 32;

    private readonly NativeBuffer _buffer;
    private readonly NativeBuffer? _scales;

    public PackedMatrix(int outputs, int inputs, DType type)
        : base([outputs, inputs])
    {
        (Outputs, Inputs, Type) = (outputs, inputs, type);
        Panels = (outputs + PanelWidth - 1) / PanelWidth;
        _buffer = new NativeBuffer(Panels * PanelBytes);
        _scales = type == DType.I8 ? new NativeBuffer((long)Panels * PanelWidth * sizeof(float)) : null;
    }

    public int Outputs { get; }

    public int Inputs { get; }

    /// <summary>F32, F16, BF16 or I8.</summary>
    public DType Type { get; }

    public int Panels { get; }

    public override long ByteCount => _buffer.ByteCount + (_scales?.ByteCount ?? 0);

    public byte* Data => _buffer.Data;

    /// <summary>What each output's codes are multiplied with, filled up to whole panels; null for other types.</summary>
    public float* Scales => _scales is null ? null : _scales.Floats;

    /// <summary>Bytes of one panel.</summary>
    public long PanelBytes => (long)Inputs * PanelWidth * Type.ByteSize();

    /// <summary>Where column <paramref name="column"/> is stored in a panel's line of 32.</summary>
    public static int Slot(int column, DType type) => type is DType.F32 or DType.I8
        ? column
        : (2 * (column % (PanelWidth / 2))) + (column / (PanelWidth / 2));

    /// <summary>Reads one output's weights back, as float32.</summary>
    public void CopyRow(int output, float* destination)
    {
        byte* first = Data + ((output / PanelWidth) * PanelBytes) + ((long)Slot(output % PanelWidth, Type) * Type.ByteSize());
        for (int i = 0; i < Inputs; i++)
        {
            destination[i] = Type switch
            {
                DType.F16 => (float)((Half*)first)[(long)i * PanelWidth],
                DType.BF16 => BitConverter.Int32BitsToSingle(((ushort*)first)[(long)i * PanelWidth] << 16),
                DType.I8 => ((sbyte*)first)[(long)i * PanelWidth] * Scales[output],
                _ => ((float*)first)[(long)i * PanelWidth],
            };
        }
    }

    protected override void Dispose(bool disposing)
    {
        _buffer.Dispose();
        _scales?.Dispose();
    }
}
