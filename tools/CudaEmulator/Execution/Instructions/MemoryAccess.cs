using System.Numerics;
using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// ld and st, of one value a lane or of a vector of two or four. Values narrower than their register are extended.
/// Whole warps that access consecutive words, the usual case, are two vector loads and two stores.
/// </summary>
internal static unsafe class MemoryAccess
{
    // Hints that change no result: caching, order among threads (warps of a block run one after another anyway).
    private static readonly string[] Hints =
    [
        "weak", "relaxed", "acquire", "release", "volatile", "mmio", "cta", "cluster", "gpu", "sys",
        "ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "unified",
        "L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate",
        "L2::evict_normal", "L2::evict_first", "L2::evict_last", "L2::cache_hint", "L2::64B", "L2::128B", "L2::256B",
    ];

    public static readonly InstructionTable Table = new()
    {
        ["ld"] = Load,
        ["ldu"] = Load,
        ["st"] = Store,
    };

    /// <summary>Takes caching and ordering modifiers.</summary>
    public static void TakeHints(Emitter e)
    {
        while (e.TakeAny(Hints) is not null)
        {
        }
    }

    /// <summary>Takes the state space; generic if none is named.</summary>
    public static StateSpace TakeSpace(Emitter e) => e.TakeAny("global", "shared", "shared::cta", "local", "const", "param", "param::entry", "param::func") switch
    {
        "global" => StateSpace.Global,
        "shared" or "shared::cta" => StateSpace.Shared,
        "local" => StateSpace.Local,
        "const" => StateSpace.Const,
        "param" or "param::entry" or "param::func" => StateSpace.Param,
        _ => StateSpace.Generic,
    };

    /// <summary>The window of a space; parameters of device functions are in local memory.</summary>
    public static AddressWindow WindowOf(Emitter e, StateSpace space) => space switch
    {
        StateSpace.Global or StateSpace.Const => AddressWindow.Global,
        StateSpace.Shared => AddressWindow.Shared,
        StateSpace.Local => AddressWindow.Local,
        StateSpace.Param => e.Compiler.InDeviceFunction ? AddressWindow.Local : AddressWindow.Param,
        _ => AddressWindow.Generic,
    };

    /// <summary>An address operand: its register, whether that has 32 bits, its offset, and the window it points into.</summary>
    public static (int Base, int IsNarrow, long Offset, AddressWindow Window) Address(Emitter e, int operand, StateSpace space)
    {
        if (e.Instruction.Operands[operand] is not PtxOperand.Address address)
        {
            throw e.Mismatch();
        }

        var window = WindowOf(e, space);
        if (address.Base is { } register)
        {
            return register.Type == PtxType.Pred || register.Type.ByteSize() < 4
                ? throw e.Mismatch()
                : (e.Offset(register), register.Type.ByteSize() == 4 ? 1 : 0, address.Offset, window);
        }

        if (address.Symbol is not { } symbol)
        {
            return (e.Constant((ulong)address.Offset, true), 0, 0, window);
        }

        var (place, start) = e.Compiler.AddressOf(symbol, e.Instruction.Line);
        var symbolWindow = place switch
        {
            StateSpace.Local => AddressWindow.Local,
            StateSpace.Shared => AddressWindow.Shared,
            StateSpace.Param => AddressWindow.Param,
            _ => AddressWindow.Global,
        };
        if (space != StateSpace.Generic && space != StateSpace.Param && symbolWindow != window)
        {
            throw e.Error($"'{symbol.Name}' is not in the state space that instruction '{e.Name}' accesses");
        }

        return (e.Constant(start + (ulong)address.Offset, true), 0, 0, symbolWindow);
    }

