using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

// Comparisons: all ones where they hold. Without "u" they are false for NaN, as the vector comparisons are.
internal readonly struct Equal<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.Equals(a, b); }
internal readonly struct NotEqual<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => ~Vector512.Equals(a, b); }
internal readonly struct Less<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.LessThan(a, b); }
internal readonly struct LessOrEqual<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.LessThanOrEqual(a, b); }
internal readonly struct Greater<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.GreaterThan(a, b); }
internal readonly struct GreaterOrEqual<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.GreaterThanOrEqual(a, b); }
internal readonly struct Ordered<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Vector512.Equals(a, a) & Vector512.Equals(b, b); }
internal readonly struct OrderedNotEqual<T> : IBinary<T> { public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => Ordered<T>.Apply(a, b) & ~Vector512.Equals(a, b); }

/// <summary>The opposite: an unordered comparison is the negation of an ordered one.</summary>
internal readonly struct Negated<T, TOp> : IBinary<T>
    where TOp : struct, IBinary<T>
{
    public static Vector512<T> Apply(Vector512<T> a, Vector512<T> b) => ~TOp.Apply(a, b);
}

/// <summary>.ftz: denormal operands count as zeros.</summary>
internal readonly struct Flushed<TOp> : IBinary<float>
    where TOp : struct, IBinary<float>
{
    public static Vector512<float> Apply(Vector512<float> a, Vector512<float> b) => TOp.Apply(Flush.Apply(a), Flush.Apply(b));
}

/// <summary>Predicates: setp and set. A predicate is one bit a lane in one 32-bit word of the frame.</summary>
internal static unsafe class Predicates
{
    public static readonly InstructionTable Table = new()
    {
        ["setp"] = Setp,
        ["set"] = Set,
    };

    /// <summary>d = a op b.</summary>
    public static Op* Compare<T, TOp>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged
        where TOp : struct, IBinary<T>
    {
        byte* a = f + op->A, b = f + op->B;
        uint hits;
        if (sizeof(T) == 8)
        {
            hits = (uint)TOp.Apply(Lanes.Load<T>(a, 0), Lanes.Load<T>(b, 0)).AsUInt64().ExtractMostSignificantBits()
                | (uint)TOp.Apply(Lanes.Load<T>(a, 1), Lanes.Load<T>(b, 1)).AsUInt64().ExtractMostSignificantBits() << 8
                | (uint)TOp.Apply(Lanes.Load<T>(a, 2), Lanes.Load<T>(b, 2)).AsUInt64().ExtractMostSignificantBits() << 16
                | (uint)TOp.Apply(Lanes.Load<T>(a, 3), Lanes.Load<T>(b, 3)).AsUInt64().ExtractMostSignificantBits() << 24;
        }
        else
        {
            hits = (uint)TOp.Apply(Lanes.Load<T>(a, 0), Lanes.Load<T>(b, 0)).AsUInt32().ExtractMostSignificantBits()
                | (uint)TOp.Apply(Lanes.Load<T>(a, 1), Lanes.Load<T>(b, 1)).AsUInt32().ExtractMostSignificantBits() << 16;
        }

        Lanes.StorePredicate(hits, f + op->D, mask);
        return op + 1;
    }

    public static Op* Copy(Op* op, byte* f, Warp w, uint mask) => Store(op, f, mask, *(uint*)(f + op->A));

    public static Op* Not(Op* op, byte* f, Warp w, uint mask) => Store(op, f, mask, ~*(uint*)(f + op->A));

    public static Op* And(Op* op, byte* f, Warp w, uint mask) => Store(op, f, mask, *(uint*)(f + op->A) & *(uint*)(f + op->B));

    public static Op* Or(Op* op, byte* f, Warp w, uint mask) => Store(op, f, mask, *(uint*)(f + op->A) | *(uint*)(f + op->B));

    public static Op* Xor(Op* op, byte* f, Warp w, uint mask) => Store(op, f, mask, *(uint*)(f + op->A) ^ *(uint*)(f + op->B));

    private static Op* Store(Op* op, byte* f, uint mask, uint value)
    {
        Lanes.StorePredicate(value, f + op->D, mask);
        return op + 1;
    }

