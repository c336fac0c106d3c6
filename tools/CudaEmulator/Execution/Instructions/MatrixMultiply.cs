using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>The elements that a lane's 32-bit register of an operand packs: one tf32, two halves or four bytes.</summary>
internal interface IFragment<T>
{
    /// <summary>How many.</summary>
    static abstract int Elements { get; }

    /// <summary>One of them, for 16 lanes.</summary>
    static abstract Vector512<T> Element(Vector512<uint> register, int index);
}

internal readonly struct HalfFragment<TFormat> : IFragment<float>
    where TFormat : struct, IHalfFormat
{
    public static int Elements => 2;

    public static Vector512<float> Element(Vector512<uint> register, int index) =>
        TFormat.Decode(index == 0 ? register & Vector512.Create(0xffffu) : register >>> 16);
}

/// <summary>tf32 is a float of which the last 13 bits are not looked at.</summary>
internal readonly struct TensorFloatFragment : IFragment<float>
{
    public static int Elements => 1;

    public static Vector512<float> Element(Vector512<uint> register, int index) => (register & Vector512.Create(~0x1fffu)).AsSingle();
}

internal readonly struct SignedFragment : IFragment<int>
{
    public static int Elements => 4;

    public static Vector512<int> Element(Vector512<uint> register, int index) => (register.AsInt32() << (24 - 8 * index)) >> 24;
}

internal readonly struct UnsignedFragment : IFragment<int>
{
    public static int Elements => 4;

    public static Vector512<int> Element(Vector512<uint> register, int index) => ((register >>> (8 * index)) & Vector512.Create(255u)).AsInt32();
}

/// <summary>
/// mma.sync m16n8k…: D = A B + C, A 16 x k, B k x 8, C and D 16 x 8. With g = lane / 4, t = lane mod 4 and e elements in a
/// register, the manual draws:
///
///     A   register 2j: row g, columns 4ej + et …       register 2j + 1: row g + 8, the same columns
///     B   register j:  rows 4ej + et …, column g
///     C   register 0, 1: row g, columns 2t, 2t + 1     register 2, 3: row g + 8, the same columns
///
/// So a register of C is itself a vector over (g, t), and one step of k is a fused multiply-add of such vectors:
///
///     c[g, t] += A[g, k] B[k, 2t]         A[g, k] is a lane of the quadruple g, spread over it;
///                                         B[k, 2t] is the same for all g
///
/// Products are added in the order of k, each sum rounded to float. (The hardware adds the products of a step in wider
/// registers, in an order of its own, and truncates: results differ in the last bits.)
/// </summary>
internal static unsafe class MatrixMultiply
{
    public static readonly InstructionTable Table = new()
    {
        ["mma"] = Emit,
    };