    private static void Load(Emitter e)
    {
        TakeHints(e);
        var space = TakeSpace(e);
        var count = TakeCount(e);
        var type = e.TakeType();
        e.Expect(2, 3); // a third operand is a cache policy
        var (at, isNarrow, offset, window) = Address(e, 1, space);
        var elements = e.Elements(0);
        if (elements.Count != count)
        {
            throw e.Mismatch();
        }

        var wide = IsWide(e, elements, type);
        if (count == 1)
        {
            e.Emit(LoadHandler(e, window, type, wide), e.Destination(elements[0], RegisterBytes(elements[0], type)), at, c: isNarrow, constant: offset);
            return;
        }

        int[] slots = [.. elements.Select(x => e.Destination(x, RegisterBytes(x, type)))];
        e.Emit(LoadVectorHandler(e, window, type, wide), a: at, c: isNarrow, constant: offset, slots: slots);
    }

    private static void Store(Emitter e)
    {
        TakeHints(e);
        var space = TakeSpace(e);
        var count = TakeCount(e);
        var type = e.TakeType();
        e.Expect(2, 3);
        var (at, isNarrow, offset, window) = Address(e, 0, space);
        var elements = e.Elements(1);
        if (elements.Count != count || space == StateSpace.Const)
        {
            throw e.Mismatch();
        }

        var wide = IsWide(e, elements, type);
        int[] slots = [.. elements.Select(x => e.Source(x, type, orWider: true))];
        if (count == 1)
        {
            e.Emit(StoreHandler(e, window, type, wide), a: at, b: slots[0], c: isNarrow, constant: offset);
            return;
        }

        e.Emit(StoreVectorHandler(e, window, type, wide), a: at, c: isNarrow, constant: offset, slots: slots);
    }

    private static int TakeCount(Emitter e) => e.TakeAny("v2", "v4") switch
    {
        "v2" => 2,
        "v4" => 4,
        _ => 1,
    };

    private static int RegisterBytes(PtxOperand? operand, PtxType type) =>
        operand is PtxOperand.Register { Value.Type: var registerType } && registerType.ByteSize() >= type.ByteSize() ? registerType.ByteSize() : type.ByteSize();

    // Registers of 64 bits, or a type of 64 bits. A vector's registers are all alike.
    private static bool IsWide(Emitter e, IReadOnlyList<PtxOperand?> elements, PtxType type)
    {
        var widths = elements.OfType<PtxOperand.Register>().Select(r => r.Value.Type.ByteSize() == 8).Distinct().ToArray();
        return widths.Length > 1 ? throw e.Mismatch() : type.ByteSize() == 8 || (widths.Length == 1 && widths[0]);
    }

    private static Handler LoadHandler(Emitter e, AddressWindow window, PtxType type, bool wide) => window switch
    {
        AddressWindow.Global => LoadHandler<GlobalSpace>(e, type, wide),
        AddressWindow.Shared => LoadHandler<SharedSpace>(e, type, wide),
        AddressWindow.Local => LoadHandler<LocalSpace>(e, type, wide),
        AddressWindow.Param => LoadHandler<ParamSpace>(e, type, wide),
        _ => LoadHandler<GenericSpace>(e, type, wide),
    };

    private static Handler LoadHandler<TSpace>(Emitter e, PtxType type, bool wide)
        where TSpace : struct, ISpace => (type, wide) switch
        {
            (PtxType.B8 or PtxType.U8, false) => &Load<TSpace, byte, uint>,
            (PtxType.B8 or PtxType.U8, true) => &Load<TSpace, byte, ulong>,
            (PtxType.S8, false) => &Load<TSpace, sbyte, int>,
            (PtxType.S8, true) => &Load<TSpace, sbyte, long>,
            (PtxType.B16 or PtxType.U16 or PtxType.F16 or PtxType.BF16, false) => &Load<TSpace, ushort, uint>,
            (PtxType.B16 or PtxType.U16, true) => &Load<TSpace, ushort, ulong>,
            (PtxType.S16, false) => &Load<TSpace, short, int>,
            (PtxType.S16, true) => &Load<TSpace, short, long>,
            (PtxType.S32, true) => &Load<TSpace, int, long>,
            (PtxType.B32 or PtxType.U32, true) => &Load<TSpace, uint, ulong>,
            (_, false) when type.ByteSize() == 4 => &Load<TSpace, uint, uint>,
            (_, true) when type.ByteSize() == 8 => &Load<TSpace, ulong, ulong>,
            _ => throw e.Unsupported(),
        };

