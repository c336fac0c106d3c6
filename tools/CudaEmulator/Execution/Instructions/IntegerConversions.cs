using System.Numerics;
using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>A value cut to a type, then extended to its register.</summary>
internal readonly struct Truncated<TFrom, TTo, TRegister> : IMap<TFrom, TRegister>
    where TFrom : unmanaged, IBinaryInteger<TFrom>
    where TTo : unmanaged, IBinaryInteger<TTo>
    where TRegister : unmanaged, IBinaryInteger<TRegister>
{
    public static TRegister Apply(TFrom a) => TRegister.CreateTruncating(TTo.CreateTruncating(a));
}

/// <summary>.sat: the nearest value that the type has.</summary>
internal readonly struct Saturated<TFrom, TTo, TRegister> : IMap<TFrom, TRegister>
    where TFrom : unmanaged, IBinaryInteger<TFrom>
    where TTo : unmanaged, IBinaryInteger<TTo>
    where TRegister : unmanaged, IBinaryInteger<TRegister>
{
    public static TRegister Apply(TFrom a) => TRegister.CreateTruncating(TTo.CreateSaturating(a));
}

/// <summary>An integer as a floating-point number, rounded in a direction.</summary>
internal readonly struct IntegerToFloat<TFrom, TTo, TDirection> : IMap<TFrom, TTo>
    where TFrom : unmanaged, IBinaryInteger<TFrom>
    where TTo : unmanaged, IFloatingPointIeee754<TTo>
    where TDirection : struct, IDirection
{
    public static TTo Apply(TFrom a)
    {
        TTo nearest = TTo.CreateTruncating(a);
        return typeof(TDirection) == typeof(ToNearest)
            ? nearest
            : TDirection.Round(nearest, (double)(Int128.CreateTruncating(a) - Int128.CreateTruncating(nearest)));
    }
}

/// <summary>Conversions from, to and between integers.</summary>
internal static unsafe class IntegerConversions
{
    /// <summary>The handler of a conversion between integers; <paramref name="wide"/>: to a 64-bit register.</summary>
    public static Handler Between(Emitter e, PtxType from, PtxType to, bool sat, bool wide) => (from, to, sat, wide) switch
    {
        (PtxType.U32, PtxType.U64 or PtxType.S64, false, true) => &Conversions.Widen<uint>,
        (PtxType.S32, PtxType.U64 or PtxType.S64, false, true) => &Conversions.Widen<int>,
        (PtxType.U64 or PtxType.S64, PtxType.U32 or PtxType.S32, false, false) => &Moves.LowHalf,
        (PtxType.U8, _, _, _) => From<byte>(e, to, sat, wide),
        (PtxType.S8, _, _, _) => From<sbyte>(e, to, sat, wide),
        (PtxType.U16, _, _, _) => From<ushort>(e, to, sat, wide),
        (PtxType.S16, _, _, _) => From<short>(e, to, sat, wide),
        (PtxType.U32, _, _, _) => From<uint>(e, to, sat, wide),
        (PtxType.S32, _, _, _) => From<int>(e, to, sat, wide),
        (PtxType.U64, _, _, _) => From<ulong>(e, to, sat, wide),
        (PtxType.S64, _, _, _) => From<long>(e, to, sat, wide),
        _ => throw e.Unsupported(),
    };

    /// <summary>The handler of a conversion from float or double; NaN becomes 0, and what is out of range the nearest value.</summary>
    public static Handler FromFloat(Emitter e, bool isDouble, PtxType to, bool wide) =>
        isDouble ? FromFloat<double>(e, to, wide) : FromFloat<float>(e, to, wide);

    /// <summary>The handler of a conversion to float or double.</summary>
    public static Handler ToFloat(Emitter e, PtxType from, bool isDouble, string? rounding) => (rounding, isDouble) switch
    {
        ("rn", false) when from == PtxType.S32 => &SignedToSingle,
        ("rn", false) => ToFloat<float, ToNearest>(e, from),
        ("rz", false) => ToFloat<float, ToZero>(e, from),
        ("rm", false) => ToFloat<float, ToDown>(e, from),
        ("rp", false) => ToFloat<float, ToUp>(e, from),
        ("rn", true) => ToFloat<double, ToNearest>(e, from),
        ("rz", true) => ToFloat<double, ToZero>(e, from),
        ("rm", true) => ToFloat<double, ToDown>(e, from),
        ("rp", true) => ToFloat<double, ToUp>(e, from),
        _ => throw e.Error($"instruction '{e.Name}' requires a rounding modifier (.rn, .rz, .rm or .rp)"),
    };

