global using unsafe Handler = delegate*<Handwritten.CudaEmulator.Execution.Op*, byte*, Handwritten.CudaEmulator.Execution.Warp, uint, Handwritten.CudaEmulator.Execution.Op*>;

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

// A register of a warp is 32 values behind each other, one a lane: 128 bytes, or 256 for 64-bit registers. Registers of 16
// and 8 bits take 32 bits too, and what is above their value means nothing. So one instruction is the same operation on
// two (or four) 512-bit vectors, and an operator needs to say only what it does to one:
//
//     struct Add<T> : IBinary<T> { Vector512<T> Apply(a, b) => a + b }        handler:  &Lanes.Binary<float, Add<float>>
//
// An operator that vectors cannot do says what it does to one value, and is run lane by lane.

/// <summary>An operator on vectors of <typeparamref name="T"/>.</summary>
internal interface IUnary<T>
{
    static abstract Vector512<T> Apply(Vector512<T> a);
}

/// <inheritdoc cref="IUnary{T}"/>
internal interface IBinary<T>
{
    static abstract Vector512<T> Apply(Vector512<T> a, Vector512<T> b);
}

/// <inheritdoc cref="IUnary{T}"/>
internal interface ITernary<T>
{
    static abstract Vector512<T> Apply(Vector512<T> a, Vector512<T> b, Vector512<T> c);
}

/// <summary>An operator on single values.</summary>
internal interface IMap<TIn, TOut>
{
    static abstract TOut Apply(TIn a);
}

/// <inheritdoc cref="IMap{TIn, TOut}"/>
internal interface IMap2<TIn, TOut>
{
    static abstract TOut Apply(TIn a, TIn b);
}

/// <inheritdoc cref="IMap{TIn, TOut}"/>
internal interface IMap3<TIn, TOut>
{
    static abstract TOut Apply(TIn a, TIn b, TIn c);
}

/// <summary>Access to the registers of a warp, and the handlers that run operators over them.</summary>
internal static unsafe class Lanes
{
    /// <summary>Lanes of a warp.</summary>
    public const int Count = 32;

    /// <summary>A mask of all lanes.</summary>
    public const uint All = 0xffffffff;

    /// <summary>Bytes of a register with values of up to 32 bits.</summary>
    public const int Narrow = 4 * Count;

    /// <summary>Bytes of a 64-bit register.</summary>
    public const int Wide = 8 * Count;

    private static Vector512<uint> Bits32 => Vector512.Create(1u, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);

    private static Vector512<ulong> Bits64 => Vector512.Create(1ul, 2, 4, 8, 16, 32, 64, 128);

    /// <summary>All ones in the lanes of <paramref name="mask"/>; part 0 has lanes 0 to 15, part 1 the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Expand32(uint mask, int part) =>
        Vector512.Equals(Vector512.Create(mask >> (16 * part)) & Bits32, Bits32);

    /// <summary>All ones in the lanes of <paramref name="mask"/>; part k has lanes 8k to 8k + 7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Expand64(uint mask, int part) =>
        Vector512.Equals(Vector512.Create((ulong)(mask >> (8 * part))) & Bits64, Bits64);

    /// <summary>The vector number <paramref name="part"/> of a register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Load<T>(byte* register, int part) => Vector512.Load(register + 64 * part).As<byte, T>();

    /// <summary>Writes the lanes of <paramref name="mask"/> of one vector of a register of 32-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store32<T>(Vector512<T> value, byte* register, int part, uint mask)
    {
        uint* target = (uint*)(register + 64 * part);
        Vector512<uint> bits = value.AsUInt32();
        (mask == All ? bits : Vector512.ConditionalSelect(Expand32(mask, part), bits, Vector512.Load(target))).Store(target);
    }

    /// <summary>Writes the lanes of <paramref name="mask"/> of one vector of a register of 64-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store64<T>(Vector512<T> value, byte* register, int part, uint mask)
    {
        ulong* target = (ulong*)(register + 64 * part);
        Vector512<ulong> bits = value.AsUInt64();
        (mask == All ? bits : Vector512.ConditionalSelect(Expand64(mask, part), bits, Vector512.Load(target))).Store(target);
    }

    /// <summary>Writes the lanes of <paramref name="mask"/> of a predicate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePredicate(uint value, byte* predicate, uint mask) =>
        *(uint*)predicate = (*(uint*)predicate & ~mask) | (value & mask);

