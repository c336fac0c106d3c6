using System.Numerics;
using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>What an atomic instruction makes of the old value.</summary>
internal interface IAtomic<T>
{
    static abstract T Apply(T old, T b, T c);
}

/// <summary>
/// atom and red. Lanes act one after another, from lane 0 on. A block's warps never run at the same time, and the blocks of
/// a kernel with atomics on global memory run in order on one thread: so plain loads and stores do, and floating-point sums
/// come out the same every time.
/// </summary>
internal static unsafe class Atomics
{
    public static readonly InstructionTable Table = new()
    {
        ["atom"] = e => Emit(e, hasResult: true),
        ["red"] = e => Emit(e, hasResult: false),
    };

    private static void Emit(Emitter e, bool hasResult)
    {
        StateSpace space = MemoryAccess.TakeSpace(e);
        MemoryAccess.TakeHints(e);
        string operation = e.TakeAny("add", "and", "or", "xor", "cas", "exch", "inc", "dec", "min", "max") ?? throw e.Unsupported();
        e.Take("noftz");
        int count = e.TakeAny("v2", "v4", "v8") switch { "v2" => 2, "v4" => 4, "v8" => 8, _ => 1 };
        PtxType type = e.TakeType();
        if (count > 1)
        {
            e.Require(90);
        }

        int first = hasResult ? 1 : 0;
        int least = first + (operation == "cas" ? 3 : 2);
        e.Expect(least, least + 1); // a last operand is a cache policy
        (int at, int isNarrow, long offset, AddressWindow window) = MemoryAccess.Address(e, first, space);
        e.Compiler.HasGlobalAtomics |= window is AddressWindow.Global or AddressWindow.Generic;
        IReadOnlyList<PtxOperand?> values = e.Elements(first + 1);
        IReadOnlyList<PtxOperand?> results = hasResult ? e.Elements(0) : [];
        if (values.Count != count || (hasResult && results.Count != count))
        {
            throw e.Mismatch();
        }

        // A vector is as many atomics, one element after another.
        int bytes = type.ByteSize();
        for (int i = 0; i < count; i++)
        {
            int b = e.Source(values[i], type);
            int[] slots = [operation == "cas" ? e.Source(first + 2, type) : b];
            e.Emit(Choose(e, window, operation, type), hasResult ? e.Destination(results[i], bytes) : e.Scratch(), at, b, isNarrow, offset + i * bytes, slots);
        }
    }

    private static Handler Choose(Emitter e, AddressWindow window, string operation, PtxType type) => window switch
    {
        AddressWindow.Global => Choose<GlobalSpace>(e, operation, type, flushes: true),
        AddressWindow.Shared => Choose<SharedSpace>(e, operation, type, flushes: false),
        AddressWindow.Generic => Choose<GenericSpace>(e, operation, type, flushes: true),
        _ => throw e.Unsupported(),
    };

    // On global memory, add.f32 takes denormals for zeros.
    private static Handler Choose<TSpace>(Emitter e, string operation, PtxType type, bool flushes)
        where TSpace : struct, ISpace => (operation, type) switch
        {
            ("add", PtxType.U32 or PtxType.S32) => &Run<TSpace, uint, AtomicAdd<uint>>,
            ("add", PtxType.U64 or PtxType.S64) => &Run<TSpace, ulong, AtomicAdd<ulong>>,
            ("add", PtxType.F32) => flushes ? &Run<TSpace, float, AtomicAddFlushed> : &Run<TSpace, float, AtomicAddSingle>,
            ("add", PtxType.F64) => &Run<TSpace, double, AtomicAdd<double>>,
            ("add", PtxType.F16) => &Run<TSpace, ushort, AtomicHalf<Half2<Add<float>, Float16, Same<float>>>>,
            ("add", PtxType.F16x2) => &Run<TSpace, uint, AtomicHalf<Half2<Add<float>, Float16, Same<float>>>>,
            ("add", PtxType.BF16) => &Run<TSpace, ushort, AtomicHalf<Half2<Add<float>, BFloat16, Same<float>>>>,
            ("add", PtxType.BF16x2) => &Run<TSpace, uint, AtomicHalf<Half2<Add<float>, BFloat16, Same<float>>>>,
            ("min", PtxType.U32) => &Run<TSpace, uint, AtomicMin<uint>>,
            ("min", PtxType.S32) => &Run<TSpace, int, AtomicMin<int>>,
            ("min", PtxType.U64) => &Run<TSpace, ulong, AtomicMin<ulong>>,
            ("min", PtxType.S64) => &Run<TSpace, long, AtomicMin<long>>,
            ("max", PtxType.U32) => &Run<TSpace, uint, AtomicMax<uint>>,
            ("max", PtxType.S32) => &Run<TSpace, int, AtomicMax<int>>,
            ("max", PtxType.U64) => &Run<TSpace, ulong, AtomicMax<ulong>>,
            ("max", PtxType.S64) => &Run<TSpace, long, AtomicMax<long>>,
            ("inc", PtxType.U32) => &Run<TSpace, uint, AtomicIncrement>,
            ("dec", PtxType.U32) => &Run<TSpace, uint, AtomicDecrement>,
            ("and", PtxType.B32) => &Run<TSpace, uint, AtomicAnd<uint>>,
            ("and", PtxType.B64) => &Run<TSpace, ulong, AtomicAnd<ulong>>,
            ("or", PtxType.B32) => &Run<TSpace, uint, AtomicOr<uint>>,
            ("or", PtxType.B64) => &Run<TSpace, ulong, AtomicOr<ulong>>,
            ("xor", PtxType.B32) => &Run<TSpace, uint, AtomicXor<uint>>,
            ("xor", PtxType.B64) => &Run<TSpace, ulong, AtomicXor<ulong>>,
            ("exch", PtxType.B32 or PtxType.U32 or PtxType.S32 or PtxType.F32) => &Run<TSpace, uint, AtomicExchange<uint>>,
            ("exch", PtxType.B64 or PtxType.U64 or PtxType.S64) => &Run<TSpace, ulong, AtomicExchange<ulong>>,
            ("cas", PtxType.B16) => &Run<TSpace, ushort, AtomicCompare<ushort>>,
            ("cas", PtxType.B32 or PtxType.U32 or PtxType.S32) => &Run<TSpace, uint, AtomicCompare<uint>>,
            ("cas", PtxType.B64 or PtxType.U64 or PtxType.S64) => &Run<TSpace, ulong, AtomicCompare<ulong>>,
            _ => throw e.Unsupported(),
        };

