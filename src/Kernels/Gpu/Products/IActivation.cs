using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Gpu;

/// <summary>The function that a product's sums go through, as a policy that is compiled into a kernel.</summary>
internal interface IActivation
{
    /// <summary>The function.</summary>
    static abstract float Apply(float z);
}

/// <summary>z.</summary>
internal readonly struct Identity : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float z) => z;
}

/// <summary>
/// gelu(z) = z · Φ(z) = max(z, 0) − |z| · Φ(−|z|), the exact form. The tail of the normal distribution is
/// Φ(−a) = exp(−a²/2) · P(u), u = 1 / (1 + 0.35 a), where P varies so little that a polynomial of degree 7 without a constant
/// term follows it: interpolated at the Chebyshev points of [1 / (1 + 0.35 · 13), 1]. Largest error in float32: 1.3e-7.
/// </summary>
internal readonly struct Gelu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float z)
    {
        float a = MathF.Abs(z);
        float u = Approximate.Reciprocal(1 + (0.35f * a));
        float p = -0.19060983f + (0.046230857f * u);
        p = 0.22055416f + (p * u);
        p = 0.0015472048f + (p * u);
        p = 0.14620562f + (p * u);
        p = 0.13624671f + (p * u);
        p = 0.13982542f + (p * u);
        float tail = Approximate.Exp2(a * a * -0.72134752f) * (p * u); // exp(x) = 2^(x log2 e)
        return MathF.Max(z, 0) - (a * tail);
    }
}