    /// <summary>d = op(a).</summary>
    public static Op* Unary<T, TOp>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged
        where TOp : struct, IUnary<T>
    {
        byte* d = f + op->D, a = f + op->A;
        if (sizeof(T) == 8)
        {
            Store64(TOp.Apply(Load<T>(a, 0)), d, 0, mask);
            Store64(TOp.Apply(Load<T>(a, 1)), d, 1, mask);
            Store64(TOp.Apply(Load<T>(a, 2)), d, 2, mask);
            Store64(TOp.Apply(Load<T>(a, 3)), d, 3, mask);
        }
        else
        {
            Store32(TOp.Apply(Load<T>(a, 0)), d, 0, mask);
            Store32(TOp.Apply(Load<T>(a, 1)), d, 1, mask);
        }

        return op + 1;
    }

    /// <summary>d = op(a, b).</summary>
    public static Op* Binary<T, TOp>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged
        where TOp : struct, IBinary<T>
    {
        byte* d = f + op->D, a = f + op->A, b = f + op->B;
        if (sizeof(T) == 8)
        {
            Store64(TOp.Apply(Load<T>(a, 0), Load<T>(b, 0)), d, 0, mask);
            Store64(TOp.Apply(Load<T>(a, 1), Load<T>(b, 1)), d, 1, mask);
            Store64(TOp.Apply(Load<T>(a, 2), Load<T>(b, 2)), d, 2, mask);
            Store64(TOp.Apply(Load<T>(a, 3), Load<T>(b, 3)), d, 3, mask);
        }
        else
        {
            Store32(TOp.Apply(Load<T>(a, 0), Load<T>(b, 0)), d, 0, mask);
            Store32(TOp.Apply(Load<T>(a, 1), Load<T>(b, 1)), d, 1, mask);
        }

        return op + 1;
    }

    /// <summary>d = op(a, b, c).</summary>
    public static Op* Ternary<T, TOp>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged
        where TOp : struct, ITernary<T>
    {
        byte* d = f + op->D, a = f + op->A, b = f + op->B, c = f + op->C;
        if (sizeof(T) == 8)
        {
            Store64(TOp.Apply(Load<T>(a, 0), Load<T>(b, 0), Load<T>(c, 0)), d, 0, mask);
            Store64(TOp.Apply(Load<T>(a, 1), Load<T>(b, 1), Load<T>(c, 1)), d, 1, mask);
            Store64(TOp.Apply(Load<T>(a, 2), Load<T>(b, 2), Load<T>(c, 2)), d, 2, mask);
            Store64(TOp.Apply(Load<T>(a, 3), Load<T>(b, 3), Load<T>(c, 3)), d, 3, mask);
        }
        else
        {
            Store32(TOp.Apply(Load<T>(a, 0), Load<T>(b, 0), Load<T>(c, 0)), d, 0, mask);
            Store32(TOp.Apply(Load<T>(a, 1), Load<T>(b, 1), Load<T>(c, 1)), d, 1, mask);
        }

        return op + 1;
    }

    /// <summary>d = op(a), lane by lane; the types may differ in width.</summary>
    public static Op* Map<TIn, TOut, TOp>(Op* op, byte* f, Warp w, uint mask)
        where TIn : unmanaged
        where TOut : unmanaged
        where TOp : struct, IMap<TIn, TOut>
    {
        byte* d = f + op->D, a = f + op->A;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            Write(d, lane, TOp.Apply(Read<TIn>(a, lane)));
        }

        return op + 1;
    }

    /// <summary>d = op(a, b), lane by lane.</summary>
    public static Op* Map2<TIn, TOut, TOp>(Op* op, byte* f, Warp w, uint mask)
        where TIn : unmanaged
        where TOut : unmanaged
        where TOp : struct, IMap2<TIn, TOut>
    {
        byte* d = f + op->D, a = f + op->A, b = f + op->B;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            Write(d, lane, TOp.Apply(Read<TIn>(a, lane), Read<TIn>(b, lane)));
        }

        return op + 1;
    }

    /// <summary>d = op(a, b, c), lane by lane.</summary>
    public static Op* Map3<TIn, TOut, TOp>(Op* op, byte* f, Warp w, uint mask)
        where TIn : unmanaged
        where TOut : unmanaged
        where TOp : struct, IMap3<TIn, TOut>
    {
        byte* d = f + op->D, a = f + op->A, b = f + op->B, c = f + op->C;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            Write(d, lane, TOp.Apply(Read<TIn>(a, lane), Read<TIn>(b, lane), Read<TIn>(c, lane)));
        }

        return op + 1;
    }

    /// <summary>A lane's value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Read<T>(byte* register, int lane)
        where T : unmanaged => *(T*)(register + lane * (sizeof(T) == 8 ? 8 : 4));

    /// <summary>Sets a lane's value; narrow values are extended to 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<T>(byte* register, int lane, T value)
        where T : unmanaged => *(T*)(register + lane * (sizeof(T) == 8 ? 8 : 4)) = value;
}
