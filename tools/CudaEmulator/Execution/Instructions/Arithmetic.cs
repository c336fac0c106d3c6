using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>Instructions that most types have: add, sub, min, max, abs, neg, div, rem.</summary>
internal static unsafe class Arithmetic
{
    public static readonly InstructionTable Table = new()
    {
        ["add"] = e => Binary<Add<float>, Add<double>, Add<ushort>, Add<uint>, Add<ulong>, AddSaturating, AddWithError>(e),
        ["sub"] = e => Binary<Subtract<float>, Subtract<double>, Subtract<ushort>, Subtract<uint>, Subtract<ulong>, SubtractSaturating, SubtractWithError>(e),
        ["min"] = e => Extremum(e, isMinimum: true),
        ["max"] = e => Extremum(e, isMinimum: false),
        ["abs"] = Absolute,
        ["neg"] = Negative,
        ["div"] = Division,
        ["rem"] = Remainder,
    };

    /// <summary>Takes .rn, .rz, .rm or .rp.</summary>
    public static Rounding? TakeRounding(Emitter e) => e.TakeAny("rn", "rz", "rm", "rp") switch
    {
        "rn" => Rounding.Nearest,
        "rz" => Rounding.Zero,
        "rm" => Rounding.Down,
        "rp" => Rounding.Up,
        _ => null,
    };

    // One file of operators has the vectors' side, IntegerOperators, FloatOperators and HalfFormats; here is who uses which.

    /// <summary>d = op(a, b) on values of one type.</summary>
    public static void EmitBinary(Emitter e, Handler handler, PtxType type)
    {
        e.Expect(3);
        int bytes = type.ByteSize();
        e.Emit(handler, e.Destination(0, bytes), e.Source(1, type), e.Source(2, type));
    }

    /// <summary>d = op(a) on values of one type.</summary>
    public static void EmitUnary(Emitter e, Handler handler, PtxType type)
    {
        e.Expect(2);
        e.Emit(handler, e.Destination(0, type.ByteSize()), e.Source(1, type));
    }

    // The type parameters are the same operator on several types.
    private static void Binary<TFloat, TDouble, T16, T32, T64, TSaturating, TWithError>(Emitter e)
        where TFloat : struct, IBinary<float>
        where TDouble : struct, IBinary<double>
        where T16 : struct, IBinary<ushort>
        where T32 : struct, IBinary<uint>
        where T64 : struct, IBinary<ulong>
        where TSaturating : struct, IBinary<int>
        where TWithError : struct, IWithError
    {
        if (e.Modifiers.Contains("cc"))
        {
            CarryArithmetic.AddOrSubtract(e);
            return;
        }

        Rounding rounding = TakeRounding(e) ?? Rounding.Nearest;
        (bool ftz, bool sat) = (e.Take("ftz"), e.Take("sat"));
        PtxType type = e.TakeType();
        EmitBinary(e, (type, ftz, sat) switch
        {
            (PtxType.F32, false, false) when rounding != Rounding.Nearest => DirectedHandlers.Single<TWithError>(rounding, 2),
            (PtxType.F32, _, _) when rounding == Rounding.Nearest => FloatHandlers.Binary<TFloat>(ftz, sat),
            (PtxType.F64, false, false) when rounding != Rounding.Nearest => DirectedHandlers.Double<TWithError>(rounding, 2),
            (PtxType.F64, false, false) => &Lanes.Binary<double, TDouble>,
            (PtxType.F16 or PtxType.F16x2, _, _) when rounding == Rounding.Nearest => HalfHandlers.Binary<TFloat>(false, sat, ftz),
            (PtxType.BF16 or PtxType.BF16x2, false, false) when rounding == Rounding.Nearest => HalfHandlers.Binary<TFloat>(true, false),
            (PtxType.U16 or PtxType.S16, false, false) => &Lanes.Binary<ushort, T16>,
            (PtxType.S32, false, true) => &Lanes.Binary<int, TSaturating>,
            (PtxType.U32 or PtxType.S32, false, false) => &Lanes.Binary<uint, T32>,
            (PtxType.U64 or PtxType.S64, false, false) => &Lanes.Binary<ulong, T64>,
            _ => throw e.Unsupported(),
        }, type);
    }

    private static void Extremum(Emitter e, bool isMinimum)
    {
        (bool ftz, bool nan, bool relu) = (e.Take("ftz"), e.Take("NaN"), e.Take("relu"));
        PtxType type = e.TakeType();
        if (relu || (ftz && type != PtxType.F32) || (nan && !type.IsFloat()))
        {
            throw e.Unsupported();
        }

        bool isBFloat = type is PtxType.BF16 or PtxType.BF16x2;
        EmitBinary(e, (type, isMinimum) switch
        {
            (PtxType.U16, true) => &Lanes.Binary<ushort, Minimum<ushort>>,
            (PtxType.U16, false) => &Lanes.Binary<ushort, Maximum<ushort>>,
            (PtxType.S16, true) => &Lanes.Binary<short, Minimum<short>>,
            (PtxType.S16, false) => &Lanes.Binary<short, Maximum<short>>,
            (PtxType.U32, true) => &Lanes.Binary<uint, Minimum<uint>>,
            (PtxType.U32, false) => &Lanes.Binary<uint, Maximum<uint>>,
            (PtxType.S32, true) => &Lanes.Binary<int, Minimum<int>>,
            (PtxType.S32, false) => &Lanes.Binary<int, Maximum<int>>,
            (PtxType.U64, true) => &Lanes.Binary<ulong, Minimum<ulong>>,
            (PtxType.U64, false) => &Lanes.Binary<ulong, Maximum<ulong>>,
            (PtxType.S64, true) => &Lanes.Binary<long, Minimum<long>>,
            (PtxType.S64, false) => &Lanes.Binary<long, Maximum<long>>,
            (PtxType.F32, true) => nan ? FloatHandlers.Binary<FloatMinimumOrNaN<float>>(ftz, false) : FloatHandlers.Binary<FloatMinimum<float>>(ftz, false),
            (PtxType.F32, false) => nan ? FloatHandlers.Binary<FloatMaximumOrNaN<float>>(ftz, false) : FloatHandlers.Binary<FloatMaximum<float>>(ftz, false),
            (PtxType.F64, true) => &Lanes.Binary<double, FloatMinimum<double>>,
            (PtxType.F64, false) => &Lanes.Binary<double, FloatMaximum<double>>,
            (PtxType.F16 or PtxType.F16x2 or PtxType.BF16 or PtxType.BF16x2, true) => nan
                ? HalfHandlers.Binary<FloatMinimumOrNaN<float>>(isBFloat, false) : HalfHandlers.Binary<FloatMinimum<float>>(isBFloat, false),
            (PtxType.F16 or PtxType.F16x2 or PtxType.BF16 or PtxType.BF16x2, false) => nan
                ? HalfHandlers.Binary<FloatMaximumOrNaN<float>>(isBFloat, false) : HalfHandlers.Binary<FloatMaximum<float>>(isBFloat, false),
            _ => throw e.Unsupported(),
        }, type);
    }

