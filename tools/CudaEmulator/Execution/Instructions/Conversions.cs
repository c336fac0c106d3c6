using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// cvt. Integers are in <see cref="IntegerConversions"/>, what goes from or to floating point here. Half formats go through
/// float, one step before or after the rest.
/// </summary>
internal static unsafe class Conversions
{
    public static readonly InstructionTable Table = new()
    {
        ["cvt"] = Convert,
    };

    /// <summary>d = a, extended to 64 bits.</summary>
    public static Op* Widen<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged
    {
        byte* d = f + op->D, a = f + op->A;
        for (int part = 0; part < 2; part++)
        {
            if (typeof(T) == typeof(float))
            {
                (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Lanes.Load<float>(a, part));
                Lanes.Store64(low, d, 2 * part, mask);
                Lanes.Store64(high, d, 2 * part + 1, mask);
            }
            else if (typeof(T) == typeof(int))
            {
                (Vector512<long> low, Vector512<long> high) = Vector512.Widen(Lanes.Load<int>(a, part));
                Lanes.Store64(low, d, 2 * part, mask);
                Lanes.Store64(high, d, 2 * part + 1, mask);
            }
            else
            {
                (Vector512<ulong> low, Vector512<ulong> high) = Vector512.Widen(Lanes.Load<uint>(a, part));
                Lanes.Store64(low, d, 2 * part, mask);
                Lanes.Store64(high, d, 2 * part + 1, mask);
            }
        }

        return op + 1;
    }

    private static void Convert(Emitter e)
    {
        string? rounding = e.TakeAny("rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi", "rna");
        (bool ftz, bool sat, bool relu) = (e.Take("ftz"), e.Take("sat"), e.Take("relu"));
        e.Take("satfinite");
        PtxType to = e.TakeType();
        PtxType from = e.TakeType();
        if (to is PtxType.F16x2 or PtxType.BF16x2)
        {
            PackTwo(e, to, from, rounding, relu);
            return;
        }

        e.Expect(2);
        int d = e.Destination(0, to.ByteSize(), out bool wide);
        int a = SourceOf(e, from);
        switch (from.IsFloat(), to.IsFloat())
        {
            case (false, false) when rounding is null && !ftz && !relu:
                e.Emit(IntegerConversions.Between(e, from, to, sat, wide), d, a);
                break;
            case (true, false) when !relu:
                if (from is PtxType.F16 or PtxType.BF16)
                {
                    a = Decode(e, from, a);
                }

                e.Emit(IntegerConversions.FromFloat(e, from == PtxType.F64, to, wide), d, a,
                    constant: (long)Midpoint(e, rounding), count: ftz ? 1 : 0);
                break;
            case (false, true) when !relu:
                int single = to is PtxType.F16 or PtxType.BF16 ? e.Scratch() : d;
                e.Emit(IntegerConversions.ToFloat(e, from, to == PtxType.F64, to is PtxType.F16 or PtxType.BF16 ? "rn" : rounding), single, a);
                Finish(e, to, d, single, sat);
                break;
            case (true, true):
                BetweenFloats(e, to, from, rounding, ftz, sat, relu, d, a);
                break;
            default:
                throw e.Unsupported();
        }
    }

    // A source register may be wider than the type: what is above is dropped.
    private static int SourceOf(Emitter e, PtxType type)
    {
        int a = e.Source(e.Instruction.Operands[1], type, orWider: true);
        if (e.RegisterOf(1)?.Type.ByteSize() == 8 && type.ByteSize() < 8)
        {
            int low = e.Scratch();
            e.Emit(&Moves.LowHalf, low, a);
            return low;
        }

        return a;
    }

    private static int Decode(Emitter e, PtxType type, int a)
    {
        int single = e.Scratch();
        e.Emit(type == PtxType.F16 ? &HalfFormats.DecodeLow<Float16> : &HalfFormats.DecodeLow<BFloat16>, single, a);
        return single;
    }

    private static MidpointRounding Midpoint(Emitter e, string? rounding) => rounding switch
    {
        "rni" => MidpointRounding.ToEven,
        "rzi" => MidpointRounding.ToZero,
        "rmi" => MidpointRounding.ToNegativeInfinity,
        "rpi" => MidpointRounding.ToPositiveInfinity,
        _ => throw e.Error($"instruction '{e.Name}' requires a rounding modifier (.rni, .rzi, .rmi or .rpi)"),
    };

