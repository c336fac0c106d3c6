namespace Handwritten.Kernels.Cpu;

/// <summary>
/// A weight matrix [outputs, inputs] as the tile kernel wants to read it: panels of 32 outputs, each of them
/// [inputs][32], in the checkpoint's own element type. One product then walks through memory strictly forwards.
/// <code>
///     file:  row 0  : w[0,0] w[0,1] w[0,2] ...         panel 0:  w[0,0] w[1,0] ... w[31,0]
///            row 1  : w[1,0] w[1,1] w[1,2] ...                   w[0,1] w[1,1] ... w[31,1]
///            ...                                                 ...
///            row 32 : ...                              panel 1:  w[32,0] ...
/// </code>
/// A line of 16-bit weights is stored in pairs, w[0] w[16] w[1] w[17] ... w[15] w[31], so that a 32-bit word holds
/// columns c and c + 16: one load then feeds two vectors (see <see cref="HalfBits"/>). The last panel is filled up with
/// zeros.
/// </summary>
internal sealed unsafe class PackedMatrix : Tensor
{
    /// <summary>Outputs in one panel: two AVX-512 registers, or one cache line of 16-bit weights.</summary>
    public const int PanelWidth = 32;

    private readonly NativeBuffer _buffer;

    public PackedMatrix(int outputs, int inputs, DType type)
        : base([outputs, inputs])
    {
        (Outputs, Inputs, Type) = (outputs, inputs, type);
        Panels = (outputs + PanelWidth - 1) / PanelWidth;
        _buffer = new NativeBuffer(Panels * PanelBytes);
    }

    public int Outputs { get; }

    public int Inputs { get; }

    /// <summary>F32, F16 or BF16.</summary>
    public DType Type { get; }

    public int Panels { get; }

    public override long ByteCount => _buffer.ByteCount;

    public byte* Data => _buffer.Data;

    /// <summary>Bytes of one panel.</summary>
    public long PanelBytes => (long)Inputs * PanelWidth * Type.ByteSize();

    /// <summary>Where column <paramref name="column"/> is stored in a panel's line of 32.</summary>
    public static int Slot(int column, DType type) => type == DType.F32
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
                _ => ((float*)first)[(long)i * PanelWidth],
            };
        }
    }

    protected override void Dispose(bool disposing) => _buffer.Dispose();
}
