using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Eight neighbouring elements of a row in a thread's registers, as float32: the unit in which kernels that are bound by
/// memory read and write rows of any element type.
/// </summary>
internal struct Eight(float x0, float x1, float x2, float x3, float x4, float x5, float x6, float x7)
{
    public float X0 = x0;
    public float X1 = x1;
    public float X2 = x2;
    public float X3 = x3;
    public float X4 = x4;
    public float X5 = x5;
    public float X6 = x6;
    public float X7 = x7;

    /// <summary>Σ Xᵢ, in pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float Sum() => ((X0 + X1) + (X2 + X3)) + ((X4 + X5) + (X6 + X7));

    /// <summary>a + b, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight operator +(Eight a, Eight b) =>
        new(a.X0 + b.X0, a.X1 + b.X1, a.X2 + b.X2, a.X3 + b.X3, a.X4 + b.X4, a.X5 + b.X5, a.X6 + b.X6, a.X7 + b.X7);

    /// <summary>a · b, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight operator *(Eight a, Eight b) =>
        new(a.X0 * b.X0, a.X1 * b.X1, a.X2 * b.X2, a.X3 * b.X3, a.X4 * b.X4, a.X5 * b.X5, a.X6 * b.X6, a.X7 * b.X7);

    /// <summary>The vector scaled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight operator *(Eight a, float b) =>
        new(a.X0 * b, a.X1 * b, a.X2 * b, a.X3 * b, a.X4 * b, a.X5 * b, a.X6 * b, a.X7 * b);

    /// <summary>The vector with a number taken off each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight operator -(Eight a, float b) =>
        new(a.X0 - b, a.X1 - b, a.X2 - b, a.X3 - b, a.X4 - b, a.X5 - b, a.X6 - b, a.X7 - b);

    /// <summary>Σ aᵢ bᵢ, in pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot(Eight a, Eight b) => (a * b).Sum();
}
