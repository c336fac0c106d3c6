using System.Runtime.InteropServices;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Sixteen bytes: what one thread moves with one instruction (LDG.128, STS.128, cp.async). Device memory is addressed in
/// these wherever bandwidth counts; it holds four float32 or eight 16-bit elements.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Bits128(uint x, uint y, uint z, uint w)
{
    public uint X = x;
    public uint Y = y;
    public uint Z = z;
    public uint W = w;
}

/// <summary>Eight bytes: four 16-bit elements.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Bits64(uint x, uint y)
{
    public uint X = x;
    public uint Y = y;
}
