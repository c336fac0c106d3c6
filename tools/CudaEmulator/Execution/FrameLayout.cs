using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// Where a warp's values lie. The frame's address points into the middle: registers and predicates of the kernel (and of
/// the functions inlined into it) go up from it, what never changes while a block runs goes down. So constants and special
/// registers are operands like any other, and nothing is decided about them when an instruction runs.
///
///     … special registers, constants │ false true │ predicates, registers … │ those of an inlined function …
///                                  -64           0 ↑ frame address
/// </summary>
internal sealed unsafe class FrameLayout
{
    /// <summary>Offset of a predicate that is true in all lanes.</summary>
    public const int True = -4;

    /// <summary>Offset of a predicate that is false in all lanes.</summary>
    public const int False = -8;

    /// <summary>Offset of the carry of add.cc and the like, which every thread has one of.</summary>
    public const int Carry = -12;

    private readonly Dictionary<(ulong Bits, bool Wide), int> _constants = [];
    private readonly Dictionary<(string Name, bool Wide), int> _specials = [];
    private readonly List<int> _scratches = [];

    /// <summary>Bytes below the frame's address.</summary>
    public int BytesBelow { get; private set; } = 64;

    /// <summary>Bytes above it.</summary>
    public int BytesAbove { get; private set; }

    /// <summary>Makes room up to <paramref name="end"/>.</summary>
    public void Reserve(int end) => BytesAbove = Math.Max(BytesAbove, end);

    /// <summary>Offset of a register that holds <paramref name="bits"/> in every lane.</summary>
    public int Constant(ulong bits, bool wide)
    {
        (ulong, bool wide) key = (wide ? bits : (uint)bits, wide);
        if (!_constants.TryGetValue(key, out int offset))
        {
            _constants.Add(key, offset = Below(wide ? Lanes.Wide : Lanes.Narrow));
        }

        return offset;
    }

    /// <summary>Offset of a register (64 bits wide if <paramref name="wide"/>) that holds a special register's value.</summary>
    public int Special(string name, bool wide)
    {
        (string name, bool wide) key = (name, wide);
        if (!_specials.TryGetValue(key, out int offset))
        {
            _specials.Add(key, offset = Below(wide ? Lanes.Wide : Lanes.Narrow));
        }

        return offset;
    }

    /// <summary>
    /// Offset of room for what nobody reads, or for a value that only one instruction needs; the same for all instructions.
    /// </summary>
    public int Scratch(int index)
    {
        while (_scratches.Count <= index)
        {
            _scratches.Add(Below(Lanes.Wide));
        }

        return _scratches[index];
    }

    /// <summary>Writes constants and special registers, before a warp's first block.</summary>
    public void Prepare(byte* frame, Warp warp)
    {
        *(uint*)(frame + True) = Lanes.All;
        *(uint*)(frame + False) = 0;
        foreach (((ulong bits, bool wide), int offset) in _constants)
        {
            Fill(frame + offset, bits, wide);
        }

        foreach (((string Name, bool Wide) key, int offset) in _specials)
        {
            WriteSpecial(frame, warp, key, offset);
        }
    }

    /// <summary>Writes the special registers that change with the block.</summary>
    public void Refresh(byte* frame, Warp warp)
    {
        foreach (((string Name, bool Wide) key, int offset) in _specials)
        {
            if (SpecialRegisters.DependsOnBlock(key.Name))
            {
                WriteSpecial(frame, warp, key, offset);
            }
        }
    }

    private static void WriteSpecial(byte* frame, Warp warp, (string Name, bool Wide) key, int offset)
    {
        for (int lane = 0; lane < Lanes.Count; lane++)
        {
            ulong value = SpecialRegisters.Value(key.Name, warp, lane);
            if (key.Wide)
            {
                Lanes.Write(frame + offset, lane, value);
            }
            else
            {
                Lanes.Write(frame + offset, lane, (uint)value);
            }
        }
    }

    private static void Fill(byte* register, ulong bits, bool wide)
    {
        Vector512<ulong> value = wide ? Vector512.Create(bits) : Vector512.Create((uint)bits).AsUInt64();
        for (int part = 0; part < (wide ? 4 : 2); part++)
        {
            Vector512.Store(value, (ulong*)(register + 64 * part));
        }
    }

    private int Below(int bytes)
    {
        BytesBelow += bytes;
        return -BytesBelow;
    }
}
