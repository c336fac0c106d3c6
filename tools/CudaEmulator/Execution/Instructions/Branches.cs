using System.Numerics;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>Where execution goes on: bra, brx.idx, call, ret, exit, trap.</summary>
internal static unsafe class Branches
{
    public static readonly InstructionTable Table = new()
    {
        ["bra"] = Bra,
        ["brx"] = Brx,
        ["ret"] = Ret,
        ["exit"] = e => { e.Expect(0); e.Emit(&Exit); },
        ["trap"] = e => { e.Expect(0); e.Emit(&Trap); },
        ["brkpt"] = e => { e.Expect(0); e.Emit(&Trap); },
        ["call"] = e => { e.Take("uni"); e.Expect(3); e.Compiler.Call(e); },
    };

    /// <summary>Lanes of the mask go to the target.</summary>
    public static Op* Branch(Op* op, byte* f, Warp w, uint mask) => w.Branch(op, mask);

    /// <summary>A label that several ways lead to.</summary>
    public static Op* Join(Op* op, byte* f, Warp w, uint mask) => w.Join(op);

    /// <summary>Lanes of the mask end.</summary>
    public static Op* Exit(Op* op, byte* f, Warp w, uint mask) => mask == 0 ? op + 1 : w.Exit(op, mask);

    private static Op* Trap(Op* op, byte* f, Warp w, uint mask) => mask == 0
        ? op + 1
        : throw w.Fault(op, BitOperations.TrailingZeroCount(mask), CudaResult.IllegalInstruction, "the kernel trapped");

    private static void Bra(Emitter e)
    {
        e.Take("uni");
        e.Expect(1);
        e.Compiler.BranchTo(e.Emit(&Branch), e.LabelOf(((PtxOperand.Label)e.Instruction.Operands[0]).Target));
    }

    // One comparison after another; an index beyond the list goes nowhere.
    private static void Brx(Emitter e)
    {
        e.Take("idx");
        e.Take("uni");
        e.Expect(2);
        int index = e.Source(0, PtxType.U32);
        PtxOperand.List targets = e.Instruction.Operands[1] as PtxOperand.List ?? throw e.Mismatch();
        int hit = e.Scratch();
        for (int i = 0; i < targets.Elements.Count; i++)
        {
            e.Emit(&Predicates.Compare<uint, Equal<uint>>, hit, index, e.Constant((ulong)i, false));
            e.Compiler.BranchTo(e.Emit(&BranchIf, a: hit), e.LabelOf(((PtxOperand.Label)targets.Elements[i]).Target));
        }
    }

    private static Op* BranchIf(Op* op, byte* f, Warp w, uint mask) => w.Branch(op, mask & *(uint*)(f + op->A));

    // In an entry, to return is to exit.
    private static void Ret(Emitter e)
    {
        e.Take("uni");
        e.Expect(0);
        if (e.Compiler.InDeviceFunction)
        {
            e.Compiler.BranchTo(e.Emit(&Branch), e.End);
        }
        else
        {
            e.Emit(&Exit);
        }
    }
}
