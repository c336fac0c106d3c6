using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>mov, with its packing {a, b} → c and unpacking c → {a, b}; selp, slct; cvta is with the address spaces.</summary>
internal static unsafe class Moves
{
    public static readonly InstructionTable Table = new()
    {
        ["mov"] = Mov,
        ["selp"] = Selp,
        ["slct"] = Slct,
    };

    /// <summary>d = a, 32 bits or fewer.</summary>
    public static Op* Narrow(Op* op, byte* f, Warp w, uint mask) => Lanes.Unary<uint, Same<uint>>(op, f, w, mask);

    /// <summary>d = a, 64 bits.</summary>
    public static Op* Wide(Op* op, byte* f, Warp w, uint mask) => Lanes.Unary<ulong, Same<ulong>>(op, f, w, mask);

    /// <summary>d = the predicate c ? a : b.</summary>
    public static Op* Select<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged
    {
        uint choice = *(uint*)(f + op->C);
        byte* d = f + op->D, a = f + op->A, b = f + op->B;
        for (int part = 0; part < (sizeof(T) == 8 ? 4 : 2); part++)
        {
            if (sizeof(T) == 8)
            {
                Lanes.Store64(Vector512.ConditionalSelect(Lanes.Expand64(choice, part), Lanes.Load<ulong>(a, part), Lanes.Load<ulong>(b, part)), d, part, mask);
            }
            else
            {
                Lanes.Store32(Vector512.ConditionalSelect(Lanes.Expand32(choice, part), Lanes.Load<uint>(a, part), Lanes.Load<uint>(b, part)), d, part, mask);
            }
        }

        return op + 1;
    }

    /// <summary>Emits d = predicate ? a : b for values of a type.</summary>
    public static void Select(Emitter e, PtxType type, int d, int a, int b, int predicate) =>
        e.Emit(type.ByteSize() == 8 ? &Select<ulong> : &Select<uint>, d, a, b, predicate);

    /// <summary>Low half of a 64-bit register to a 32-bit one.</summary>
    public static Op* LowHalf(Op* op, byte* f, Warp w, uint mask)
    {
        byte* d = f + op->D, a = f + op->A;
        Lanes.Store32(Vector512.Narrow(Lanes.Load<ulong>(a, 0), Lanes.Load<ulong>(a, 1)), d, 0, mask);
        Lanes.Store32(Vector512.Narrow(Lanes.Load<ulong>(a, 2), Lanes.Load<ulong>(a, 3)), d, 1, mask);
        return op + 1;
    }

    private static void Mov(Emitter e)
    {
        e.TakeAny("v2", "v4");
        PtxType type = e.TakeType();
        e.Expect(2);
        if (type == PtxType.Pred)
        {
            e.Emit(&Predicates.Copy, e.PredicateDestination(), e.PredicateSource(1));
        }
        else if (e.Instruction.Operands[0] is PtxOperand.Vector parts)
        {
            if (e.Instruction.Operands[1] is PtxOperand.Vector whole)
            {
                MoveEach(e, parts, whole, type);
            }
            else
            {
                Unpack(e, parts, type);
            }
        }
        else if (e.Instruction.Operands[1] is PtxOperand.Vector sources)
        {
            Pack(e, sources, type);
        }
        else
        {
            e.Move(e.Destination(0, type.ByteSize()), e.Instruction.Operands[1], type);
        }
    }

    // mov.v4.u32 {…}, %tid: element by element.
    private static void MoveEach(Emitter e, PtxOperand.Vector targets, PtxOperand.Vector sources, PtxType type)
    {
        foreach ((PtxOperand? target, PtxOperand? source) in targets.Elements.Zip(sources.Elements))
        {
            e.Move(e.Destination(target, type.ByteSize()), e.Source(source, type), type);
        }
    }

    private static (PtxType Part, int Count) PartsOf(Emitter e, PtxOperand.Vector parts, PtxType type)
    {
        int bits = 8 * type.ByteSize() / parts.Elements.Count;
        return ((bits, parts.Elements.Count) switch
        {
            (8, 2 or 4) => PtxType.B8,
            (16, 2 or 4) => PtxType.B16,
            (32, 2) => PtxType.B32,
            _ => throw e.Mismatch(),
        }, parts.Elements.Count);
    }

    private static void Pack(Emitter e, PtxOperand.Vector sources, PtxType type)
    {
        (PtxType part, _) = PartsOf(e, sources, type);
        int d = e.Destination(0, type.ByteSize());
        int[] slots = [.. sources.Elements.Select(s => e.Source(s, part))];
        e.Emit((type.ByteSize(), part) switch
        {
            (8, PtxType.B32) => &PackTwo,
            (4, PtxType.B16) => &PackHalves,
            (8, _) => &PackAny<ulong>,
            _ => &PackAny<uint>,
        }, d, slots: slots, constant: 8 * part.ByteSize());
    }

