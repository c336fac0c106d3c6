using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>shfl: values that the lanes of a warp give each other.</summary>
internal static unsafe class Shuffles
{
    private const int Up = 0, Down = 1, Butterfly = 2, Indexed = 3;

    private static Vector512<int> FirstSixteen => Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    public static readonly InstructionTable Table = new()
    {
        ["shfl"] = Shuffle,
    };

    /// <summary>All lanes that the executing lanes name in their member masks.</summary>
    public static uint Members(byte* register, uint mask)
    {
        Vector512<uint> all = (Lanes.Load<uint>(register, 0) & Lanes.Expand32(mask, 0)) | (Lanes.Load<uint>(register, 1) & Lanes.Expand32(mask, 1));
        Vector256<uint> half = all.GetLower() | all.GetUpper();
        Vector128<ulong> quarter = (half.GetLower() | half.GetUpper()).AsUInt64();
        ulong rest = quarter[0] | quarter[1];
        return (uint)rest | (uint)(rest >> 32);
    }

    // shfl.sync.mode.b32 d|p, a, b, c, members
    private static void Shuffle(Emitter e)
    {
        e.Take("sync");
        int mode = e.TakeAny("up", "down", "bfly", "idx") switch
        {
            "up" => Up,
            "down" => Down,
            "bfly" => Butterfly,
            "idx" => Indexed,
            _ => throw e.Unsupported(),
        };
        e.TakeType();
        e.Expect(4, 5);
        (PtxRegister? value, PtxRegister? predicate) = Pair(e);
        int d = value is null ? e.Scratch() : e.Destination(new PtxOperand.Register(value), 4);
        int p = e.Predicate(predicate);
        int members = e.Operands == 5 ? e.Source(4, PtxType.B32) : e.Constant(Lanes.All, false);
        int[] slots = [members, p];
        e.Emit(&Shuffle, d, e.Source(1, PtxType.B32), e.Source(2, PtxType.B32), e.Source(3, PtxType.B32), mode, slots);
    }

    /// <summary>The operand d|p, the first: a destination and a predicate, or one of both.</summary>
    public static (PtxRegister? First, PtxRegister? Second) Pair(Emitter e) => e.Instruction.Operands[0] switch
    {
        PtxOperand.Pair pair => (pair.First, pair.Second),
        PtxOperand.Register register => (register.Value, null),
        PtxOperand.Sink => (null, null),
        _ => throw e.Mismatch(),
    };

    // The manual's pseudocode. c packs the segments' mask (bits 8 to 12) and the bound within a segment (bits 0 to 4).
    private static Op* Shuffle(Op* op, byte* f, Warp w, uint mask)
    {
        if (!w.Gather(op, mask, Members(f + op->Slots[0], mask), out Op* next))
        {
            return next;
        }

        uint inRange = 0;
        Vector512<uint> low = Lanes.Load<uint>(f + op->A, 0), high = Lanes.Load<uint>(f + op->A, 1);
        for (int part = 0; part < 2; part++)
        {
            Vector512<int> lane = FirstSixteen + Vector512.Create(16 * part);
            Vector512<int> b = Lanes.Load<int>(f + op->B, part) & Vector512.Create(31);
            Vector512<int> c = Lanes.Load<int>(f + op->C, part);
            Vector512<int> segment = (c >>> 8) & Vector512.Create(31);
            Vector512<int> least = lane & segment;
            Vector512<int> most = least | Vector512.AndNot(c & Vector512.Create(31), segment);
            Vector512<int> from = op->Constant switch
            {
                Up => lane - b,
                Down => lane + b,
                Butterfly => lane ^ b,
                _ => least | Vector512.AndNot(b, segment),
            };
            Vector512<int> isValid = op->Constant == Up ? Vector512.GreaterThanOrEqual(from, most) : Vector512.LessThanOrEqual(from, most);
            from = Vector512.ConditionalSelect(isValid, from, lane);
            inRange |= (uint)isValid.ExtractMostSignificantBits() << (16 * part);
            Lanes.Store32(Choose(low, high, from), f + op->D, part, mask);
        }

        Lanes.StorePredicate(inRange, f + op->Slots[1], mask);
        return op + 1;
    }

    // Sixteen of the 32 values.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Choose(Vector512<uint> low, Vector512<uint> high, Vector512<int> from)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.PermuteVar16x32x2(low, from.AsUInt32(), high);
        }

        uint* values = stackalloc uint[Lanes.Count];
        low.Store(values);
        high.Store(values + 16);
        Vector512<uint> chosen = Vector512<uint>.Zero;
        for (int i = 0; i < 16; i++)
        {
            chosen = chosen.WithElement(i, values[from[i]]);
        }

        return chosen;
    }
}
