using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>cvta and isspacep: generic addresses are those of a space plus where its window begins.</summary>
internal static unsafe class AddressSpaces
{
    public static readonly InstructionTable Table = new()
    {
        ["cvta"] = Convert,
        ["isspacep"] = IsInSpace,
    };

    private static void Convert(Emitter e)
    {
        bool isToSpace = e.Take("to");
        StateSpace space = MemoryAccess.TakeSpace(e);
        PtxType type = e.TakeType();
        e.Expect(2);
        if (type != PtxType.U64 || space == StateSpace.Generic)
        {
            throw e.Unsupported();
        }

        int d = e.Destination(0, 8);
        PtxOperand source = e.Instruction.Operands[1];
        AddressWindow window = MemoryAccess.WindowOf(e, space);
        if (source is PtxOperand.VariableAddress { Value: var variable } && e.Compiler.AddressOf(variable, e.Instruction.Line).Space == StateSpace.Local)
        {
            window = AddressWindow.Local;
        }

        ulong start = Addressing.BaseOf(window);
        int a = e.Source(source, type);
        if (start == 0)
        {
            e.Emit(&Moves.Wide, d, a);
        }
        else
        {
            e.Emit(isToSpace ? &Lanes.Binary<ulong, Subtract<ulong>> : &Lanes.Binary<ulong, Add<ulong>>, d, a, e.Constant(start, true));
        }
    }

    private static void IsInSpace(Emitter e)
    {
        StateSpace space = MemoryAccess.TakeSpace(e);
        e.Expect(2);
        e.Emit(&TestWindow, e.PredicateDestination(), e.Source(1, PtxType.B64), constant: (long)MemoryAccess.WindowOf(e, space));
    }

    private static Op* TestWindow(Op* op, byte* f, Warp w, uint mask)
    {
        uint hits = 0;
        for (int lane = 0; lane < Lanes.Count; lane++)
        {
            hits |= (long)Addressing.WindowOf(Lanes.Read<ulong>(f + op->A, lane)) == op->Constant ? 1u << lane : 0;
        }

        Lanes.StorePredicate(hits, f + op->D, mask);
        return op + 1;
    }
}
