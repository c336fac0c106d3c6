using System.Numerics;
using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>and, or, xor, not, cnot, lop3, shifts, bit fields and the like.</summary>
internal static unsafe class BitManipulation
{
    public static readonly InstructionTable Table = new()
    {
        ["and"] = e => Logic(e, &Predicates.And, &Lanes.Binary<uint, And<uint>>, &Lanes.Binary<ulong, And<ulong>>),
        ["or"] = e => Logic(e, &Predicates.Or, &Lanes.Binary<uint, Or<uint>>, &Lanes.Binary<ulong, Or<ulong>>),
        ["xor"] = e => Logic(e, &Predicates.Xor, &Lanes.Binary<uint, Xor<uint>>, &Lanes.Binary<ulong, Xor<ulong>>),
        ["not"] = Not,
        ["cnot"] = Cnot,
        ["lop3"] = Lop3,
        ["shl"] = e => Shift(e, isLeft: true),
        ["shr"] = e => Shift(e, isLeft: false),
        ["shf"] = Funnel,
        ["bfe"] = Extract,
        ["bfi"] = Insert,
        ["bfind"] = FindHighest,
        ["brev"] = e => Count(e, &Lanes.Map<uint, uint, Reverse32>, &Lanes.Map<ulong, ulong, Reverse64>, isCount: false),
        ["popc"] = e => Count(e, &Lanes.Map<uint, uint, PopulationCount<uint>>, &Lanes.Map<ulong, uint, PopulationCount<ulong>>),
        ["clz"] = e => Count(e, &Lanes.Map<uint, uint, LeadingZeros<uint>>, &Lanes.Map<ulong, uint, LeadingZeros<ulong>>),
        ["prmt"] = Prmt,
        ["fns"] = e => { e.TakeType(); Ternary(e, &Lanes.Map3<uint, uint, FindNthSet>); },
    };

    private static void Logic(Emitter e, Handler predicate, Handler narrow, Handler wide)
    {
        PtxType type = e.TakeType();
        e.Expect(3);
        if (type == PtxType.Pred)
        {
            int a = e.PredicateSource(1);
            int b = e.PredicateSource(2);
            e.Emit(predicate, e.PredicateDestination(), a, b);
            return;
        }

        RequireBits(e, type);
        Arithmetic.EmitBinary(e, type.ByteSize() == 8 ? wide : narrow, type);
    }

    private static void Not(Emitter e)
    {
        PtxType type = e.TakeType();
        e.Expect(2);
        if (type == PtxType.Pred)
        {
            e.Emit(&Predicates.Not, e.PredicateDestination(), e.PredicateSource(1));
            return;
        }

        RequireBits(e, type);
        Arithmetic.EmitUnary(e, type.ByteSize() == 8 ? &Lanes.Unary<ulong, Not<ulong>> : &Lanes.Unary<uint, Not<uint>>, type);
    }

    private static void RequireBits(Emitter e, PtxType type)
    {
        if (type is not (PtxType.B16 or PtxType.B32 or PtxType.B64))
        {
            throw e.Unsupported();
        }
    }

    private static void Cnot(Emitter e)
    {
        PtxType type = e.TakeType();
        Arithmetic.EmitUnary(e, type switch
        {
            PtxType.B16 => &Lanes.Unary<ushort, IsZero<ushort>>,
            PtxType.B32 => &Lanes.Unary<uint, IsZero<uint>>,
            PtxType.B64 => &Lanes.Unary<ulong, IsZero<ulong>>,
            _ => throw e.Unsupported(),
        }, type);
    }

    // lop3.b32 d, a, b, c, table: bit i of the table is the result where a, b, c are the bits of i.
    private static void Lop3(Emitter e)
    {
        PtxType type = e.TakeType();
        e.Expect(5);
        if (type != PtxType.B32)
        {
            throw e.Unsupported();
        }

        e.Emit(&LookUp, e.Destination(0, 4), e.Source(1, type), e.Source(2, type), e.Source(3, type), e.ConstantOf(4) & 255);
    }

