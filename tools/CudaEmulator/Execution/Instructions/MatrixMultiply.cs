using System.Runtime.CompilerServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;
using Bits = System.Numerics.BitOperations;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// mma.sync, the tensor cores' D = A · B + C: the 32 lanes of a warp hold three small matrices together, each lane a
/// fragment. <see cref="MatrixTiles"/> has the layouts and the order of the sums.
///
///     mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {d0, d1, d2, d3}, {a0, a1, a2, a3}, {b0, b1}, {c0, c1, c2, c3}
///                                        D   A   B   C
/// </summary>
internal static unsafe class MatrixMultiply
{
    /// <summary>
    /// Distance from the tiles of sums to what <see cref="IntegerSum{TAdd}"/> keeps: the sums' most tiles are 2 x 2.
    /// </summary>
    public const int Kept = 4 * MatrixTiles.Length;

    // Tiles at most: 4 registers of A and 2 of B, with 4 elements a word; C, and C as it was.
    private const int TilesOfA = 4 * 4, TilesOfB = 2 * 4, TilesOfC = 2 * 4;
    private const int Alignment = 64;

    public static readonly InstructionTable Table = new()
    {
        ["mma"] = Emit,
    };

    /// <summary>
    /// At an instruction that the whole warp executes together: true if all 32 lanes are here. If some are still on their
    /// way these wait, and <paramref name="next"/> is where to go on.
    /// </summary>
    /// <exception cref="DeviceFaultException">The warp has fewer threads, or some have exited.</exception>
    public static bool IsWholeWarp(Op* op, Warp w, uint mask, out Op* next)
    {
        if (mask == Lanes.All)
        {
            w.Checks?.Meetings?.Synchronise(w);
            next = null;
            return true;
        }

        return w.Gather(op, mask, Lanes.All, out next)
            ? throw w.Fault(op, Bits.TrailingZeroCount(mask), CudaResult.IllegalInstruction,
                $"the instruction needs all 32 threads of the warp, but only lanes 0x{mask:x8} execute it")
            : false;
    }

    private static void Emit(Emitter e)
    {
        if (!(e.Take("sync") & e.Take("aligned") & e.Take("row") & e.Take("col")))
        {
            throw e.Unsupported();
        }

        string shape = e.TakeAny("m8n8k16", "m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32") ?? throw e.Unsupported();
        bool saturates = e.Take("satfinite");
        string[] types = [.. e.Modifiers];
        foreach (string type in types)
        {
            e.Take(type);
        }

        e.Expect(4);
        if (types.Length != 4)
        {
            throw e.Unsupported();
        }

        (string d, string a, string b, string c) = (types[0], types[1], types[2], types[3]);
        int perWord = PerWord(a);
        int target = (a, shape) switch
        {
            ("f16", "m16n8k8") or ("s8" or "u8", "m8n8k16") => 75,
            ("f16" or "bf16", "m16n8k8" or "m16n8k16") or ("tf32", "m16n8k4" or "m16n8k8") or ("s8" or "u8", "m16n8k16" or "m16n8k32") => 80,
            ("e4m3" or "e5m2", "m16n8k16" or "m16n8k32") => 89,
            _ => throw e.Unsupported(),
        };
        e.Require(target);
        if (d != c || saturates && perWord != 4)
        {
            throw e.Unsupported();
        }

        int rowBlocks = shape[1] == '8' ? 1 : 2;
        int kBlocks = int.Parse(shape.AsSpan(shape.IndexOf('k') + 1)) / (4 * perWord);
        int sums = rowBlocks * (d == "f16" ? 1 : 2);
        PtxType sumType = d switch { "f32" => PtxType.F32, "s32" => PtxType.S32, _ => PtxType.B32 };
        int[] slots =
        [
            .. Registers(e, 0, sums).Select(x => e.Destination(x, 4)),
            .. Registers(e, 1, rowBlocks * kBlocks).Select(x => e.Source(x, PtxType.B32)),
            .. Registers(e, 2, kBlocks).Select(x => e.Source(x, PtxType.B32)),
            .. Registers(e, 3, sums).Select(x => e.Source(x, sumType)),
        ];
        e.Emit(HandlerOf(e, d, a, b, saturates), a: rowBlocks, b: kBlocks, slots: slots);
    }

    private static IReadOnlyList<PtxOperand?> Registers(Emitter e, int operand, int count)
    {
        IReadOnlyList<PtxOperand?> elements = e.Elements(operand);
        return elements.Count == count ? elements : throw e.Mismatch();
    }

