using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// ld and st: which of the handlers an instruction is, by its space, its type and its registers. Values narrower than their
/// register are extended. One value a lane is <see cref="ScalarAccess"/>, two or four are <see cref="VectorAccess"/>.
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

        AddressWindow window = WindowOf(e, space);
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

        (StateSpace place, ulong start) = e.Compiler.AddressOf(symbol, e.Instruction.Line);
        AddressWindow symbolWindow = place switch
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
        StateSpace space = TakeSpace(e);
        int count = TakeCount(e);
        PtxType type = e.TakeType();
        e.Expect(2, 3); // a third operand is a cache policy
        (int at, int isNarrow, long offset, AddressWindow window) = Address(e, 1, space);
        IReadOnlyList<PtxOperand?> elements = e.Elements(0);
        if (elements.Count != count)
        {
            throw e.Mismatch();
        }

        bool wide = IsWide(e, elements, type);
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
        StateSpace space = TakeSpace(e);
        int count = TakeCount(e);
        PtxType type = e.TakeType();
        e.Expect(2, 3);
        (int at, int isNarrow, long offset, AddressWindow window) = Address(e, 0, space);
        IReadOnlyList<PtxOperand?> elements = e.Elements(1);
        if (elements.Count != count || space == StateSpace.Const)
        {
            throw e.Mismatch();
        }

        bool wide = IsWide(e, elements, type);
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
        bool[] widths = elements.OfType<PtxOperand.Register>().Select(r => r.Value.Type.ByteSize() == 8).Distinct().ToArray();
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
            (PtxType.B8 or PtxType.U8, false) => &ScalarAccess.Load<TSpace, byte, uint>,
            (PtxType.B8 or PtxType.U8, true) => &ScalarAccess.Load<TSpace, byte, ulong>,
            (PtxType.S8, false) => &ScalarAccess.Load<TSpace, sbyte, int>,
            (PtxType.S8, true) => &ScalarAccess.Load<TSpace, sbyte, long>,
            (PtxType.B16 or PtxType.U16 or PtxType.F16 or PtxType.BF16, false) => &ScalarAccess.Load<TSpace, ushort, uint>,
            (PtxType.B16 or PtxType.U16, true) => &ScalarAccess.Load<TSpace, ushort, ulong>,
            (PtxType.S16, false) => &ScalarAccess.Load<TSpace, short, int>,
            (PtxType.S16, true) => &ScalarAccess.Load<TSpace, short, long>,
            (PtxType.S32, true) => &ScalarAccess.Load<TSpace, int, long>,
            (PtxType.B32 or PtxType.U32, true) => &ScalarAccess.Load<TSpace, uint, ulong>,
            (_, false) when type.ByteSize() == 4 => &ScalarAccess.Load<TSpace, uint, uint>,
            (_, true) when type.ByteSize() == 8 => &ScalarAccess.Load<TSpace, ulong, ulong>,
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
            (1, false) => &ScalarAccess.Store<TSpace, byte, uint>,
            (1, true) => &ScalarAccess.Store<TSpace, byte, ulong>,
            (2, false) => &ScalarAccess.Store<TSpace, ushort, uint>,
            (2, true) => &ScalarAccess.Store<TSpace, ushort, ulong>,
            (4, false) => &ScalarAccess.Store<TSpace, uint, uint>,
            (4, true) => &ScalarAccess.Store<TSpace, uint, ulong>,
            (8, true) => &ScalarAccess.Store<TSpace, ulong, ulong>,
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
            (PtxType.B8 or PtxType.U8, false) => &VectorAccess.Load<TSpace, byte, uint>,
            (PtxType.S8, false) => &VectorAccess.Load<TSpace, sbyte, int>,
            (PtxType.S16, false) => &VectorAccess.Load<TSpace, short, int>,
            (_, false) when type.ByteSize() == 2 => &VectorAccess.Load<TSpace, ushort, uint>,
            (_, false) when type.ByteSize() == 4 => &VectorAccess.Load<TSpace, uint, uint>,
            (_, true) when type.ByteSize() == 8 => &VectorAccess.Load<TSpace, ulong, ulong>,
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
            (1, false) => &VectorAccess.Store<TSpace, byte, uint>,
            (2, false) => &VectorAccess.Store<TSpace, ushort, uint>,
            (4, false) => &VectorAccess.Store<TSpace, uint, uint>,
            (8, true) => &VectorAccess.Store<TSpace, ulong, ulong>,
            _ => throw e.Unsupported(),
        };
}
