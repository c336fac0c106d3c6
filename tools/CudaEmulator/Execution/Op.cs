namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// A decoded instruction. Running one is a call of its handler, which returns the instruction to go on with; null stops
/// the warp (it has exited, waits, or has used up its turn).
///
///     Op* handler(Op* op, byte* frame, Warp warp, uint mask)      mask: the lanes that execute it
///
/// Operands are byte offsets from the frame's address (<see cref="FrameLayout"/>).
/// </summary>
internal unsafe struct Op
{
    /// <summary>Executes the instruction.</summary>
    public delegate*<Op*, byte*, Warp, uint, Op*> Handler;

    /// <summary>Offset of the guard's predicate; without a guard, of a predicate that is always true.</summary>
    public int Guard;

    /// <summary>All ones for @!p.</summary>
    public uint GuardFlip;

    /// <summary>Destination and sources.</summary>
    public int D, A, B, C;

    /// <summary>A constant: address offset, shift, table, …; its meaning is the handler's.</summary>
    public long Constant;

    /// <summary>Where a branch goes.</summary>
    public Op* Target;

    /// <summary>More operands than four, behind each other.</summary>
    public int* Slots;

    /// <summary>Index of the allocation that this instruction touched last: the first one to look at next time.</summary>
    public int Allocation;

    /// <summary>How many <see cref="Slots"/>, or another small constant of the handler.</summary>
    public int Count;
}
