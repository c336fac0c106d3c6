using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>The special-function unit: one instruction where the exact function takes dozens.</summary>
internal static class Approximate
{
    /// <summary>2^x, within 2 units in the last place; 0 for −∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp2(float x)
    {
        CudaAsm.Emit("ex2.approx.f32 %0, %1;", out float y, x);
        return y;
    }

    /// <summary>log2 x: relative error below 2^−22, but absolute for x between ½ and 2; −∞ for 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Log2(float x)
    {
        CudaAsm.Emit("lg2.approx.f32 %0, %1;", out float y, x);
        return y;
    }

    /// <summary>1 / x, within 1 unit in the last place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Reciprocal(float x)
    {
        CudaAsm.Emit("rcp.approx.f32 %0, %1;", out float y, x);
        return y;
    }
}