    private static Op* LookUp(Op* op, byte* f, Warp w, uint mask)
    {
        int table = (int)op->Constant;
        for (int part = 0; part < 2; part++)
        {
            Vector512<uint> a = Lanes.Load<uint>(f + op->A, part);
            Vector512<uint> b = Lanes.Load<uint>(f + op->B, part);
            Vector512<uint> c = Lanes.Load<uint>(f + op->C, part);
            Vector512<uint> result = Vector512<uint>.Zero;
            for (int i = 0; i < 8; i++)
            {
                if ((table >> i & 1) != 0)
                {
                    result |= ((i & 4) != 0 ? a : ~a) & ((i & 2) != 0 ? b : ~b) & ((i & 1) != 0 ? c : ~c);
                }
            }

            Lanes.Store32(result, f + op->D, part, mask);
        }

        return op + 1;
    }

    private static void Shift(Emitter e, bool isLeft)
    {
        PtxType type = e.TakeType();
        e.Expect(3);
        int bytes = type.ByteSize();
        (int d, int a) = (e.Destination(0, bytes), e.Source(1, type));
        int count = e.Source(2, PtxType.U32);
        if (bytes == 8)
        {
            int wide = e.Scratch();
            e.Emit(&Conversions.Widen<uint>, wide, count);
            count = wide;
        }
        else if (bytes == 2 && !isLeft)
        {
            int extended = e.Scratch();
            e.Emit(type == PtxType.S16 ? &Lanes.Unary<int, SignExtend16> : &Lanes.Unary<uint, ZeroExtend16>, extended, a);
            a = extended;
        }

        bool isSigned = type is PtxType.S16 or PtxType.S32 or PtxType.S64;
        e.Emit((bytes, isLeft, isSigned) switch
        {
            (8, true, false) => &Lanes.Binary<ulong, ShiftLeft64>,
            (8, false, false) => &Lanes.Binary<ulong, ShiftRight64>,
            (8, false, true) => &Lanes.Binary<ulong, ShiftRightArithmetic64>,
            (4 or 2, true, false) => &Lanes.Binary<uint, ShiftLeft32>,
            (4 or 2, false, false) => &Lanes.Binary<uint, ShiftRight32>,
            (4 or 2, false, true) => &Lanes.Binary<uint, ShiftRightArithmetic32>,
            _ => throw e.Unsupported(),
        }, d, a, count);
    }

    private static void Ternary(Emitter e, Handler handler)
    {
        e.Expect(4);
        e.Emit(handler, e.Destination(0, 4), e.Source(1, PtxType.B32), e.Source(2, PtxType.B32), e.Source(3, PtxType.B32));
    }

    private static void Funnel(Emitter e)
    {
        bool isLeft = e.TakeAny("l", "r") == "l";
        bool wraps = e.TakeAny("clamp", "wrap") == "wrap";
        e.TakeType();
        Ternary(e, (isLeft, wraps) switch
        {
            (true, true) => &Lanes.Map3<uint, uint, FunnelLeftWrap>,
            (true, false) => &Lanes.Map3<uint, uint, FunnelLeftClamp>,
            (false, true) => &Lanes.Map3<uint, uint, FunnelRightWrap>,
            (false, false) => &Lanes.Map3<uint, uint, FunnelRightClamp>,
        });
    }

    // bfe d, a, position, length: bits beyond the top are the sign (or 0), and so is everything above the field.
    private static void Extract(Emitter e)
    {
        PtxType type = e.TakeType();
        e.Expect(4);
        e.Emit(type switch
        {
            PtxType.U32 => &ExtractField<uint>,
            PtxType.S32 => &ExtractField<int>,
            PtxType.U64 => &ExtractField<ulong>,
            PtxType.S64 => &ExtractField<long>,
            _ => throw e.Unsupported(),
        }, e.Destination(0, type.ByteSize()), e.Source(1, type), e.Source(2, PtxType.U32), e.Source(3, PtxType.U32));
    }

    private static Op* ExtractField<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = 8 * sizeof(T);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            T value = Lanes.Read<T>(f + op->A, lane);
            int at = (int)(Lanes.Read<uint>(f + op->B, lane) & 255);
            int length = Math.Min((int)(Lanes.Read<uint>(f + op->C, lane) & 255), bits);
            T result = length == 0 ? T.Zero : at >= bits ? (T.IsNegative(value) ? ~T.Zero : T.Zero) : value >> at;
            if (length > 0 && at + length < bits)
            {
                result = (result << (bits - length)) >> (bits - length);
            }

