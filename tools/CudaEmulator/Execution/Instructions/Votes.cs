using System.Numerics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>What the lanes of a warp agree on: vote, match, redux, activemask, elect.</summary>
internal static unsafe class Votes
{
    public static readonly InstructionTable Table = new()
    {
        ["vote"] = Vote,
        ["match"] = Match,
        ["redux"] = Reduce,
        ["activemask"] = e => { e.TakeType(); e.Expect(1); e.Emit(&ActiveMask, e.Destination(0, 4)); },
        ["elect"] = Elect,
    };

    // vote.sync.{all,any,uni}.pred p, {!}a, members;  vote.sync.ballot.b32 d, {!}a, members
    private static void Vote(Emitter e)
    {
        e.Take("sync");
        string kind = e.TakeAny("all", "any", "uni", "ballot") ?? throw e.Unsupported();
        e.TakeType();
        e.Expect(2, 3);
        int a = e.PredicateSource(1);
        int members = e.Operands == 3 ? e.Source(2, PtxType.B32) : e.Constant(Lanes.All, false);
        if (kind == "ballot")
        {
            e.Emit(&Ballot, e.Destination(0, 4), a, members);
        }
        else
        {
            e.Emit(kind switch { "all" => &VoteAll, "any" => &VoteAny, _ => &VoteUniform }, e.PredicateDestination(), a, members);
        }
    }

    private static Op* Ballot(Op* op, byte* f, Warp w, uint mask)
    {
        if (!w.Gather(op, mask, Shuffles.Members(f + op->B, mask), out Op* next))
        {
            return next;
        }

        uint votes = *(uint*)(f + op->A) & mask;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            Lanes.Write(f + op->D, lane, votes & Lanes.Read<uint>(f + op->B, lane));
        }

