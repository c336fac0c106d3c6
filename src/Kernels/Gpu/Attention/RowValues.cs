using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// A number for each of the four rows of which a lane holds a part: g, g + 8, g + 16 and g + 24, where g is lane / 4.
/// </summary>
internal struct RowValues(float x0, float x1, float x2, float x3)
{
    public float X0 = x0;
    public float X1 = x1;
    public float X2 = x2;
    public float X3 = x3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowValues Max(RowValues a, RowValues b) => new(MathF.Max(a.X0, b.X0), MathF.Max(a.X1, b.X1), MathF.Max(a.X2, b.X2), MathF.Max(a.X3, b.X3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowValues Exp2(RowValues a) => new(FlushToZero.Exp2(a.X0), FlushToZero.Exp2(a.X1), FlushToZero.Exp2(a.X2), FlushToZero.Exp2(a.X3));

    /// <summary>The largest of what the four lanes have that share the rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly RowValues MaxOfFourLanes() =>
        new(WarpReduction.MaxOfFour(X0), WarpReduction.MaxOfFour(X1), WarpReduction.MaxOfFour(X2), WarpReduction.MaxOfFour(X3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowValues operator -(RowValues a, RowValues b) => new(a.X0 - b.X0, a.X1 - b.X1, a.X2 - b.X2, a.X3 - b.X3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowValues operator *(RowValues a, float b) => new(a.X0 * b, a.X1 * b, a.X2 * b, a.X3 * b);
}