            Lanes.Write(f + op->D, lane, result);
        }

        return op + 1;
    }

    // bfi d, a, b, position, length: a's lowest bits put into b.
    private static void Insert(Emitter e)
    {
        PtxType type = e.TakeType();
        e.Expect(5);
        int d = e.Destination(0, type.ByteSize());
        int[] slots = [e.Source(1, type), e.Source(2, type), e.Source(3, PtxType.U32), e.Source(4, PtxType.U32)];
        e.Emit(type switch
        {
            PtxType.B32 => &InsertField<uint>,
            PtxType.B64 => &InsertField<ulong>,
            _ => throw e.Unsupported(),
        }, d, slots: slots);
    }

    private static Op* InsertField<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = 8 * sizeof(T);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            T field = Lanes.Read<T>(f + op->Slots[0], lane);
            T into = Lanes.Read<T>(f + op->Slots[1], lane);
            int at = (int)(Lanes.Read<uint>(f + op->Slots[2], lane) & 255);
            int length = (int)(Lanes.Read<uint>(f + op->Slots[3], lane) & 255);
            T ones = length >= bits ? ~T.Zero : (T.One << length) - T.One;
            Lanes.Write(f + op->D, lane, at >= bits ? into : (into & ~(ones << at)) | ((field & ones) << at));
        }

        return op + 1;
    }

    private static void FindHighest(Emitter e)
    {
        bool isShift = e.Take("shiftamt");
        PtxType type = e.TakeType();
        e.Expect(2);
        e.Emit((type, isShift) switch
        {
            (PtxType.U32, false) => &Lanes.Map<uint, uint, HighestBit<uint, uint>>,
            (PtxType.S32, false) => &Lanes.Map<int, uint, HighestBit<int, uint>>,
            (PtxType.U64, false) => &Lanes.Map<ulong, uint, HighestBit<ulong, ulong>>,
            (PtxType.S64, false) => &Lanes.Map<long, uint, HighestBit<long, ulong>>,
            (PtxType.U32, true) => &Lanes.Map<uint, uint, HighestBitShift<uint, uint>>,
            (PtxType.S32, true) => &Lanes.Map<int, uint, HighestBitShift<int, uint>>,
            (PtxType.U64, true) => &Lanes.Map<ulong, uint, HighestBitShift<ulong, ulong>>,
            (PtxType.S64, true) => &Lanes.Map<long, uint, HighestBitShift<long, ulong>>,
            _ => throw e.Unsupported(),
        }, e.Destination(0, 4), e.Source(1, type));
    }

    private static void Count(Emitter e, Handler narrow, Handler wide, bool isCount = true)
    {
        PtxType type = e.TakeType();
        e.Expect(2);
        if (type is not (PtxType.B32 or PtxType.B64))
        {
            throw e.Unsupported();
        }

        e.Emit(type == PtxType.B64 ? wide : narrow, e.Destination(0, isCount ? sizeof(uint) : type.ByteSize()), e.Source(1, type));
    }

    private static void Prmt(Emitter e)
    {
        e.TakeType();
        string? mode = e.TakeAny("f4e", "b4e", "rc8", "ecl", "ecr", "rc16");
        if (mode is null)
        {
            Ternary(e, &Lanes.Map3<uint, uint, Permute>);
            return;
        }

        // The modes are selectors of the default mode, one for each value of the two lowest bits of c.
        e.Expect(4);
        ReadOnlySpan<ushort> selectors = mode switch
        {
            "f4e" => [0x3210, 0x4321, 0x5432, 0x6543],
            "b4e" => [0x5670, 0x6701, 0x7012, 0x0123],
            "rc8" => [0x0000, 0x1111, 0x2222, 0x3333],
            "ecl" => [0x3210, 0x3211, 0x3222, 0x3333],
            "ecr" => [0x0000, 0x1110, 0x2210, 0x3210],
            _ => [0x1010, 0x3232, 0x1010, 0x3232],
        };
        long packed = selectors[0] | (long)selectors[1] << 16 | (long)selectors[2] << 32 | (long)selectors[3] << 48;
        e.Emit(&PermuteByMode, e.Destination(0, 4), e.Source(1, PtxType.B32), e.Source(2, PtxType.B32), e.Source(3, PtxType.B32), packed);
    }

    private static Op* PermuteByMode(Op* op, byte* f, Warp w, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            int mode = (int)(Lanes.Read<uint>(f + op->C, lane) & 3);
            Lanes.Write(f + op->D, lane, Permute.Apply(
                Lanes.Read<uint>(f + op->A, lane), Lanes.Read<uint>(f + op->B, lane), (ushort)(op->Constant >> (16 * mode))));
        }

        return op + 1;
    }
}
