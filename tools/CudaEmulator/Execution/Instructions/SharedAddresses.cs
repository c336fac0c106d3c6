using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// Address operands of instructions that reach shared memory only, though they may say it by a generic address. That one is
/// first turned into a shared address; one that points elsewhere then lies far beyond the block's shared memory.
/// </summary>
internal static unsafe class SharedAddresses
{
    /// <summary>Takes .shared, .shared::cta or nothing, and resolves the operand.</summary>
    /// <returns>For Op.A, Op.C and Op.Constant of an access to <see cref="SharedSpace"/>.</returns>
    public static (int Base, int IsNarrow, long Offset) Take(Emitter e, int operand)
    {
        if (e.Take("shared::cluster"))
        {
            throw e.Error($"instruction '{e.Name}' is not supported: clusters are not emulated, and a block has only its own shared memory, .shared::cta");
        }

        StateSpace space = MemoryAccess.TakeSpace(e);
        if (space is not (StateSpace.Shared or StateSpace.Generic))
        {
            throw e.Unsupported();
        }

        if (operand >= e.Operands)
        {
            throw e.Mismatch();
        }

        (int at, int isNarrow, long offset, AddressWindow window) = MemoryAccess.Address(e, operand, space);
        if (window == AddressWindow.Shared)
        {
            return (at, isNarrow, offset);
        }

        // What is left is a generic address in a register.
        if (window != AddressWindow.Generic || isNarrow != 0)
        {
            throw e.Mismatch();
        }

        int shared = e.Scratch();
        e.Emit(&Lanes.Binary<ulong, Subtract<ulong>>, shared, at, e.Constant(Addressing.BaseOf(AddressWindow.Shared), true));
        return (shared, 0, offset);
    }
}