    // setp.cmp{.bool}{.ftz}.type p|q, a, b{, c}:   p = (a cmp b) bool c,   q = !(a cmp b) bool c
    private static void Setp(Emitter e)
    {
        string comparison = TakeComparison(e);
        string? combination = e.TakeAny("and", "or", "xor");
        bool ftz = e.Take("ftz");
        PtxType type = e.TakeType();
        e.Expect(combination is null ? 3 : 4);
        (int first, int? second) = e.Instruction.Operands[0] switch
        {
            PtxOperand.Pair pair => (e.Predicate(pair.First), pair.Second is null ? (int?)null : e.Predicate(pair.Second)),
            _ => (e.PredicateDestination(), null),
        };
        bool packed = type is PtxType.F16x2 or PtxType.BF16x2;
        if (combination is null && second is null && !packed)
        {
            EmitComparison(e, comparison, ftz, type, first);
            return;
        }

        int hit = e.Scratch();
        int other = e.Scratch();
        EmitComparison(e, comparison, ftz, type, hit, other);
        if (!packed)
        {
            e.Emit(&Not, other, hit);
        }

        int c = e.Scratch();
        if (combination is not null)
        {
            e.Emit(&Copy, c, e.PredicateSource(3));
        }

        Combine(e, combination, first, hit, c);
        if (second is { } q)
        {
            Combine(e, combination, q, other, c);
        }
    }

    private static void Combine(Emitter e, string? combination, int d, int a, int b) => e.Emit(combination switch
    {
        "and" => &And,
        "or" => &Or,
        "xor" => &Xor,
        _ => &Copy,
    }, d, a, b);

    // set.cmp.dtype.stype d, a, b: all ones (or 1.0) where it holds.
    private static void Set(Emitter e)
    {
        string comparison = TakeComparison(e);
        string? combination = e.TakeAny("and", "or", "xor");
        bool ftz = e.Take("ftz");
        PtxType target = e.TakeType();
        PtxType type = e.TakeType();
        e.Expect(combination is null ? 3 : 4);
        if (target.ByteSize() != 4 || target is PtxType.F16x2 or PtxType.BF16x2 || type is PtxType.F16x2 or PtxType.BF16x2)
        {
            throw e.Unsupported();
        }

        int hit = e.Scratch();
        EmitComparison(e, comparison, ftz, type, hit);
        if (combination is not null)
        {
            Combine(e, combination, hit, hit, e.PredicateSource(3));
        }

        uint yes = target == PtxType.F32 ? BitConverter.SingleToUInt32Bits(1) : Lanes.All;
        Moves.Select(e, target, e.Destination(0, 4), e.Constant(yes, false), e.Constant(0, false), hit);
    }

    private static string TakeComparison(Emitter e) =>
        e.TakeAny("eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan")
        ?? throw e.Error($"instruction '{e.Name}' lacks a comparison");

    private static void EmitComparison(Emitter e, string comparison, bool ftz, PtxType type, int d, int high = 0)
    {
        switch (type)
        {
            case PtxType.F16 or PtxType.BF16 or PtxType.F16x2 or PtxType.BF16x2:
                EmitHalfComparison(e, comparison, type, d, high);
                return;
            case PtxType.U16 or PtxType.B16 or PtxType.S16:
                (int a, int b) = (e.Scratch(), e.Scratch());
                e.Emit(type == PtxType.S16 ? &Lanes.Unary<int, SignExtend16> : &Lanes.Unary<uint, ZeroExtend16>, a, e.Source(1, type));
                e.Emit(type == PtxType.S16 ? &Lanes.Unary<int, SignExtend16> : &Lanes.Unary<uint, ZeroExtend16>, b, e.Source(2, type));
                e.Emit(type == PtxType.S16 ? Comparison<int>(e, comparison) : Comparison<uint>(e, comparison), d, a, b);
                return;
            default:
                e.Emit((type, ftz) switch
                {
                    (PtxType.U32 or PtxType.B32, false) => Comparison<uint>(e, comparison),
                    (PtxType.S32, false) => Comparison<int>(e, comparison),
                    (PtxType.U64 or PtxType.B64, false) => Comparison<ulong>(e, comparison),
                    (PtxType.S64, false) => Comparison<long>(e, comparison),
                    (PtxType.F32, false) => FloatComparison<float>(e, comparison),
                    (PtxType.F32, true) => FlushedComparison(e, comparison),
                    (PtxType.F64, false) => FloatComparison<double>(e, comparison),
                    _ => throw e.Unsupported(),
                }, d, e.Source(1, type), e.Source(2, type));
                return;
        }
    }

