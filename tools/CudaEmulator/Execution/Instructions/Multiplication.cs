using System.Numerics;
using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>mul, mad, mul24, mad24, fma, sad, dp4a, dp2a.</summary>
internal static unsafe class Multiplication
{
    public static readonly InstructionTable Table = new()
    {
        ["mul"] = Mul,
        ["mad"] = Mad,
        ["fma"] = Fma,
        ["mul24"] = e => Emit24(e, adds: false),
        ["mad24"] = e => Emit24(e, adds: true),
        ["sad"] = Sad,
        ["dp4a"] = e => DotProduct(e, isHalves: false),
        ["dp2a"] = e => DotProduct(e, isHalves: true),
    };

    private static void Mul(Emitter e)
    {
        if (e.TakeAny("lo", "hi", "wide") is { } part)
        {
            PtxType integer = e.TakeType();
            if (part == "wide")
            {
                EmitWide(e, integer, adds: false);
                return;
            }

            Arithmetic.EmitBinary(e, (integer, part) switch
            {
                (PtxType.U16 or PtxType.S16, "lo") => &Lanes.Binary<ushort, Multiply<ushort>>,
                (PtxType.U32 or PtxType.S32, "lo") => &Lanes.Binary<uint, Multiply<uint>>,
                (PtxType.U64 or PtxType.S64, "lo") => &Lanes.Binary<ulong, Multiply<ulong>>,
                (PtxType.U16, _) => &Lanes.Map2<ushort, ushort, HighProduct<ushort>>,
                (PtxType.S16, _) => &Lanes.Map2<short, short, HighProduct<short>>,
                (PtxType.U32, _) => &Lanes.Map2<uint, uint, HighProduct<uint>>,
                (PtxType.S32, _) => &Lanes.Map2<int, int, HighProduct<int>>,
                (PtxType.U64, _) => &Lanes.Map2<ulong, ulong, HighProduct<ulong>>,
                (PtxType.S64, _) => &Lanes.Map2<long, long, HighProduct<long>>,
                _ => throw e.Unsupported(),
            }, integer);
            return;
        }

        Rounding rounding = Arithmetic.TakeRounding(e) ?? Rounding.Nearest;
        (bool ftz, bool sat) = (e.Take("ftz"), e.Take("sat"));
        PtxType type = e.TakeType();
        Arithmetic.EmitBinary(e, (type, ftz, sat) switch
        {
            (PtxType.F32, _, _) when rounding == Rounding.Nearest => FloatHandlers.Binary<Multiply<float>>(ftz, sat),
            (PtxType.F32, false, false) => DirectedHandlers.Single<MultiplyWithError>(rounding, 2),
            (PtxType.F64, false, false) when rounding == Rounding.Nearest => &Lanes.Binary<double, Multiply<double>>,
            (PtxType.F64, false, false) => DirectedHandlers.Double<MultiplyWithError>(rounding, 2),
            (PtxType.F16 or PtxType.F16x2, _, _) when rounding == Rounding.Nearest => HalfHandlers.Binary<Multiply<float>>(false, sat, ftz),
            (PtxType.BF16 or PtxType.BF16x2, false, false) when rounding == Rounding.Nearest => HalfHandlers.Binary<Multiply<float>>(true, false),
            _ => throw e.Unsupported(),
        }, type);
    }

    private static void Mad(Emitter e)
    {
        if (e.Modifiers.Contains("cc"))
        {
            CarryArithmetic.MultiplyAdd(e);
            return;
        }

        string? part = e.TakeAny("lo", "hi", "wide");
        if (part is null)
        {
            Fma(e); // mad.f32 and mad.f64 are fma
            return;
        }

        bool sat = e.Take("sat");
        PtxType type = e.TakeType();
        if (part == "wide")
        {
            EmitWide(e, type, adds: true);
            return;
        }

        EmitTernary(e, (type, part, sat) switch
        {
            (PtxType.S32, "hi", true) => &Lanes.Map3<int, int, HighProductSaturating>,
            (PtxType.U16 or PtxType.S16, "lo", false) => &Lanes.Ternary<ushort, MultiplyAdd<ushort>>,
            (PtxType.U32 or PtxType.S32, "lo", false) => &Lanes.Ternary<uint, MultiplyAdd<uint>>,
            (PtxType.U64 or PtxType.S64, "lo", false) => &Lanes.Ternary<ulong, MultiplyAdd<ulong>>,
            (PtxType.U16, "hi", false) => &Lanes.Map3<ushort, ushort, HighProduct<ushort>>,
            (PtxType.S16, "hi", false) => &Lanes.Map3<short, short, HighProduct<short>>,
            (PtxType.U32, "hi", false) => &Lanes.Map3<uint, uint, HighProduct<uint>>,
            (PtxType.S32, "hi", false) => &Lanes.Map3<int, int, HighProduct<int>>,
            (PtxType.U64, "hi", false) => &Lanes.Map3<ulong, ulong, HighProduct<ulong>>,
            (PtxType.S64, "hi", false) => &Lanes.Map3<long, long, HighProduct<long>>,
            _ => throw e.Unsupported(),
        }, type);
    }