    // What is left to do with a float that becomes a value of a type.
    private static void Finish(Emitter e, PtxType to, int d, int single, bool sat)
    {
        if (sat && to != PtxType.F64)
        {
            e.Emit(&Lanes.Unary<float, Saturate>, to == PtxType.F32 ? d : single, single);
        }

        if (to is PtxType.F16 or PtxType.BF16)
        {
            e.Emit(to == PtxType.F16 ? &Lanes.Unary<float, EncodeLow<Float16>> : &Lanes.Unary<float, EncodeLow<BFloat16>>, d, single);
        }
    }

    private static void BetweenFloats(Emitter e, PtxType to, PtxType from, string? rounding, bool ftz, bool sat, bool relu, int d, int a)
    {
        if (relu && to is not (PtxType.F16 or PtxType.BF16))
        {
            throw e.Unsupported();
        }

        switch (from, to)
        {
            case (PtxType.F32, PtxType.F32) or (PtxType.F64, PtxType.F64) or (PtxType.F16, PtxType.F16):
                Round(e, to, rounding, ftz, sat, d, a);
                break;
            case (PtxType.F32, PtxType.TF32):
                e.Emit(rounding switch
                {
                    "rna" => &Lanes.Unary<uint, ToTensorFloat>,
                    "rn" => &Lanes.Unary<uint, ToTensorFloatEven>,
                    "rz" => &Lanes.Unary<uint, ToTensorFloatTruncated>,
                    _ => throw e.Unsupported(),
                }, d, a);
                break;
            case (PtxType.F32, PtxType.F64) when rounding is null:
                e.Emit(&Widen<float>, d, ftz ? Flushed(e, a) : a);
                break;
            case (PtxType.F64, PtxType.F32):
                e.Emit(rounding switch
                {
                    "rn" => &NarrowDoubles,
                    "rz" => &Lanes.Map<double, float, ToSingle<ToZero>>,
                    "rm" => &Lanes.Map<double, float, ToSingle<ToDown>>,
                    "rp" => &Lanes.Map<double, float, ToSingle<ToUp>>,
                    _ => throw e.Error($"instruction '{e.Name}' requires a rounding modifier (.rn, .rz, .rm or .rp)"),
                }, d, a);
                if (ftz || sat)
                {
                    e.Emit(FloatHandlers.Unary<Same<float>>(ftz, sat), d, d);
                }

                break;
            case (PtxType.F16 or PtxType.BF16, PtxType.F32):
                e.Emit(from == PtxType.F16 ? &HalfFormats.DecodeLow<Float16> : &HalfFormats.DecodeLow<BFloat16>, d, a);
                if (ftz || sat)
                {
                    e.Emit(FloatHandlers.Unary<Same<float>>(ftz, sat), d, d);
                }

                break;
            case (PtxType.F16, PtxType.F64):
                e.Emit(&Widen<float>, d, Decode(e, from, a));
                break;
            case (PtxType.F64, PtxType.F16) when rounding == "rn" && !sat && !relu:
                e.Emit(&Lanes.Map<double, uint, DoubleToHalf>, d, a);
                break;
            case (PtxType.F32, PtxType.F16 or PtxType.BF16):
                ToHalf(e, to, rounding, ftz, sat, relu, d, a);
                break;
            default:
                throw e.Unsupported();
        }
    }

    private static int Flushed(Emitter e, int a)
    {
        int flushed = e.Scratch();
        e.Emit(&Lanes.Unary<float, Flush>, flushed, a);
        return flushed;
    }