        return op + 1;
    }

    private static Op* VoteAll(Op* op, byte* f, Warp w, uint mask) => Decide(op, f, w, mask, static (yes, members) => yes == members);

    private static Op* VoteAny(Op* op, byte* f, Warp w, uint mask) => Decide(op, f, w, mask, static (yes, _) => yes != 0);

    private static Op* VoteUniform(Op* op, byte* f, Warp w, uint mask) => Decide(op, f, w, mask, static (yes, members) => yes == 0 || yes == members);

    private static Op* Decide(Op* op, byte* f, Warp w, uint mask, Func<uint, uint, bool> decide)
    {
        if (!w.Gather(op, mask, Shuffles.Members(f + op->B, mask), out Op* next))
        {
            return next;
        }

        uint votes = *(uint*)(f + op->A);
        uint result = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            uint members = Lanes.Read<uint>(f + op->B, lane) & mask;
            result |= decide(votes & members, members) ? 1u << lane : 0;
        }

        Lanes.StorePredicate(result, f + op->D, mask);
        return op + 1;
    }

    // match.any.sync.b32 d, a, members: the lanes with the same value;  match.all d|p: all lanes if they are all the same
    private static void Match(Emitter e)
    {
        e.Take("sync");
        bool isAll = e.TakeAny("any", "all") == "all";
        PtxType type = e.TakeType();
        e.Expect(3);
        (PtxRegister? value, PtxRegister? predicate) = Shuffles.Pair(e);
        int[] slots = [e.Source(2, PtxType.B32), e.Predicate(predicate)];
        e.Emit(type.ByteSize() == 8 ? &Match<ulong> : &Match<uint>,
            value is null ? e.Scratch() : e.Destination(new PtxOperand.Register(value), 4), e.Source(1, type), constant: isAll ? 1 : 0, slots: slots);
    }

    private static Op* Match<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        if (!w.Gather(op, mask, Shuffles.Members(f + op->Slots[0], mask), out Op* next))
        {
            return next;
        }

        uint* result = stackalloc uint[Lanes.Count];
        uint all = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            uint members = Lanes.Read<uint>(f + op->Slots[0], lane) & mask;
            uint same = 0;
            for (uint other = members; other != 0; other &= other - 1)
            {
                int o = BitOperations.TrailingZeroCount(other);
                same |= Lanes.Read<T>(f + op->A, o) == Lanes.Read<T>(f + op->A, lane) ? 1u << o : 0;
            }

            all |= same == members ? 1u << lane : 0;
            result[lane] = op->Constant != 0 && same != members ? 0 : same;
        }

        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            Lanes.Write(f + op->D, lane, result[lane]);
        }

        Lanes.StorePredicate(all, f + op->Slots[1], mask);
        return op + 1;
    }

    private static void Reduce(Emitter e)
    {
        e.Require(80);
        e.Take("sync");
        string kind = e.TakeAny("add", "min", "max", "and", "or", "xor") ?? throw e.Unsupported();
        PtxType type = e.TakeType();
        e.Expect(3);
        e.Emit((kind, type) switch
        {
            ("add", PtxType.U32 or PtxType.S32) => &Reduce<uint, ReduceAdd<uint>>,
            ("min", PtxType.U32) => &Reduce<uint, ReduceMin<uint>>,
            ("min", PtxType.S32) => &Reduce<int, ReduceMin<int>>,
            ("max", PtxType.U32) => &Reduce<uint, ReduceMax<uint>>,
            ("max", PtxType.S32) => &Reduce<int, ReduceMax<int>>,
            ("and", PtxType.B32) => &Reduce<uint, ReduceAnd<uint>>,
            ("or", PtxType.B32) => &Reduce<uint, ReduceOr<uint>>,
            ("xor", PtxType.B32) => &Reduce<uint, ReduceXor<uint>>,
            _ => throw e.Unsupported(),
        }, e.Destination(0, 4), e.Source(1, type), e.Source(2, PtxType.B32));
    }

    private static Op* Reduce<T, TOp>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged
        where TOp : struct, IMap2<T, T>
    {
        if (!w.Gather(op, mask, Shuffles.Members(f + op->B, mask), out Op* next))
        {
            return next;
        }

        T* result = stackalloc T[Lanes.Count];
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            uint members = Lanes.Read<uint>(f + op->B, lane) & mask;
            T sum = Lanes.Read<T>(f + op->A, BitOperations.TrailingZeroCount(members));
            for (uint other = members & (members - 1); other != 0; other &= other - 1)
            {
                sum = TOp.Apply(sum, Lanes.Read<T>(f + op->A, BitOperations.TrailingZeroCount(other)));
            }

            result[lane] = sum;
        }

        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            Lanes.Write(f + op->D, lane, result[lane]);
        }

        return op + 1;
    }

    private static Op* ActiveMask(Op* op, byte* f, Warp w, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            Lanes.Write(f + op->D, BitOperations.TrailingZeroCount(rest), mask);
        }

        return op + 1;
    }

    // elect.sync d|p, members: p in one lane, the lowest; d is its number
    private static void Elect(Emitter e)
    {
        e.Require(90);
        e.Take("sync");
        e.Expect(2);
        (PtxRegister? value, PtxRegister? predicate) = Shuffles.Pair(e);
        e.Emit(&Elect, value is null ? e.Scratch() : e.Destination(new PtxOperand.Register(value), 4), e.Source(1, PtxType.B32), e.Predicate(predicate));
    }

    private static Op* Elect(Op* op, byte* f, Warp w, uint mask)
    {
        if (!w.Gather(op, mask, Shuffles.Members(f + op->A, mask), out Op* next) || mask == 0)
        {
            return next == null ? op + 1 : next;
        }

        int leader = BitOperations.TrailingZeroCount(Lanes.Read<uint>(f + op->A, BitOperations.TrailingZeroCount(mask)) & mask);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            Lanes.Write(f + op->D, BitOperations.TrailingZeroCount(rest), (uint)leader);
        }

        Lanes.StorePredicate(1u << leader, f + op->B, mask);
        return op + 1;
    }
}

internal readonly struct ReduceAdd<T> : IMap2<T, T>
    where T : System.Numerics.IBinaryInteger<T>
{
    public static T Apply(T a, T b) => unchecked(a + b);
}

internal readonly struct ReduceMin<T> : IMap2<T, T>
    where T : System.Numerics.IBinaryInteger<T>
{
    public static T Apply(T a, T b) => T.Min(a, b);
}

internal readonly struct ReduceMax<T> : IMap2<T, T>
    where T : System.Numerics.IBinaryInteger<T>
{
    public static T Apply(T a, T b) => T.Max(a, b);
}

internal readonly struct ReduceAnd<T> : IMap2<T, T>
    where T : System.Numerics.IBinaryInteger<T>
{
    public static T Apply(T a, T b) => a & b;
}

internal readonly struct ReduceOr<T> : IMap2<T, T>
    where T : System.Numerics.IBinaryInteger<T>
{
    public static T Apply(T a, T b) => a | b;
}

internal readonly struct ReduceXor<T> : IMap2<T, T>
    where T : System.Numerics.IBinaryInteger<T>
{
    public static T Apply(T a, T b) => a ^ b;
}
