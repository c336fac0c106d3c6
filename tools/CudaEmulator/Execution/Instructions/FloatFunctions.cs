using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

// Functions that the hardware approximates. They are computed in double and rounded to float: nearly always the correctly
// rounded value, from which the hardware's is off by a few units in the last place.

/// <summary>A function of doubles.</summary>
internal interface IDoubleFunction
{
    static abstract Vector512<double> Apply(Vector512<double> x);
}

/// <summary>A function of floats by way of doubles.</summary>
internal readonly struct ThroughDouble<TFunction> : IUnary<float>
    where TFunction : struct, IDoubleFunction
{
    public static Vector512<float> Apply(Vector512<float> a)
    {
        (Vector512<double> low, Vector512<double> high) = Vector512.Widen(a);
        return Vector512.Narrow(TFunction.Apply(low), TFunction.Apply(high));
    }
}

/// <summary>2^x = 2^n * e^(f ln 2), n the nearest integer and |f| at most 1/2, where the exponential series soon ends.</summary>
internal readonly struct PowerOfTwo : IDoubleFunction
{
    public static Vector512<double> Apply(Vector512<double> x)
    {
        Vector512<double> clamped = Vector512.Min(Vector512.Max(x, Vector512.Create(-1000.0)), Vector512.Create(1000.0));
        Vector512<double> whole = Vector512.Round(clamped);
        Vector512<double> y = (clamped - whole) * Vector512.Create(0.69314718055994530942);
        Vector512<double> sum = Vector512.Create(1.0 / 479001600);
        foreach (double inverse in (ReadOnlySpan<double>)[1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1])
        {
            sum = Vector512.FusedMultiplyAdd(sum, y, Vector512.Create(inverse));
        }

        Vector512<long> scale = (Vector512.ConvertToInt64(whole) + Vector512.Create(1023L)) << 52;
        return sum * scale.AsDouble();
    }
}

internal readonly struct LogarithmOfTwo : IDoubleFunction { public static Vector512<double> Apply(Vector512<double> x) => Vector512.Log2(x); }
internal readonly struct Sine : IDoubleFunction { public static Vector512<double> Apply(Vector512<double> x) => Vector512.Sin(x); }
internal readonly struct Cosine : IDoubleFunction { public static Vector512<double> Apply(Vector512<double> x) => Vector512.Cos(x); }
internal readonly struct InverseSquareRoot : IDoubleFunction { public static Vector512<double> Apply(Vector512<double> x) => Vector512<double>.One / Vector512.Sqrt(x); }

/// <summary>tanh x = 1 - 2 / (1 + e^2x); near 0, where that cancels, by its series.</summary>
internal readonly struct HyperbolicTangent : IDoubleFunction
{
    public static Vector512<double> Apply(Vector512<double> x)
    {
        Vector512<double> power = PowerOfTwo.Apply(x * Vector512.Create(2 * 1.44269504088896340736));
        Vector512<double> whole = Vector512<double>.One - Vector512.Create(2.0) / (Vector512<double>.One + power);
        Vector512<double> square = x * x;
        Vector512<double> series = x * (Vector512<double>.One + square * (Vector512.Create(-1.0 / 3) + square * Vector512.Create(2.0 / 15)));
        return Vector512.ConditionalSelect(Vector512.LessThan(Vector512.Abs(x), Vector512.Create(0.01)), series, whole);
    }
}

/// <summary>rcp, sqrt, rsqrt, ex2, lg2, sin, cos, tanh, testp, copysign.</summary>
internal static unsafe class FloatFunctions
{
    public static readonly InstructionTable Table = new()
    {
        ["rcp"] = e => Root<Reciprocal<float>, Reciprocal<double>, ReciprocalWithError>(e),
        ["sqrt"] = e => Root<SquareRoot<float>, SquareRoot<double>, SquareRootWithError>(e),
        ["rsqrt"] = e => Approximate<InverseSquareRoot>(e, hasDouble: true),
        ["ex2"] = e => Approximate<PowerOfTwo>(e),
        ["lg2"] = e => Approximate<LogarithmOfTwo>(e),
        ["sin"] = e => Approximate<Sine>(e),
        ["cos"] = e => Approximate<Cosine>(e),
        ["tanh"] = e => Approximate<HyperbolicTangent>(e),
        ["testp"] = Test,
        ["copysign"] = CopySign,
    };