    private static void Unpack(Emitter e, PtxOperand.Vector targets, PtxType type)
    {
        (PtxType part, _) = PartsOf(e, targets, type);
        int a = e.Source(1, type);
        int[] slots = [.. targets.Elements.Select(t => e.Destination(t, part.ByteSize()))];
        e.Emit((type.ByteSize(), part) switch
        {
            (8, PtxType.B32) => &UnpackTwo,
            (4, PtxType.B16) => &UnpackHalves,
            (8, _) => &UnpackAny<ulong>,
            _ => &UnpackAny<uint>,
        }, a: a, slots: slots, constant: 8 * part.ByteSize());
    }

    private static Op* PackTwo(Op* op, byte* f, Warp w, uint mask)
    {
        byte* d = f + op->D, low = f + op->Slots[0], high = f + op->Slots[1];
        for (int part = 0; part < 2; part++)
        {
            Vector512<uint> l = Lanes.Load<uint>(low, part);
            Vector512<uint> h = Lanes.Load<uint>(high, part);
            Lanes.Store64(Vector512.WidenLower(l) | (Vector512.WidenLower(h) << 32), d, 2 * part, mask);
            Lanes.Store64(Vector512.WidenUpper(l) | (Vector512.WidenUpper(h) << 32), d, 2 * part + 1, mask);
        }

        return op + 1;
    }

    private static Op* UnpackTwo(Op* op, byte* f, Warp w, uint mask)
    {
        byte* a = f + op->A, low = f + op->Slots[0], high = f + op->Slots[1];
        for (int part = 0; part < 2; part++)
        {
            Vector512<ulong> first = Lanes.Load<ulong>(a, 2 * part);
            Vector512<ulong> second = Lanes.Load<ulong>(a, 2 * part + 1);
            Lanes.Store32(Vector512.Narrow(first, second), low, part, mask);
            Lanes.Store32(Vector512.Narrow(first >>> 32, second >>> 32), high, part, mask);
        }

        return op + 1;
    }

    private static Op* PackHalves(Op* op, byte* f, Warp w, uint mask)
    {
        byte* d = f + op->D, low = f + op->Slots[0], high = f + op->Slots[1];
        for (int part = 0; part < 2; part++)
        {
            Lanes.Store32((Lanes.Load<uint>(low, part) & Vector512.Create(0xffffu)) | (Lanes.Load<uint>(high, part) << 16), d, part, mask);
        }

        return op + 1;
    }

    private static Op* UnpackHalves(Op* op, byte* f, Warp w, uint mask)
    {
        byte* a = f + op->A, low = f + op->Slots[0], high = f + op->Slots[1];
        for (int part = 0; part < 2; part++)
        {
            Vector512<uint> whole = Lanes.Load<uint>(a, part);
            Lanes.Store32(whole & Vector512.Create(0xffffu), low, part, mask);
            Lanes.Store32(whole >>> 16, high, part, mask);
        }

        return op + 1;
    }

    private static Op* PackAny<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        int bits = (int)op->Constant;
        for (int lane = 0; lane < Lanes.Count; lane++)
        {
            T whole = T.Zero;
            for (int i = op->Count - 1; i >= 0; i--)
            {
                whole = (whole << bits) | T.CreateTruncating(Lanes.Read<uint>(f + op->Slots[i], lane) & ((1u << bits) - 1));
            }

            if ((mask >> lane & 1) != 0)
            {
                Lanes.Write(f + op->D, lane, whole);
            }
        }

        return op + 1;
    }

    private static Op* UnpackAny<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        int bits = (int)op->Constant;
        for (int lane = 0; lane < Lanes.Count; lane++)
        {
            T whole = Lanes.Read<T>(f + op->A, lane);
            for (int i = 0; i < op->Count && (mask >> lane & 1) != 0; i++)
            {
                Lanes.Write(f + op->Slots[i], lane, uint.CreateTruncating(whole >>> (bits * i)) & ((1u << bits) - 1));
            }
        }

        return op + 1;
    }

    private static void Selp(Emitter e)
    {
        PtxType type = e.TakeType();
        e.Expect(4);
        Select(e, type, e.Destination(0, type.ByteSize()), e.Source(1, type), e.Source(2, type), e.PredicateSource(3));
    }

    // slct: c >= 0 ? a : b.
    private static void Slct(Emitter e)
    {
        bool ftz = e.Take("ftz");
        PtxType type = e.TakeType();
        PtxType test = e.TakeType();
        e.Expect(4);
        int d = e.Destination(0, type.ByteSize());
        int a = e.Source(1, type);
        int b = e.Source(2, type);
        int hit = e.Scratch();
        e.Emit((test, ftz) switch
        {
            (PtxType.S32, false) => &Predicates.Compare<int, GreaterOrEqual<int>>,
            (PtxType.F32, false) => &Predicates.Compare<float, GreaterOrEqual<float>>,
            (PtxType.F32, true) => &Predicates.Compare<float, Flushed<GreaterOrEqual<float>>>,
            _ => throw e.Unsupported(),
        }, hit, e.Source(3, test), e.Constant(0, false));
        Select(e, type, d, a, b, hit);
    }
}
