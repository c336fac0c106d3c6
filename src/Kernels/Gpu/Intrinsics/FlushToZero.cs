using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// The special-function unit where numbers below 2^−126 may count as 0: it knows no others, and what <see cref="Approximate"/>
/// does for them takes three more instructions each time.
/// </summary>
internal static class FlushToZero
{
    /// <summary>2^x, within 2 units in the last place; 0 for −∞ and wherever the result would be below 2^−126.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp2(float x)
    {
        CudaAsm.Emit("ex2.approx.ftz.f32 %0, %1;", out float y, x);
        return y;
    }
}
