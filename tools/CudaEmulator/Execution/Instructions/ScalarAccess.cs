using System.Numerics;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// ld and st of one value a lane. Whole warps that access consecutive words, the usual case, are two vector loads and two
/// stores.
/// </summary>
internal static unsafe class ScalarAccess
{
    /// <summary>d = [a + constant].</summary>
    public static Op* Load<TSpace, TMemory, TRegister>(Op* op, byte* f, Warp w, uint mask)
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

    /// <summary>[a + constant] = b.</summary>
    public static Op* Store<TSpace, TMemory, TRegister>(Op* op, byte* f, Warp w, uint mask)
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
}