    private static void EmitHalfComparison(Emitter e, string comparison, PtxType type, int d, int high)
    {
        bool isHalf = type is PtxType.F16 or PtxType.F16x2;
        (int a, int b) = (e.Scratch(), e.Scratch());
        e.Emit(isHalf ? &HalfFormats.DecodeLow<Float16> : &HalfFormats.DecodeLow<BFloat16>, a, e.Source(1, type));
        e.Emit(isHalf ? &HalfFormats.DecodeLow<Float16> : &HalfFormats.DecodeLow<BFloat16>, b, e.Source(2, type));
        e.Emit(FloatComparison<float>(e, comparison), d, a, b);
        if (type is PtxType.F16x2 or PtxType.BF16x2)
        {
            e.Emit(isHalf ? &HalfFormats.DecodeHigh<Float16> : &HalfFormats.DecodeHigh<BFloat16>, a, e.Source(1, type));
            e.Emit(isHalf ? &HalfFormats.DecodeHigh<Float16> : &HalfFormats.DecodeHigh<BFloat16>, b, e.Source(2, type));
            e.Emit(FloatComparison<float>(e, comparison), high, a, b);
        }
    }

    // lo, ls, hi, hs are names for unsigned types only, and mean the same as lt, le, gt, ge there.
    private static Handler Comparison<T>(Emitter e, string comparison)
        where T : unmanaged => comparison switch
        {
            "eq" => &Compare<T, Equal<T>>,
            "ne" => &Compare<T, NotEqual<T>>,
            "lt" or "lo" => &Compare<T, Less<T>>,
            "le" or "ls" => &Compare<T, LessOrEqual<T>>,
            "gt" or "hi" => &Compare<T, Greater<T>>,
            "ge" or "hs" => &Compare<T, GreaterOrEqual<T>>,
            _ => throw e.Unsupported(),
        };

    private static Handler FloatComparison<T>(Emitter e, string comparison)
        where T : unmanaged => comparison switch
        {
            "eq" => &Compare<T, Equal<T>>,
            "ne" => &Compare<T, OrderedNotEqual<T>>,
            "lt" => &Compare<T, Less<T>>,
            "le" => &Compare<T, LessOrEqual<T>>,
            "gt" => &Compare<T, Greater<T>>,
            "ge" => &Compare<T, GreaterOrEqual<T>>,
            "equ" => &Compare<T, Negated<T, OrderedNotEqual<T>>>,
            "neu" => &Compare<T, NotEqual<T>>,
            "ltu" => &Compare<T, Negated<T, GreaterOrEqual<T>>>,
            "leu" => &Compare<T, Negated<T, Greater<T>>>,
            "gtu" => &Compare<T, Negated<T, LessOrEqual<T>>>,
            "geu" => &Compare<T, Negated<T, Less<T>>>,
            "num" => &Compare<T, Ordered<T>>,
            "nan" => &Compare<T, Negated<T, Ordered<T>>>,
            _ => throw e.Unsupported(),
        };

    private static Handler FlushedComparison(Emitter e, string comparison) => comparison switch
    {
        "eq" => &Compare<float, Flushed<Equal<float>>>,
        "ne" => &Compare<float, Flushed<OrderedNotEqual<float>>>,
        "lt" => &Compare<float, Flushed<Less<float>>>,
        "le" => &Compare<float, Flushed<LessOrEqual<float>>>,
        "gt" => &Compare<float, Flushed<Greater<float>>>,
        "ge" => &Compare<float, Flushed<GreaterOrEqual<float>>>,
        "equ" => &Compare<float, Flushed<Negated<float, OrderedNotEqual<float>>>>,
        "neu" => &Compare<float, Flushed<NotEqual<float>>>,
        "ltu" => &Compare<float, Flushed<Negated<float, GreaterOrEqual<float>>>>,
        "leu" => &Compare<float, Flushed<Negated<float, Greater<float>>>>,
        "gtu" => &Compare<float, Flushed<Negated<float, LessOrEqual<float>>>>,
        "geu" => &Compare<float, Flushed<Negated<float, Less<float>>>>,
        "num" => &Compare<float, Ordered<float>>,
        "nan" => &Compare<float, Negated<float, Ordered<float>>>,
        _ => throw e.Unsupported(),
    };
}