    private static void Emit(Emitter e)
    {
        e.Take("sync");
        e.Take("aligned");
        var shape = e.TakeAny("m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32") ?? throw e.Unsupported();
        if (!e.Take("row") || !e.Take("col"))
        {
            throw e.Unsupported();
        }

        var saturates = e.Take("satfinite");
        var (d, a, b, c) = (e.TakeType(), e.TakeType(), e.TakeType(), e.TakeType());
        e.Expect(4);
        var k = int.Parse(shape.AsSpan(6), System.Globalization.CultureInfo.InvariantCulture);
        var elements = a switch { PtxType.F16 or PtxType.BF16 => 2, PtxType.TF32 => 1, PtxType.S8 or PtxType.U8 => 4, _ => throw e.Unsupported() };
        var registers = k / (4 * elements);
        if (registers is not (1 or 2) || saturates || d != c)
        {
            throw e.Unsupported();
        }

        e.Require(a == PtxType.F16 && k == 8 ? 75 : 80);
        Handler handler = (a, b, d) switch
        {
            (PtxType.F16, PtxType.F16, PtxType.F32) => &Multiply<float, HalfFragment<Float16>, HalfFragment<Float16>, FusedMultiplyAdd<float>>,
            (PtxType.F16, PtxType.F16, PtxType.F16) => &MultiplyHalves,
            (PtxType.BF16, PtxType.BF16, PtxType.F32) => &Multiply<float, HalfFragment<BFloat16>, HalfFragment<BFloat16>, FusedMultiplyAdd<float>>,
            (PtxType.TF32, PtxType.TF32, PtxType.F32) => &Multiply<float, TensorFloatFragment, TensorFloatFragment, FusedMultiplyAdd<float>>,
            (PtxType.S8, PtxType.S8, PtxType.S32) => &Multiply<int, SignedFragment, SignedFragment, MultiplyAdd<int>>,
            (PtxType.S8, PtxType.U8, PtxType.S32) => &Multiply<int, SignedFragment, UnsignedFragment, MultiplyAdd<int>>,
            (PtxType.U8, PtxType.S8, PtxType.S32) => &Multiply<int, UnsignedFragment, SignedFragment, MultiplyAdd<int>>,
            (PtxType.U8, PtxType.U8, PtxType.S32) => &Multiply<int, UnsignedFragment, UnsignedFragment, MultiplyAdd<int>>,
            _ => throw e.Unsupported(),
        };

        var sums = d == PtxType.F16 ? 2 : 4;
        List<int> slots = [];
        Add(0, sums, true);
        Add(1, 2 * registers, false);
        Add(2, registers, false);
        Add(3, sums, false);
        e.Emit(handler, constant: registers, slots: slots.ToArray());

        void Add(int operand, int count, bool isDestination)
        {
            var values = e.Elements(operand);
            if (values.Count != count)
            {
                throw e.Mismatch();
            }

            slots.AddRange(values.Select(v => isDestination ? e.Destination(v, 4) : e.Source(v, PtxType.B32)));
        }
    }

    private static Op* Multiply<T, TA, TB, TMultiplyAdd>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged
        where TA : struct, IFragment<T>
        where TB : struct, IFragment<T>
        where TMultiplyAdd : struct, ITernary<T>
    {
        if (!w.Gather(op, mask, Lanes.All, out var next))
        {
            return next;
        }

        var registers = (int)op->Constant;
        int* d = op->Slots, a = d + 4, b = a + 2 * registers, c = b + registers;
        Sums<T> sums = default;
        for (var part = 0; part < 2; part++)
        {
            sums[part] = Lanes.Load<T>(f + c[0], part);
            sums[2 + part] = Lanes.Load<T>(f + c[1], part);
            sums[4 + part] = Lanes.Load<T>(f + c[2], part);
            sums[6 + part] = Lanes.Load<T>(f + c[3], part);
        }

        Accumulate<T, TA, TB, TMultiplyAdd>(f, a, b, registers, ref sums);
        for (var part = 0; part < 2; part++)
        {
            Lanes.Store32(sums[part], f + d[0], part, mask);
            Lanes.Store32(sums[2 + part], f + d[1], part, mask);
            Lanes.Store32(sums[4 + part], f + d[2], part, mask);
            Lanes.Store32(sums[6 + part], f + d[3], part, mask);
        }

        return op + 1;
    }

    // C and D in halves: columns 2t and 2t + 1 share a register. Sums are floats and rounded at the end.
    private static Op* MultiplyHalves(Op* op, byte* f, Warp w, uint mask)
    {
        if (!w.Gather(op, mask, Lanes.All, out var next))
        {
            return next;
        }

        var registers = (int)op->Constant;
        int* d = op->Slots, a = d + 2, b = a + 2 * registers, c = b + registers;
        Sums<float> sums = default;
        for (var i = 0; i < 4; i++)
        {
            var pair = Lanes.Load<uint>(f + c[i / 2], i % 2);
            sums[i / 2 * 4 + i % 2] = HalfFragment<Float16>.Element(pair, 0);
            sums[i / 2 * 4 + 2 + i % 2] = HalfFragment<Float16>.Element(pair, 1);
        }

        Accumulate<float, HalfFragment<Float16>, HalfFragment<Float16>, FusedMultiplyAdd<float>>(f, a, b, registers, ref sums);
        for (var i = 0; i < 4; i++)
        {
            var low = Float16.Encode(sums[i / 2 * 4 + i % 2]);
            var high = Float16.Encode(sums[i / 2 * 4 + 2 + i % 2]);
            Lanes.Store32(low | high << 16, f + d[i / 2], i % 2, mask);
        }

        return op + 1;
    }

