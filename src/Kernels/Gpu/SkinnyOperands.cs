using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>A compiled form of the skinny product: its parameters are those of the kernel.</summary>
internal delegate void SkinnyLaunch(AcceleratorStream stream, KernelConfig configuration, ArrayView<Bits128> x, ArrayView<Bits128> weight, SkinnyOperands operands);

/// <summary>What a skinny product takes beside x and the weights, and where it goes.</summary>
internal struct SkinnyOperands
{
    /// <summary>The gains of a norm, float32 [inputs], where x is normalised.</summary>
    public ArrayView<Bits128> Gain;

    /// <summary>Its biases, float32 [inputs].</summary>
    public ArrayView<Bits128> Shift;

    /// <summary>float32 [outputs], or empty.</summary>
    public ArrayView<Bits128> Bias;

    /// <summary>y, [rows, outputs].</summary>
    public ArrayView<Bits128> Y;

    /// <summary>Rows of x and y.</summary>
    public int Rows;

    /// <summary>A row of x in eights of elements.</summary>
    public int Eights;

    /// <summary>Columns of y.</summary>
    public int Outputs;

    /// <summary>An output's bias; zero if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float LoadBias(int output) => Bias.Length > 0 ? Float32.LoadOne(Bias, output) : 0;

    /// <summary>Stores what becomes of a sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store<TFinish>(int row, int output, float sum)
        where TFinish : struct, ISkinnyFinish => TFinish.Store(Y, ((long)row * Outputs) + output, sum);
}