    private static Handler StoreHandler(Emitter e, AddressWindow window, PtxType type, bool wide) => window switch
    {
        AddressWindow.Global => StoreHandler<GlobalSpace>(e, type, wide),
        AddressWindow.Shared => StoreHandler<SharedSpace>(e, type, wide),
        AddressWindow.Local => StoreHandler<LocalSpace>(e, type, wide),
        AddressWindow.Param => throw e.Error("kernel parameters cannot be written"),
        _ => StoreHandler<GenericSpace>(e, type, wide),
    };

    private static Handler StoreHandler<TSpace>(Emitter e, PtxType type, bool wide)
        where TSpace : struct, ISpace => (type.ByteSize(), wide) switch
        {
            (1, false) => &Store<TSpace, byte, uint>,
            (1, true) => &Store<TSpace, byte, ulong>,
            (2, false) => &Store<TSpace, ushort, uint>,
            (2, true) => &Store<TSpace, ushort, ulong>,
            (4, false) => &Store<TSpace, uint, uint>,
            (4, true) => &Store<TSpace, uint, ulong>,
            (8, true) => &Store<TSpace, ulong, ulong>,
            _ => throw e.Unsupported(),
        };

    private static Handler LoadVectorHandler(Emitter e, AddressWindow window, PtxType type, bool wide) => window switch
    {
        AddressWindow.Global => LoadVectorHandler<GlobalSpace>(e, type, wide),
        AddressWindow.Shared => LoadVectorHandler<SharedSpace>(e, type, wide),
        AddressWindow.Local => LoadVectorHandler<LocalSpace>(e, type, wide),
        AddressWindow.Param => LoadVectorHandler<ParamSpace>(e, type, wide),
        _ => LoadVectorHandler<GenericSpace>(e, type, wide),
    };

    private static Handler LoadVectorHandler<TSpace>(Emitter e, PtxType type, bool wide)
        where TSpace : struct, ISpace => (type, wide) switch
        {
            (PtxType.B8 or PtxType.U8, false) => &LoadVector<TSpace, byte, uint>,
            (PtxType.S8, false) => &LoadVector<TSpace, sbyte, int>,
            (PtxType.S16, false) => &LoadVector<TSpace, short, int>,
            (_, false) when type.ByteSize() == 2 => &LoadVector<TSpace, ushort, uint>,
            (_, false) when type.ByteSize() == 4 => &LoadVector<TSpace, uint, uint>,
            (_, true) when type.ByteSize() == 8 => &LoadVector<TSpace, ulong, ulong>,
            _ => throw e.Unsupported(),
        };

    private static Handler StoreVectorHandler(Emitter e, AddressWindow window, PtxType type, bool wide) => window switch
    {
        AddressWindow.Global => StoreVectorHandler<GlobalSpace>(e, type, wide),
        AddressWindow.Shared => StoreVectorHandler<SharedSpace>(e, type, wide),
        AddressWindow.Local => StoreVectorHandler<LocalSpace>(e, type, wide),
        AddressWindow.Param => throw e.Error("kernel parameters cannot be written"),
        _ => StoreVectorHandler<GenericSpace>(e, type, wide),
    };

    private static Handler StoreVectorHandler<TSpace>(Emitter e, PtxType type, bool wide)
        where TSpace : struct, ISpace => (type.ByteSize(), wide) switch
        {
            (1, false) => &StoreVector<TSpace, byte, uint>,
            (2, false) => &StoreVector<TSpace, ushort, uint>,
            (4, false) => &StoreVector<TSpace, uint, uint>,
            (8, true) => &StoreVector<TSpace, ulong, ulong>,
            _ => throw e.Unsupported(),
        };