    private static void Fma(Emitter e)
    {
        Rounding rounding = Arithmetic.TakeRounding(e) ?? Rounding.Nearest;
        (bool ftz, bool sat, bool relu) = (e.Take("ftz"), e.Take("sat"), e.Take("relu"));
        PtxType type = e.TakeType();
        EmitTernary(e, (type, ftz, sat) switch
        {
            (PtxType.F32, _, _) when rounding == Rounding.Nearest && !relu => FloatHandlers.Ternary<FusedMultiplyAdd<float>>(ftz, sat),
            (PtxType.F32, false, false) when !relu => DirectedHandlers.Single<FusedWithError>(rounding, 3),
            (PtxType.F64, false, false) when rounding == Rounding.Nearest && !relu => &Lanes.Ternary<double, FusedMultiplyAdd<double>>,
            (PtxType.F64, false, false) when !relu => DirectedHandlers.Double<FusedWithError>(rounding, 3),
            (PtxType.F16 or PtxType.F16x2, _, _) when rounding == Rounding.Nearest => HalfHandlers.Fused(false, sat, relu, ftz),
            (PtxType.BF16 or PtxType.BF16x2, false, false) when rounding == Rounding.Nearest => HalfHandlers.Fused(true, false, relu, false),
            _ => throw e.Unsupported(),
        }, type);
    }

    private static void EmitTernary(Emitter e, Handler handler, PtxType type)
    {
        e.Expect(4);
        e.Emit(handler, e.Destination(0, type.ByteSize()), e.Source(1, type), e.Source(2, type), e.Source(3, type));
    }

    private static void EmitWide(Emitter e, PtxType type, bool adds)
    {
        e.Expect(adds ? 4 : 3);
        PtxType wide = type.ByteSize() == 2 ? PtxType.B32 : PtxType.B64;
        e.Emit((type, adds) switch
        {
            (PtxType.U16, false) => &Lanes.Binary<uint, WideProduct16>,
            (PtxType.U16, true) => &Lanes.Ternary<uint, WideProduct16>,
            (PtxType.S16, false) => &Lanes.Binary<int, SignedWideProduct16>,
            (PtxType.S16, true) => &Lanes.Ternary<int, SignedWideProduct16>,
            (PtxType.U32, false) => &WideProduct<uint>,
            (PtxType.U32, true) => &WideProductSum<uint>,
            (PtxType.S32, false) => &WideProduct<int>,
            (PtxType.S32, true) => &WideProductSum<int>,
            _ => throw e.Unsupported(),
        }, e.Destination(0, wide.ByteSize()), e.Source(1, type), e.Source(2, type), adds ? e.Source(3, wide) : 0);
    }

    private static Vector512<ulong> Product<T>(byte* a, byte* b, int part)
    {
        Vector256<uint> x = Vector256.Load((uint*)(a + 32 * part));
        Vector256<uint> y = Vector256.Load((uint*)(b + 32 * part));
        return typeof(T) == typeof(int)
            ? (Extend(x.AsInt32()) * Extend(y.AsInt32())).AsUInt64()
            : Extend(x) * Extend(y);
    }

    private static Vector512<ulong> Extend(Vector256<uint> a) => Vector512.WidenLower(a.ToVector512Unsafe());

    private static Vector512<long> Extend(Vector256<int> a) => Vector512.WidenLower(a.ToVector512Unsafe());