    private static Op* Run<TSpace, T, TOp>(Op* op, byte* f, Warp w, uint mask)
        where TSpace : struct, ISpace
        where T : unmanaged
        where TOp : struct, IAtomic<T>
    {
        if (mask == 0)
        {
            return op + 1;
        }

        ulong* addresses = Addressing.ResolveEach<TSpace>(op, f, w, mask, sizeof(T));
        w.Checks?.Update<TSpace>(op, w, mask, sizeof(T));
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            T* target = (T*)addresses[lane];
            T old = *target;
            *target = TOp.Apply(old, Lanes.Read<T>(f + op->B, lane), Lanes.Read<T>(f + op->Slots[0], lane));
            Lanes.Write(f + op->D, lane, old);
        }

        return op + 1;
    }
}

internal readonly struct AtomicAdd<T> : IAtomic<T>
    where T : INumberBase<T>
{
    public static T Apply(T old, T b, T c) => unchecked(old + b);
}

internal readonly struct AtomicAddSingle : IAtomic<float>
{
    public static float Apply(float old, float b, float c) => old + b is var sum && float.IsNaN(sum) ? BitConverter.UInt32BitsToSingle(0x7fffffff) : sum;
}

internal readonly struct AtomicAddFlushed : IAtomic<float>
{
    public static float Apply(float old, float b, float c) => Flush(AtomicAddSingle.Apply(Flush(old), Flush(b), 0));

    private static float Flush(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;
}

/// <summary>Sums of halves, by the operator that add.f16x2 uses.</summary>
internal readonly struct AtomicHalf<TOp> : IAtomic<uint>, IAtomic<ushort>
    where TOp : struct, IBinary<uint>
{
    public static uint Apply(uint old, uint b, uint c) => TOp.Apply(Vector512.Create(old), Vector512.Create(b)).ToScalar();

    public static ushort Apply(ushort old, ushort b, ushort c) => (ushort)Apply((uint)old, b, c);
}

internal readonly struct AtomicMin<T> : IAtomic<T>
    where T : INumber<T>
{
    public static T Apply(T old, T b, T c) => T.Min(old, b);
}

internal readonly struct AtomicMax<T> : IAtomic<T>
    where T : INumber<T>
{
    public static T Apply(T old, T b, T c) => T.Max(old, b);
}

internal readonly struct AtomicIncrement : IAtomic<uint>
{
    public static uint Apply(uint old, uint b, uint c) => old >= b ? 0 : old + 1;
}

internal readonly struct AtomicDecrement : IAtomic<uint>
{
    public static uint Apply(uint old, uint b, uint c) => old == 0 || old > b ? b : old - 1;
}

internal readonly struct AtomicAnd<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => old & b;
}

internal readonly struct AtomicOr<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => old | b;
}

internal readonly struct AtomicXor<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => old ^ b;
}

internal readonly struct AtomicExchange<T> : IAtomic<T>
{
    public static T Apply(T old, T b, T c) => b;
}

internal readonly struct AtomicCompare<T> : IAtomic<T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T old, T b, T c) => old == b ? c : old;
}