    private static Op* Load<TSpace, TMemory, TRegister>(Op* op, byte* f, Warp w, uint mask)
        where TSpace : struct, ISpace
        where TMemory : unmanaged, IBinaryInteger<TMemory>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        if (mask == 0)
        {
            return op + 1;
        }

        var d = f + op->D;
        var shape = Addressing.Resolve<TSpace>(op, f, w, mask, sizeof(TMemory), out var first);
        w.Checks?.Read<TSpace>(op, w, mask, shape, first, sizeof(TMemory));
        switch (shape)
        {
            case AccessShape.Consecutive when sizeof(TMemory) == sizeof(TRegister):
                for (var part = 0; part < sizeof(TRegister) / 2; part++)
                {
                    Vector512.Load(first + 64 * part).Store(d + 64 * part);
                }

                break;
            case AccessShape.Consecutive:
                for (var lane = 0; lane < Lanes.Count; lane++)
                {
                    ((TRegister*)d)[lane] = TRegister.CreateTruncating(((TMemory*)first)[lane]);
                }

                break;
            case AccessShape.Uniform:
                var value = Vector512.Create(TRegister.CreateTruncating(*(TMemory*)first));
                for (var part = 0; part < sizeof(TRegister) / 2; part++)
                {
                    value.Store((TRegister*)(d + 64 * part));
                }

                break;
            default:
                for (var rest = mask; rest != 0; rest &= rest - 1)
                {
                    var lane = BitOperations.TrailingZeroCount(rest);
                    ((TRegister*)d)[lane] = TRegister.CreateTruncating(*(TMemory*)w.Addresses[lane]);
                }

                break;
        }

