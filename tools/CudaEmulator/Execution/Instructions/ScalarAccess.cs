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

        byte* d = f + op->D;
        AccessShape shape = Addressing.Resolve<TSpace>(op, f, w, mask, sizeof(TMemory), out byte* first);
        w.Checks?.Read<TSpace>(op, w, mask, shape, first, sizeof(TMemory));
        switch (shape)
        {
            case AccessShape.Consecutive when sizeof(TMemory) == sizeof(TRegister):
                for (int part = 0; part < sizeof(TRegister) / 2; part++)
                {
                    Vector512.Load(first + 64 * part).Store(d + 64 * part);
                }

                break;
            case AccessShape.Consecutive:
                for (int lane = 0; lane < Lanes.Count; lane++)
                {
                    ((TRegister*)d)[lane] = TRegister.CreateTruncating(((TMemory*)first)[lane]);
                }

                break;
            case AccessShape.Uniform:
                Vector512<TRegister> value = Vector512.Create(TRegister.CreateTruncating(*(TMemory*)first));
                for (int part = 0; part < sizeof(TRegister) / 2; part++)
                {
                    value.Store((TRegister*)(d + 64 * part));
                }

                break;
            default:
                for (uint rest = mask; rest != 0; rest &= rest - 1)
                {
                    int lane = BitOperations.TrailingZeroCount(rest);
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

        byte* b = f + op->B;
        AccessShape shape = Addressing.Resolve<TSpace>(op, f, w, mask, sizeof(TMemory), out byte* first);
        w.Checks?.Write<TSpace>(op, w, mask, shape, first, sizeof(TMemory));
        switch (shape)
        {
            case AccessShape.Consecutive when sizeof(TMemory) == sizeof(TRegister):
                for (int part = 0; part < sizeof(TRegister) / 2; part++)
                {
                    Vector512.Load(b + 64 * part).Store(first + 64 * part);
                }

                break;
            case AccessShape.Consecutive:
                for (int lane = 0; lane < Lanes.Count; lane++)
                {
                    ((TMemory*)first)[lane] = TMemory.CreateTruncating(((TRegister*)b)[lane]);
                }

                break;
            case AccessShape.Uniform:
                *(TMemory*)first = TMemory.CreateTruncating(((TRegister*)b)[Lanes.Count - 1]); // as if lanes wrote in turn
                break;
            default:
                for (uint rest = mask; rest != 0; rest &= rest - 1)
                {
                    int lane = BitOperations.TrailingZeroCount(rest);
                    *(TMemory*)w.Addresses[lane] = TMemory.CreateTruncating(((TRegister*)b)[lane]);
                }

                break;
        }

        if (shape != AccessShape.Consecutive && w.Checks is { } checks && checks.WatchesCollisionsAt((ulong)first))
        {
            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                int lane = BitOperations.TrailingZeroCount(rest);
                ulong place = shape == AccessShape.Uniform ? (ulong)first : w.Addresses[lane];
                if (*(TMemory*)place != TMemory.CreateTruncating(((TRegister*)b)[lane]))
                {
                    throw checks.Collision(op, w, lane, place);
                }
            }
        }

        return op + 1;
    }
}
