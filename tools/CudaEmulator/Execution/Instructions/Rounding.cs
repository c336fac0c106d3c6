namespace Handwritten.CudaEmulator.Execution;

/// <summary>.rn .rz .rm .rp: which neighbour an inexact result becomes.</summary>
internal enum Rounding
{
    Nearest,
    Zero,
    Down,
    Up,
}

// Arithmetic that rounds towards zero, down or up. The processor computes to nearest, and the error of that result, which can
// be computed too (two-sum, or a fused multiply-add), tells whether the neighbour is the one that is wanted.

/// <summary>An operation that tells how far its result is from the exact one; of the error only the sign needs to be right.</summary>
internal interface IWithError
{
    static abstract (double Value, double Error) Compute(double a, double b, double c);
}

internal readonly struct AddWithError : IWithError
{
    public static (double Value, double Error) Compute(double a, double b, double c)
    {
        double sum = a + b;
        double part = sum - a;
        return (sum, (a - (sum - part)) + (b - part));
    }
}

internal readonly struct SubtractWithError : IWithError
{
    public static (double Value, double Error) Compute(double a, double b, double c) => AddWithError.Compute(a, -b, 0);
}

internal readonly struct MultiplyWithError : IWithError
{
    public static (double Value, double Error) Compute(double a, double b, double c) => (a * b, Math.FusedMultiplyAdd(a, b, -(a * b)));
}

internal readonly struct DivideWithError : IWithError
{
    public static (double Value, double Error) Compute(double a, double b, double c)
    {
        double quotient = a / b;
        double rest = Math.FusedMultiplyAdd(-quotient, b, a);
        return (quotient, b < 0 ? -rest : rest);
    }
}

internal readonly struct ReciprocalWithError : IWithError
{
    public static (double Value, double Error) Compute(double a, double b, double c) => DivideWithError.Compute(1, a, 0);
}

internal readonly struct SquareRootWithError : IWithError
{
    public static (double Value, double Error) Compute(double a, double b, double c) =>
        (Math.Sqrt(a), Math.FusedMultiplyAdd(-Math.Sqrt(a), Math.Sqrt(a), a));
}

internal readonly struct FusedWithError : IWithError
{
    public static (double Value, double Error) Compute(double a, double b, double c)
    {
        double value = Math.FusedMultiplyAdd(a, b, c);
        (double product, double productError) = MultiplyWithError.Compute(a, b, 0);
        (double sum, double sumError) = AddWithError.Compute(product, c, 0);
        return (value, (sum - value) + (sumError + productError));
    }
}

/// <summary>A direction.</summary>
internal interface IDirection
{
    /// <summary>The wanted neighbour of a result rounded to nearest; <paramref name="error"/> is exact minus result.</summary>
    static abstract T Round<T>(T nearest, double error)
        where T : System.Numerics.IFloatingPointIeee754<T>;
}

internal readonly struct ToNearest : IDirection
{
    public static T Round<T>(T nearest, double error)
        where T : System.Numerics.IFloatingPointIeee754<T> => nearest;
}

internal readonly struct ToZero : IDirection
{
    public static T Round<T>(T nearest, double error)
        where T : System.Numerics.IFloatingPointIeee754<T> =>
        nearest > T.Zero && error < 0 ? T.BitDecrement(nearest) : nearest < T.Zero && error > 0 ? T.BitIncrement(nearest) : nearest;
}

internal readonly struct ToDown : IDirection
{
    public static T Round<T>(T nearest, double error)
        where T : System.Numerics.IFloatingPointIeee754<T> => error < 0 ? T.BitDecrement(nearest) : nearest;
}

internal readonly struct ToUp : IDirection
{
    public static T Round<T>(T nearest, double error)
        where T : System.Numerics.IFloatingPointIeee754<T> => error > 0 ? T.BitIncrement(nearest) : nearest;
}

/// <summary>An operation on floats in a direction; through double, in which only sums and quotients are inexact.</summary>
internal readonly struct DirectedSingle<TOp, TDirection> : IMap<float, float>, IMap2<float, float>, IMap3<float, float>
    where TOp : struct, IWithError
    where TDirection : struct, IDirection
{
    public static float Apply(float a) => Apply(a, 0, 0);

    public static float Apply(float a, float b) => Apply(a, b, 0);

    public static float Apply(float a, float b, float c)
    {
        (double value, double error) = TOp.Compute(a, b, c);
        float nearest = (float)value;
        double rest = value - nearest;
        return float.IsNaN(nearest) ? BitConverter.UInt32BitsToSingle(0x7fffffff) : TDirection.Round(nearest, rest != 0 ? rest : error);
    }
}

/// <summary>An operation on doubles in a direction.</summary>
internal readonly struct DirectedDouble<TOp, TDirection> : IMap<double, double>, IMap2<double, double>, IMap3<double, double>
    where TOp : struct, IWithError
    where TDirection : struct, IDirection
{
    public static double Apply(double a) => Apply(a, 0, 0);

    public static double Apply(double a, double b) => Apply(a, b, 0);

    public static double Apply(double a, double b, double c)
    {
        (double value, double error) = TOp.Compute(a, b, c);
        return TDirection.Round(value, error);
    }
}

/// <summary>Chooses the handlers of operations with directed rounding.</summary>
internal static unsafe class DirectedHandlers
{
    /// <summary>The handler of an operation of one to three operands on floats.</summary>
    public static Handler Single<TOp>(Rounding rounding, int operands)
        where TOp : struct, IWithError => rounding switch
        {
            Rounding.Down => Single<TOp, ToDown>(operands),
            Rounding.Up => Single<TOp, ToUp>(operands),
            Rounding.Zero => Single<TOp, ToZero>(operands),
            _ => Single<TOp, ToNearest>(operands),
        };

    /// <summary>The handler of an operation of one to three operands on doubles.</summary>
    public static Handler Double<TOp>(Rounding rounding, int operands)
        where TOp : struct, IWithError => rounding switch
        {
            Rounding.Down => Double<TOp, ToDown>(operands),
            Rounding.Up => Double<TOp, ToUp>(operands),
            Rounding.Zero => Double<TOp, ToZero>(operands),
            _ => Double<TOp, ToNearest>(operands),
        };

    private static Handler Single<TOp, TDirection>(int operands)
        where TOp : struct, IWithError
        where TDirection : struct, IDirection => operands switch
        {
            1 => &Lanes.Map<float, float, DirectedSingle<TOp, TDirection>>,
            2 => &Lanes.Map2<float, float, DirectedSingle<TOp, TDirection>>,
            _ => &Lanes.Map3<float, float, DirectedSingle<TOp, TDirection>>,
        };

    private static Handler Double<TOp, TDirection>(int operands)
        where TOp : struct, IWithError
        where TDirection : struct, IDirection => operands switch
        {
            1 => &Lanes.Map<double, double, DirectedDouble<TOp, TDirection>>,
            2 => &Lanes.Map2<double, double, DirectedDouble<TOp, TDirection>>,
            _ => &Lanes.Map3<double, double, DirectedDouble<TOp, TDirection>>,
        };
}