    private static int PerWord(string type) => type switch
    {
        "tf32" => 1,
        "f16" or "bf16" => 2,
        _ => 4,
    };

    private static Handler HandlerOf(Emitter e, string d, string a, string b, bool saturates) => (d, a, b) switch
    {
        ("f32", "f16", "f16") => &Multiply<HalfElement<Float16>, HalfElement<Float16>, SingleSum>,
        ("f16", "f16", "f16") => &Multiply<HalfElement<Float16>, HalfElement<Float16>, HalfSum>,
        ("f32", "bf16", "bf16") => &Multiply<HalfElement<BFloat16>, HalfElement<BFloat16>, SingleSum>,
        ("f32", "tf32", "tf32") => &Multiply<TensorFloatElement, TensorFloatElement, SingleSum>,
        ("f32", "e4m3", "e4m3") => &Multiply<E4M3Element, E4M3Element, SingleSum>,
        ("f32", "e4m3", "e5m2") => &Multiply<E4M3Element, E5M2Element, SingleSum>,
        ("f32", "e5m2", "e4m3") => &Multiply<E5M2Element, E4M3Element, SingleSum>,
        ("f32", "e5m2", "e5m2") => &Multiply<E5M2Element, E5M2Element, SingleSum>,
        ("s32", _, _) => saturates ? IntegerHandler<AddSaturating>(e, a, b) : IntegerHandler<Add<int>>(e, a, b),
        _ => throw e.Unsupported(),
    };

    private static Handler IntegerHandler<TAdd>(Emitter e, string a, string b)
        where TAdd : struct, IBinary<int> => (a, b) switch
        {
            ("s8", "s8") => &Multiply<SignedByteElement, SignedByteElement, IntegerSum<TAdd>>,
            ("s8", "u8") => &Multiply<SignedByteElement, UnsignedByteElement, IntegerSum<TAdd>>,
            ("u8", "s8") => &Multiply<UnsignedByteElement, SignedByteElement, IntegerSum<TAdd>>,
            ("u8", "u8") => &Multiply<UnsignedByteElement, UnsignedByteElement, IntegerSum<TAdd>>,
            _ => throw e.Unsupported(),
        };

    // Op.A: blocks of eight rows; Op.B: registers along k; slots: those of D, A, B, C.
    [SkipLocalsInit]
    private static Op* Multiply<TA, TB, TSum>(Op* op, byte* f, Warp w, uint mask)
        where TA : struct, IMatrixElement
        where TB : struct, IMatrixElement
        where TSum : struct, IMatrixSum
    {
        if (!IsWholeWarp(op, w, mask, out Op* next))
        {
            return next;
        }

        byte* room = stackalloc byte[sizeof(float) * MatrixTiles.Length * (TilesOfA + 2 * TilesOfB + TilesOfC) + Alignment];
        float* a = (float*)(((nuint)room + Alignment - 1) / Alignment * Alignment);
        float* b = a + MatrixTiles.Length * TilesOfA;
        float* c = b + MatrixTiles.Length * TilesOfB;
        uint* words = (uint*)(c + MatrixTiles.Length * TilesOfC);

        int rowBlocks = op->A, kBlocks = op->B;
        int* registersOfD = op->Slots;
        int* registersOfA = registersOfD + rowBlocks * TSum.Registers;
        int* registersOfB = registersOfA + rowBlocks * kBlocks;
        int* registersOfC = registersOfB + kBlocks;
        for (int i = 0; i < kBlocks; i++)
        {
            MatrixTiles.Transpose(f + registersOfB[i], words + MatrixTiles.Length * i);
        }

        for (int i = 0; i < rowBlocks * kBlocks; i++)
        {
            MatrixTiles.Decode<TA>(f + registersOfA[i], a + MatrixTiles.Length * TA.PerWord * i);
        }

        for (int i = 0; i < rowBlocks; i++)
        {
            TSum.Load(f, registersOfC + TSum.Registers * i, c + 2 * MatrixTiles.Length * i);
        }

        for (int i = 0; i < kBlocks; i++)
        {
            MatrixTiles.Decode<TB>((byte*)(words + MatrixTiles.Length * i), b + MatrixTiles.Length * TB.PerWord * i);
        }

        MatrixTiles.Multiply(a, b, c, rowBlocks, kBlocks, TA.PerWord);
        for (int i = 0; i < rowBlocks; i++)
        {
            TSum.Store(c + 2 * MatrixTiles.Length * i, f, registersOfD + TSum.Registers * i);
        }

        return op + 1;
    }
}