    private static Handler From<TFrom>(Emitter e, PtxType to, bool sat, bool wide)
        where TFrom : unmanaged, IBinaryInteger<TFrom> => to switch
        {
            PtxType.U8 => Between<TFrom, byte, uint, ulong>(sat, wide),
            PtxType.S8 => Between<TFrom, sbyte, int, long>(sat, wide),
            PtxType.U16 => Between<TFrom, ushort, uint, ulong>(sat, wide),
            PtxType.S16 => Between<TFrom, short, int, long>(sat, wide),
            PtxType.U32 => Between<TFrom, uint, uint, ulong>(sat, wide),
            PtxType.S32 => Between<TFrom, int, int, long>(sat, wide),
            PtxType.U64 => Between<TFrom, ulong, uint, ulong>(sat, wide),
            PtxType.S64 => Between<TFrom, long, int, long>(sat, wide),
            _ => throw e.Unsupported(),
        };

    private static Handler Between<TFrom, TTo, TNarrow, TWide>(bool sat, bool wide)
        where TFrom : unmanaged, IBinaryInteger<TFrom>
        where TTo : unmanaged, IBinaryInteger<TTo>
        where TNarrow : unmanaged, IBinaryInteger<TNarrow>
        where TWide : unmanaged, IBinaryInteger<TWide> => (sat, wide) switch
        {
            (false, false) => &Lanes.Map<TFrom, TNarrow, Truncated<TFrom, TTo, TNarrow>>,
            (false, true) => &Lanes.Map<TFrom, TWide, Truncated<TFrom, TTo, TWide>>,
            (true, false) => &Lanes.Map<TFrom, TNarrow, Saturated<TFrom, TTo, TNarrow>>,
            (true, true) => &Lanes.Map<TFrom, TWide, Saturated<TFrom, TTo, TWide>>,
        };

    private static Handler FromFloat<TFrom>(Emitter e, PtxType to, bool wide)
        where TFrom : unmanaged, IFloatingPointIeee754<TFrom> => (to, wide) switch
        {
            (PtxType.U8, false) => &Round<TFrom, byte, uint>,
            (PtxType.S8, false) => &Round<TFrom, sbyte, int>,
            (PtxType.U16, false) => &Round<TFrom, ushort, uint>,
            (PtxType.S16, false) => &Round<TFrom, short, int>,
            (PtxType.U32, false) => &Round<TFrom, uint, uint>,
            (PtxType.S32, false) => &Round<TFrom, int, int>,
            (PtxType.U8, true) => &Round<TFrom, byte, ulong>,
            (PtxType.S8, true) => &Round<TFrom, sbyte, long>,
            (PtxType.U16, true) => &Round<TFrom, ushort, ulong>,
            (PtxType.S16, true) => &Round<TFrom, short, long>,
            (PtxType.U32, true) => &Round<TFrom, uint, ulong>,
            (PtxType.S32, true) => &Round<TFrom, int, long>,
            (PtxType.U64, _) => &Round<TFrom, ulong, ulong>,
            (PtxType.S64, _) => &Round<TFrom, long, long>,
            _ => throw e.Unsupported(),
        };

    private static Handler ToFloat<TTo, TDirection>(Emitter e, PtxType from)
        where TTo : unmanaged, IFloatingPointIeee754<TTo>
        where TDirection : struct, IDirection => from switch
        {
            PtxType.U8 => &Lanes.Map<byte, TTo, IntegerToFloat<byte, TTo, TDirection>>,
            PtxType.S8 => &Lanes.Map<sbyte, TTo, IntegerToFloat<sbyte, TTo, TDirection>>,
            PtxType.U16 => &Lanes.Map<ushort, TTo, IntegerToFloat<ushort, TTo, TDirection>>,
            PtxType.S16 => &Lanes.Map<short, TTo, IntegerToFloat<short, TTo, TDirection>>,
            PtxType.U32 => &Lanes.Map<uint, TTo, IntegerToFloat<uint, TTo, TDirection>>,
            PtxType.S32 => &Lanes.Map<int, TTo, IntegerToFloat<int, TTo, TDirection>>,
            PtxType.U64 => &Lanes.Map<ulong, TTo, IntegerToFloat<ulong, TTo, TDirection>>,
            PtxType.S64 => &Lanes.Map<long, TTo, IntegerToFloat<long, TTo, TDirection>>,
            _ => throw e.Unsupported(),
        };

    private static Op* SignedToSingle(Op* op, byte* f, Warp w, uint mask)
    {
        Lanes.Store32(Vector512.ConvertToSingle(Lanes.Load<int>(f + op->A, 0)), f + op->D, 0, mask);
        Lanes.Store32(Vector512.ConvertToSingle(Lanes.Load<int>(f + op->A, 1)), f + op->D, 1, mask);
        return op + 1;
    }

    private static Op* Round<TFrom, TTo, TRegister>(Op* op, byte* f, Warp w, uint mask)
        where TFrom : unmanaged, IFloatingPointIeee754<TFrom>
        where TTo : unmanaged, IBinaryInteger<TTo>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            TFrom value = Lanes.Read<TFrom>(f + op->A, lane);
            value = op->Count != 0 && TFrom.IsSubnormal(value) ? TFrom.Zero : value;
            TTo whole = TTo.CreateSaturating(TFrom.Round(value, (MidpointRounding)op->Constant));
            Lanes.Write(f + op->D, lane, TRegister.CreateTruncating(whole));
        }

        return op + 1;
    }
}