    private static void ToHalf(Emitter e, PtxType to, string? rounding, bool ftz, bool sat, bool relu, int d, int a)
    {
        a = ftz ? Flushed(e, a) : a;
        if (relu)
        {
            int positive = e.Scratch();
            e.Emit(&Lanes.Unary<float, Relu>, positive, a);
            a = positive;
        }

        if (rounding == "rn")
        {
            int single = e.Scratch();
            e.Emit(&Moves.Narrow, single, a);
            Finish(e, to, d, single, sat);
            return;
        }

        e.Emit((to, rounding, sat) switch
        {
            (PtxType.F16, "rz", false) => &Lanes.Map<float, uint, ToHalfDirected<ToZero>>,
            (PtxType.F16, "rm", false) => &Lanes.Map<float, uint, ToHalfDirected<ToDown>>,
            (PtxType.F16, "rp", false) => &Lanes.Map<float, uint, ToHalfDirected<ToUp>>,
            (PtxType.BF16, "rz", false) => &Lanes.Unary<float, TruncateToBFloat>,
            _ => throw e.Unsupported(),
        }, d, a);
    }

    // Within one type: to an integral value, or nothing but .ftz and .sat.
    private static void Round(Emitter e, PtxType type, string? rounding, bool ftz, bool sat, int d, int a)
    {
        if (type == PtxType.F16 ? ftz || sat : type == PtxType.F64 && (ftz || sat))
        {
            throw e.Unsupported();
        }

        e.Emit((type, rounding) switch
        {
            (PtxType.F32, null) => FloatHandlers.Unary<Same<float>>(ftz, sat),
            (PtxType.F32, "rni") => FloatHandlers.Unary<RoundToEven<float>>(ftz, sat),
            (PtxType.F32, "rzi") => FloatHandlers.Unary<RoundToZero<float>>(ftz, sat),
            (PtxType.F32, "rmi") => FloatHandlers.Unary<RoundDown<float>>(ftz, sat),
            (PtxType.F32, "rpi") => FloatHandlers.Unary<RoundUp<float>>(ftz, sat),
            (PtxType.F64, "rni") => &Lanes.Unary<double, RoundToEven<double>>,
            (PtxType.F64, "rzi") => &Lanes.Unary<double, RoundToZero<double>>,
            (PtxType.F64, "rmi") => &Lanes.Unary<double, RoundDown<double>>,
            (PtxType.F64, "rpi") => &Lanes.Unary<double, RoundUp<double>>,
            (PtxType.F64, null) => &Moves.Wide,
            (PtxType.F16, "rni") => HalfHandlers.Unary<RoundToEven<float>>(false),
            (PtxType.F16, "rzi") => HalfHandlers.Unary<RoundToZero<float>>(false),
            (PtxType.F16, "rmi") => HalfHandlers.Unary<RoundDown<float>>(false),
            (PtxType.F16, "rpi") => HalfHandlers.Unary<RoundUp<float>>(false),
            _ => throw e.Unsupported(),
        }, d, a);
    }

    // cvt.rn.f16x2.f32 d, a, b: a becomes the upper half.
    private static void PackTwo(Emitter e, PtxType to, PtxType from, string? rounding, bool relu)
    {
        e.Require(80);
        e.Expect(3);
        if (from != PtxType.F32)
        {
            throw e.Unsupported();
        }

        e.Emit((to == PtxType.F16x2, rounding, relu) switch
        {
            (true, "rn", false) => &Lanes.Binary<float, EncodeTwo<Float16, Same<float>>>,
            (true, "rn", true) => &Lanes.Binary<float, EncodeTwo<Float16, Relu>>,
            (false, "rn", false) => &Lanes.Binary<float, EncodeTwo<BFloat16, Same<float>>>,
            (false, "rn", true) => &Lanes.Binary<float, EncodeTwo<BFloat16, Relu>>,
            (false, "rz", false) => &Lanes.Binary<float, TruncateTwoToBFloat>,
            (true, "rz", false) => &Lanes.Map2<float, uint, ToHalfDirected<ToZero>>,
            _ => throw e.Unsupported(),
        }, e.Destination(0, 4), e.Source(1, from), e.Source(2, from));
    }

    private static Op* NarrowDoubles(Op* op, byte* f, Warp w, uint mask)
    {
        byte* d = f + op->D, a = f + op->A;
        Lanes.Store32(Canonical.Apply(Vector512.Narrow(Lanes.Load<double>(a, 0), Lanes.Load<double>(a, 1))), d, 0, mask);
        Lanes.Store32(Canonical.Apply(Vector512.Narrow(Lanes.Load<double>(a, 2), Lanes.Load<double>(a, 3))), d, 1, mask);
        return op + 1;
    }
}
