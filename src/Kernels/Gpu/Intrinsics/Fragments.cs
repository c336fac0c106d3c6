using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A 16 x 16 tile of 16-bit elements as mma.sync takes its first factor: four registers a lane, two elements each. Lane l
/// holds, with g = l / 4 and t = l % 4, of row and columns:
/// <code>
///     X0: g,     2t and 2t + 1        X2: g,     2t + 8 and 2t + 9
///     X1: g + 8, 2t and 2t + 1        X3: g + 8, 2t + 8 and 2t + 9
/// </code>
/// Source: PTX ISA, matrix fragments for mma.m16n8k16.
/// </summary>
internal struct FragmentA
{
    public Ref<uint> X0;
    public Ref<uint> X1;
    public Ref<uint> X2;
    public Ref<uint> X3;
}

/// <summary>
/// A tile of 16 (k) x 8 (n) elements as mma.sync takes its second factor. Lane l holds, with g = l / 4 and t = l % 4, of
/// column g: X0 the rows 2t and 2t + 1, X1 the rows 2t + 8 and 2t + 9.
/// </summary>
internal struct FragmentB
{
    public Ref<uint> X0;
    public Ref<uint> X1;
}

/// <summary>
/// A 16 x 8 tile of float32 sums. Lane l holds, with g = l / 4 and t = l % 4: X0 and X1 are row g, columns 2t and 2t + 1;
/// X2 and X3 the same columns of row g + 8.
/// </summary>
internal struct Accumulator
{
    public Ref<float> X0;
    public Ref<float> X1;
    public Ref<float> X2;
    public Ref<float> X3;
}