        return op + 1;
    }

    private static Op* Store<TSpace, TMemory, TRegister>(Op* op, byte* f, Warp w, uint mask)
        where TSpace : struct, ISpace
        where TMemory : unmanaged, IBinaryInteger<TMemory>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        if (mask == 0)
        {
            return op + 1;
        }

        var b = f + op->B;
        var shape = Addressing.Resolve<TSpace>(op, f, w, mask, sizeof(TMemory), out var first);
        w.Checks?.Write<TSpace>(op, w, mask, shape, first, sizeof(TMemory));
        switch (shape)
        {
            case AccessShape.Consecutive when sizeof(TMemory) == sizeof(TRegister):
                for (var part = 0; part < sizeof(TRegister) / 2; part++)
                {
                    Vector512.Load(b + 64 * part).Store(first + 64 * part);
                }

                break;
            case AccessShape.Consecutive:
                for (var lane = 0; lane < Lanes.Count; lane++)
                {
                    ((TMemory*)first)[lane] = TMemory.CreateTruncating(((TRegister*)b)[lane]);
                }

                break;
            case AccessShape.Uniform:
                *(TMemory*)first = TMemory.CreateTruncating(((TRegister*)b)[Lanes.Count - 1]); // as if lanes wrote in turn
                break;
            default:
                for (var rest = mask; rest != 0; rest &= rest - 1)
                {
                    var lane = BitOperations.TrailingZeroCount(rest);
                    *(TMemory*)w.Addresses[lane] = TMemory.CreateTruncating(((TRegister*)b)[lane]);
                }

                break;
        }

        if (shape != AccessShape.Consecutive && w.Checks is { } checks && checks.WatchesCollisionsAt((ulong)first))
        {
            for (var rest = mask; rest != 0; rest &= rest - 1)
            {
                var lane = BitOperations.TrailingZeroCount(rest);
                var place = shape == AccessShape.Uniform ? (ulong)first : w.Addresses[lane];
                if (*(TMemory*)place != TMemory.CreateTruncating(((TRegister*)b)[lane]))
                {
                    throw checks.Collision(op, w, lane, place);
                }
            }
        }

        return op + 1;
    }

    private static Op* LoadVector<TSpace, TMemory, TRegister>(Op* op, byte* f, Warp w, uint mask)
        where TSpace : struct, ISpace
        where TMemory : unmanaged, IBinaryInteger<TMemory>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        if (mask == 0)
        {
            return op + 1;
        }

        var count = op->Count;
        var addresses = Addressing.ResolveEach<TSpace>(op, f, w, mask, sizeof(TMemory) * count);
        w.Checks?.Read<TSpace>(op, w, mask, AccessShape.Scattered, (byte*)addresses[BitOperations.TrailingZeroCount(mask)], sizeof(TMemory) * count);
        var slots = op->Slots;
        if (count == 4)
        {
            TRegister* d0 = (TRegister*)(f + slots[0]), d1 = (TRegister*)(f + slots[1]), d2 = (TRegister*)(f + slots[2]), d3 = (TRegister*)(f + slots[3]);
            for (var rest = mask; rest != 0; rest &= rest - 1)
            {
                var lane = BitOperations.TrailingZeroCount(rest);
                var memory = (TMemory*)addresses[lane];
                d0[lane] = TRegister.CreateTruncating(memory[0]);
                d1[lane] = TRegister.CreateTruncating(memory[1]);
                d2[lane] = TRegister.CreateTruncating(memory[2]);
                d3[lane] = TRegister.CreateTruncating(memory[3]);
            }
        }
        else
        {
            TRegister* d0 = (TRegister*)(f + slots[0]), d1 = (TRegister*)(f + slots[1]);
            for (var rest = mask; rest != 0; rest &= rest - 1)
            {
                var lane = BitOperations.TrailingZeroCount(rest);
                var memory = (TMemory*)addresses[lane];
                d0[lane] = TRegister.CreateTruncating(memory[0]);
                d1[lane] = TRegister.CreateTruncating(memory[1]);
            }
        }

        return op + 1;
    }

    private static Op* StoreVector<TSpace, TMemory, TRegister>(Op* op, byte* f, Warp w, uint mask)
        where TSpace : struct, ISpace
        where TMemory : unmanaged, IBinaryInteger<TMemory>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        if (mask == 0)
        {
            return op + 1;
        }

        var count = op->Count;
        var addresses = Addressing.ResolveEach<TSpace>(op, f, w, mask, sizeof(TMemory) * count);
        w.Checks?.Write<TSpace>(op, w, mask, AccessShape.Scattered, (byte*)addresses[BitOperations.TrailingZeroCount(mask)], sizeof(TMemory) * count);
        var slots = op->Slots;
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var lane = BitOperations.TrailingZeroCount(rest);
            var memory = (TMemory*)addresses[lane];
            memory[0] = TMemory.CreateTruncating(((TRegister*)(f + slots[0]))[lane]);
            memory[1] = TMemory.CreateTruncating(((TRegister*)(f + slots[1]))[lane]);
            if (count == 4)
            {
                memory[2] = TMemory.CreateTruncating(((TRegister*)(f + slots[2]))[lane]);
                memory[3] = TMemory.CreateTruncating(((TRegister*)(f + slots[3]))[lane]);
            }
        }

        if (w.Checks is { } checks && checks.WatchesCollisionsAt(addresses[BitOperations.TrailingZeroCount(mask)]))
        {
            for (var rest = mask; rest != 0; rest &= rest - 1)
            {
                var lane = BitOperations.TrailingZeroCount(rest);
                for (var i = 0; i < count; i++)
                {
                    if (((TMemory*)addresses[lane])[i] != TMemory.CreateTruncating(((TRegister*)(f + slots[i]))[lane]))
                    {
                        throw checks.Collision(op, w, lane, addresses[lane]);
                    }
                }
            }
        }

        return op + 1;
    }
}