    private static void Absolute(Emitter e)
    {
        bool ftz = e.Take("ftz");
        PtxType type = e.TakeType();
        EmitUnary(e, (type, ftz) switch
        {
            (PtxType.S16, false) => &Lanes.Unary<short, Absolute<short>>,
            (PtxType.S32, false) => &Lanes.Unary<int, Absolute<int>>,
            (PtxType.S64, false) => &Lanes.Unary<long, Absolute<long>>,
            (PtxType.F32, true) => FloatHandlers.Unary<FloatAbsolute<float>>(true, false),
            (PtxType.F32, false) => &Lanes.Unary<float, FloatAbsolute<float>>,
            (PtxType.F64, false) => &Lanes.Unary<double, FloatAbsolute<double>>,
            (PtxType.F16 or PtxType.F16x2 or PtxType.BF16 or PtxType.BF16x2, false) => &Lanes.Unary<uint, HalfAbsolute>,
            _ => throw e.Unsupported(),
        }, type);
    }

    private static void Negative(Emitter e)
    {
        bool ftz = e.Take("ftz");
        PtxType type = e.TakeType();
        EmitUnary(e, (type, ftz) switch
        {
            (PtxType.S16, false) => &Lanes.Unary<short, Negate<short>>,
            (PtxType.S32, false) => &Lanes.Unary<int, Negate<int>>,
            (PtxType.S64, false) => &Lanes.Unary<long, Negate<long>>,
            (PtxType.F32, true) => FloatHandlers.Unary<FloatNegate<float>>(true, false),
            (PtxType.F32, false) => &Lanes.Unary<float, FloatNegate<float>>,
            (PtxType.F64, false) => &Lanes.Unary<double, FloatNegate<double>>,
            (PtxType.F16 or PtxType.F16x2 or PtxType.BF16 or PtxType.BF16x2, false) => &Lanes.Unary<uint, HalfNegate>,
            _ => throw e.Unsupported(),
        }, type);
    }

    // div.approx and div.full are as exact as div.rn here; the hardware's error is at most 2 ulp.
    private static void Division(Emitter e)
    {
        bool approximate = e.TakeAny("approx", "full") is not null;
        Rounding rounding = TakeRounding(e) ?? Rounding.Nearest;
        bool ftz = e.Take("ftz");
        PtxType type = e.TakeType();
        if (ftz && type != PtxType.F32)
        {
            throw e.Unsupported();
        }

        EmitBinary(e, type switch
        {
            PtxType.U16 => &Lanes.Map2<ushort, ushort, Divide<ushort>>,
            PtxType.S16 => &Lanes.Map2<short, short, Divide<short>>,
            PtxType.U32 => &Lanes.Map2<uint, uint, Divide<uint>>,
            PtxType.S32 => &Lanes.Map2<int, int, Divide<int>>,
            PtxType.U64 => &Lanes.Map2<ulong, ulong, Divide<ulong>>,
            PtxType.S64 => &Lanes.Map2<long, long, Divide<long>>,
            PtxType.F32 when approximate || rounding == Rounding.Nearest => FloatHandlers.Binary<FloatDivide<float>>(ftz, false),
            PtxType.F32 when !ftz => DirectedHandlers.Single<DivideWithError>(rounding, 2),
            PtxType.F64 when rounding == Rounding.Nearest => &Lanes.Binary<double, FloatDivide<double>>,
            PtxType.F64 => DirectedHandlers.Double<DivideWithError>(rounding, 2),
            _ => throw e.Unsupported(),
        }, type);
    }

    private static void Remainder(Emitter e)
    {
        PtxType type = e.TakeType();
        EmitBinary(e, type switch
        {
            PtxType.U16 => &Lanes.Map2<ushort, ushort, Remainder<ushort>>,
            PtxType.S16 => &Lanes.Map2<short, short, Remainder<short>>,
            PtxType.U32 => &Lanes.Map2<uint, uint, Remainder<uint>>,
            PtxType.S32 => &Lanes.Map2<int, int, Remainder<int>>,
            PtxType.U64 => &Lanes.Map2<ulong, ulong, Remainder<ulong>>,
            PtxType.S64 => &Lanes.Map2<long, long, Remainder<long>>,
            _ => throw e.Unsupported(),
        }, type);
    }
}
