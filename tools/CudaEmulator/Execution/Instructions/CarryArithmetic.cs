using System.Numerics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// Numbers of many words: add.cc, addc, sub.cc, subc, mad.cc, madc. The carry is a predicate at a fixed place of the frame;
/// for subtractions it is the borrow.
/// </summary>
internal static unsafe class CarryArithmetic
{
    private const int ReadsCarry = 1, WritesCarry = 2, Subtracts = 4;

    public static readonly InstructionTable Table = new()
    {
        ["addc"] = AddOrSubtract,
        ["subc"] = AddOrSubtract,
        ["madc"] = MultiplyAdd,
    };

    /// <summary>add.cc, addc{.cc}, sub.cc, subc{.cc}.</summary>
    public static void AddOrSubtract(Emitter e)
    {
        int flags = Flags(e) | (e.Instruction.Opcode.StartsWith("sub", StringComparison.Ordinal) ? Subtracts : 0);
        PtxType type = e.TakeType();
        e.Expect(3);
        int bytes = type.ByteSize();
        e.Emit(type switch
        {
            PtxType.U32 or PtxType.S32 => &Sum<uint>,
            PtxType.U64 or PtxType.S64 => &Sum<ulong>,
            _ => throw e.Unsupported(),
        }, e.Destination(0, bytes), e.Source(1, type), e.Source(2, type), constant: flags);
    }

    /// <summary>mad.cc, madc{.cc}: the product's lower or upper half first, then the sum.</summary>
    public static void MultiplyAdd(Emitter e)
    {
        int flags = Flags(e);
        bool isHigh = e.TakeAny("lo", "hi") == "hi";
        PtxType type = e.TakeType();
        e.Expect(4);
        int bytes = type.ByteSize();
        int product = e.Scratch();
        e.Emit((type, isHigh) switch
        {
            (PtxType.U32 or PtxType.S32, false) => &Lanes.Binary<uint, Multiply<uint>>,
            (PtxType.U64 or PtxType.S64, false) => &Lanes.Binary<ulong, Multiply<ulong>>,
            (PtxType.U32, true) => &Lanes.Map2<uint, uint, HighProduct<uint>>,
            (PtxType.S32, true) => &Lanes.Map2<int, int, HighProduct<int>>,
            (PtxType.U64, true) => &Lanes.Map2<ulong, ulong, HighProduct<ulong>>,
            (PtxType.S64, true) => &Lanes.Map2<long, long, HighProduct<long>>,
            _ => throw e.Unsupported(),
        }, product, e.Source(1, type), e.Source(2, type));
        e.Emit(bytes == 8 ? &Sum<ulong> : &Sum<uint>, e.Destination(0, bytes), product, e.Source(3, type), constant: flags);
    }

    private static int Flags(Emitter e) =>
        (e.Instruction.Opcode.EndsWith('c') ? ReadsCarry : 0) | (e.Take("cc") ? WritesCarry : 0);

    private static Op* Sum<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged, IBinaryInteger<T>
    {
        int flags = (int)op->Constant;
        uint carryIn = (flags & ReadsCarry) != 0 ? *(uint*)(f + FrameLayout.Carry) : 0;
        uint carryOut = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            T a = Lanes.Read<T>(f + op->A, lane);
            T b = Lanes.Read<T>(f + op->B, lane);
            T carry = (carryIn >> lane & 1) != 0 ? T.One : T.Zero;
            T result;
            bool overflows;
            if ((flags & Subtracts) != 0)
            {
                result = unchecked(a - b - carry);
                overflows = a < b || (carry == T.One && a == b);
            }
            else
            {
                result = unchecked(a + b + carry);
                overflows = result < a || (carry == T.One && result == a);
            }

            Lanes.Write(f + op->D, lane, result);
            carryOut |= overflows ? 1u << lane : 0;
        }

        if ((flags & WritesCarry) != 0)
        {
            Lanes.StorePredicate(carryOut, f + FrameLayout.Carry, mask);
        }

        return op + 1;
    }
}