    private static Op* WideProduct<T>(Op* op, byte* f, Warp w, uint mask)
    {
        for (int part = 0; part < 4; part++)
        {
            Lanes.Store64(Product<T>(f + op->A, f + op->B, part), f + op->D, part, mask);
        }

        return op + 1;
    }

    private static Op* WideProductSum<T>(Op* op, byte* f, Warp w, uint mask)
    {
        for (int part = 0; part < 4; part++)
        {
            Lanes.Store64(Product<T>(f + op->A, f + op->B, part) + Lanes.Load<ulong>(f + op->C, part), f + op->D, part, mask);
        }

        return op + 1;
    }

    private static void Emit24(Emitter e, bool adds)
    {
        bool isHigh = e.TakeAny("lo", "hi") == "hi";
        PtxType type = e.TakeType();
        if (type is not (PtxType.U32 or PtxType.S32))
        {
            throw e.Unsupported();
        }

        if (adds)
        {
            EmitTernary(e, (type == PtxType.S32, isHigh) switch
            {
                (true, true) => &Lanes.Map3<int, int, Product24<int, bool>>,
                (true, false) => &Lanes.Map3<int, int, Product24<int, int>>,
                (false, true) => &Lanes.Map3<int, int, Product24<uint, bool>>,
                (false, false) => &Lanes.Map3<int, int, Product24<uint, int>>,
            }, type);
        }
        else
        {
            Arithmetic.EmitBinary(e, (type == PtxType.S32, isHigh) switch
            {
                (true, true) => &Lanes.Map2<int, int, Product24<int, bool>>,
                (true, false) => &Lanes.Map2<int, int, Product24<int, int>>,
                (false, true) => &Lanes.Map2<int, int, Product24<uint, bool>>,
                (false, false) => &Lanes.Map2<int, int, Product24<uint, int>>,
            }, type);
        }
    }

    private static void Sad(Emitter e)
    {
        PtxType type = e.TakeType();
        EmitTernary(e, type switch
        {
            PtxType.U16 => &Lanes.Ternary<ushort, SumOfDifference<ushort>>,
            PtxType.S16 => &Lanes.Ternary<short, SumOfDifference<short>>,
            PtxType.U32 => &Lanes.Ternary<uint, SumOfDifference<uint>>,
            PtxType.S32 => &Lanes.Ternary<int, SumOfDifference<int>>,
            PtxType.U64 => &Lanes.Ternary<ulong, SumOfDifference<ulong>>,
            PtxType.S64 => &Lanes.Ternary<long, SumOfDifference<long>>,
            _ => throw e.Unsupported(),
        }, type);
    }

    // dp4a: c + the sum of four products of bytes; dp2a: of two products of a's halves and two of b's bytes.
    private static void DotProduct(Emitter e, bool isHalves)
    {
        bool isHigh = isHalves && e.TakeAny("lo", "hi") == "hi";
        PtxType first = e.TakeType();
        PtxType second = e.TakeType();
        e.Expect(4);
        if (first is not (PtxType.U32 or PtxType.S32) || second is not (PtxType.U32 or PtxType.S32))
        {
            throw e.Unsupported();
        }

        e.Emit(&Dot, e.Destination(0, 4), e.Source(1, first), e.Source(2, second), e.Source(3, first),
            constant: (first == PtxType.S32 ? 1 : 0) | (second == PtxType.S32 ? 2 : 0) | (isHalves ? 4 : 0) | (isHigh ? 8 : 0));
    }

    private static Op* Dot(Op* op, byte* f, Warp w, uint mask)
    {
        int flags = (int)op->Constant;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            uint a = Lanes.Read<uint>(f + op->A, lane);
            uint b = Lanes.Read<uint>(f + op->B, lane) >> ((flags & 8) != 0 ? 16 : 0);
            int sum = Lanes.Read<int>(f + op->C, lane);
            (int count, int width) = (flags & 4) != 0 ? (2, 16) : (4, 8);
            for (int i = 0; i < count; i++)
            {
                sum += Field(a, i * width, width, (flags & 1) != 0) * Field(b, i * 8, 8, (flags & 2) != 0);
            }

            Lanes.Write(f + op->D, lane, sum);
        }

        return op + 1;
    }

    private static int Field(uint value, int at, int width, bool isSigned)
    {
        uint top = value << (32 - width - at);
        return isSigned ? (int)top >> (32 - width) : (int)(top >> (32 - width));
    }
}