    private static void Root<TSingle, TDouble, TWithError>(Emitter e)
        where TSingle : struct, IUnary<float>
        where TDouble : struct, IUnary<double>
        where TWithError : struct, IWithError
    {
        e.Take("approx");
        Rounding rounding = Arithmetic.TakeRounding(e) ?? Rounding.Nearest;
        bool ftz = e.Take("ftz");
        PtxType type = e.TakeType();
        Arithmetic.EmitUnary(e, (type, rounding) switch
        {
            (PtxType.F32, Rounding.Nearest) => FloatHandlers.Unary<TSingle>(ftz, false),
            (PtxType.F32, _) when !ftz => DirectedHandlers.Single<TWithError>(rounding, 1),
            (PtxType.F64, Rounding.Nearest) => &Lanes.Unary<double, TDouble>,
            (PtxType.F64, _) when !ftz => DirectedHandlers.Double<TWithError>(rounding, 1),
            _ => throw e.Unsupported(),
        }, type);
    }

    private static void Approximate<TFunction>(Emitter e, bool hasDouble = false)
        where TFunction : struct, IDoubleFunction
    {
        if (!e.Take("approx"))
        {
            throw e.Unsupported();
        }

        bool ftz = e.Take("ftz");
        PtxType type = e.TakeType();
        if (e.Instruction.Opcode == "tanh" && ftz)
        {
            throw e.Error($"modifier '.ftz' is not allowed for instruction 'tanh'");
        }

        if (e.Instruction.Opcode == "tanh" || (e.Instruction.Opcode == "ex2" && type != PtxType.F32))
        {
            e.Require(75);
        }

        Arithmetic.EmitUnary(e, type switch
        {
            PtxType.F32 => FloatHandlers.Unary<ThroughDouble<TFunction>>(ftz, false),
            PtxType.F64 when hasDouble => &Lanes.Unary<double, DoubleFunction<TFunction>>,
            PtxType.F16 or PtxType.F16x2 => HalfHandlers.Unary<ThroughDouble<TFunction>>(isBFloat: false),
            PtxType.BF16 or PtxType.BF16x2 => HalfHandlers.Unary<ThroughDouble<TFunction>>(isBFloat: true),
            _ => throw e.Unsupported(),
        }, type);
    }

    private readonly struct DoubleFunction<TFunction> : IUnary<double>
        where TFunction : struct, IDoubleFunction
    {
        public static Vector512<double> Apply(Vector512<double> a) => TFunction.Apply(a);
    }

    private static void Test(Emitter e)
    {
        string kind = e.TakeAny("finite", "infinite", "number", "notanumber", "normal", "subnormal") ?? throw e.Unsupported();
        PtxType type = e.TakeType();
        e.Expect(2);
        e.Emit(type switch
        {
            PtxType.F32 => &TestEach<float>,
            PtxType.F64 => &TestEach<double>,
            _ => throw e.Unsupported(),
        }, e.PredicateDestination(), e.Source(1, type), constant: kind[0] + kind[2]);
    }

    private static Op* TestEach<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        uint hits = 0;
        for (int lane = 0; lane < Lanes.Count; lane++)
        {
            T value = Lanes.Read<T>(f + op->A, lane);
            bool hit = op->Constant switch
            {
                'f' + 'n' => T.IsFinite(value),
                'i' + 'f' => T.IsInfinity(value),
                'n' + 'm' => !T.IsNaN(value),
                'n' + 't' => T.IsNaN(value),
                'n' + 'r' => T.IsNormal(value),
                _ => T.IsSubnormal(value),
            };
            hits |= hit ? 1u << lane : 0;
        }

        Lanes.StorePredicate(hits, f + op->D, mask);
        return op + 1;
    }

    // copysign d, a, b: the sign of a, the magnitude of b.
    private static void CopySign(Emitter e)
    {
        PtxType type = e.TakeType();
        Arithmetic.EmitBinary(e, type switch
        {
            PtxType.F32 => &Lanes.Binary<float, SignOfFirst<float>>,
            PtxType.F64 => &Lanes.Binary<double, SignOfFirst<double>>,
            _ => throw e.Unsupported(),
        }, type);
    }

    private readonly struct SignOfFirst<T> : IBinary<T>
    {
        public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => typeof(T) == typeof(double)
            ? Vector512.CopySign(b.AsDouble(), a.AsDouble()).As<double, T>()
            : Vector512.CopySign(b.AsSingle(), a.AsSingle()).As<float, T>();
    }
}
