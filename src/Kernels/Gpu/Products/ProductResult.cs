using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>Where a product goes: y[row, :] = activation(sums + bias) + addend[row % addendRows, :].</summary>
internal struct ProductResult
{
    /// <summary>y, [rows, outputs].</summary>
    public ArrayView<Bits128> Y;

    /// <summary>float32 [outputs], or empty.</summary>
    public ArrayView<Bits128> Bias;

    /// <summary>float32 [addend rows, outputs], or empty: y itself, or a table that repeats.</summary>
    public ArrayView<Bits128> Addend;

    /// <summary>Rows after which the addend begins anew.</summary>
    public int AddendRows;

    /// <summary>Rows of y.</summary>
    public int Rows;

    /// <summary>Columns of y.</summary>
    public int Outputs;
}