    private static void Accumulate<T, TA, TB, TMultiplyAdd>(byte* f, int* a, int* b, int registers, ref Sums<T> sums)
        where T : unmanaged
        where TA : struct, IFragment<T>
        where TB : struct, IFragment<T>
        where TMultiplyAdd : struct, ITernary<T>
    {
        var rows = stackalloc T[Lanes.Count * 4]; // B's elements: [element][lane]
        Sums<T> top = default; // A's elements: [element][part], rows g
        Sums<T> bottom = default; // rows g + 8
        var s = sums;
        for (var j = 0; j < registers; j++)
        {
            for (var i = 0; i < 2 * TA.Elements; i++)
            {
                top[i] = TA.Element(Lanes.Load<uint>(f + a[2 * j], i % 2), i / 2);
                bottom[i] = TA.Element(Lanes.Load<uint>(f + a[2 * j + 1], i % 2), i / 2);
                TB.Element(Lanes.Load<uint>(f + b[j], i % 2), i / 2).Store(rows + 16 * i);
            }

            Step<T, TA, TMultiplyAdd>(0, ref top, ref bottom, rows, ref s);
            Step<T, TA, TMultiplyAdd>(1, ref top, ref bottom, rows, ref s);
            Step<T, TA, TMultiplyAdd>(2, ref top, ref bottom, rows, ref s);
            Step<T, TA, TMultiplyAdd>(3, ref top, ref bottom, rows, ref s);
        }

        sums = s;
    }

    // The elements of the lanes t.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<T, TA, TMultiplyAdd>(int t, ref Sums<T> top, ref Sums<T> bottom, T* rows, ref Sums<T> s)
        where T : unmanaged
        where TA : struct, IFragment<T>
        where TMultiplyAdd : struct, ITernary<T>
    {
        for (var e = 0; e < TA.Elements; e++)
        {
            // Column n of a row of B is with lane 4n + t: even columns of all t' behind each other, then odd ones.
            var row = rows + Lanes.Count * e + t;
            var even = Tile(row[0], row[8], row[16], row[24]);
            var odd = Tile(row[4], row[12], row[20], row[28]);
            var top0 = Spread(top[2 * e], t);
            var top1 = Spread(top[2 * e + 1], t);
            var bottom0 = Spread(bottom[2 * e], t);
            var bottom1 = Spread(bottom[2 * e + 1], t);
            s[0] = TMultiplyAdd.Apply(top0, even, s[0]);
            s[1] = TMultiplyAdd.Apply(top1, even, s[1]);
            s[2] = TMultiplyAdd.Apply(top0, odd, s[2]);
            s[3] = TMultiplyAdd.Apply(top1, odd, s[3]);
            s[4] = TMultiplyAdd.Apply(bottom0, even, s[4]);
            s[5] = TMultiplyAdd.Apply(bottom1, even, s[5]);
            s[6] = TMultiplyAdd.Apply(bottom0, odd, s[6]);
            s[7] = TMultiplyAdd.Apply(bottom1, odd, s[7]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Tile<T>(T a, T b, T c, T d)
        where T : unmanaged
    {
        var quadruple = Vector128.Create(Unsafe.BitCast<T, uint>(a), Unsafe.BitCast<T, uint>(b), Unsafe.BitCast<T, uint>(c), Unsafe.BitCast<T, uint>(d));
        var two = Vector256.Create(quadruple, quadruple);
        return Vector512.Create(two, two).As<uint, T>();
    }

    // In every quadruple of lanes, the value of its lane t.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Spread<T>(Vector512<T> v, int t)
    {
        var bits = v.AsUInt32();
        return (t switch
        {
            0 => Vector512.Shuffle(bits, Vector512.Create(0u, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12)),
            1 => Vector512.Shuffle(bits, Vector512.Create(1u, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9, 13, 13, 13, 13)),
            2 => Vector512.Shuffle(bits, Vector512.Create(2u, 2, 2, 2, 6, 6, 6, 6, 10, 10, 10, 10, 14, 14, 14, 14)),
            _ => Vector512.Shuffle(bits, Vector512.Create(3u, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15)),
        }).As<uint, T>();
    }

    [InlineArray(8)]
    private struct Sums<T>
    {
        private Vector512<T> first;
    }
}
