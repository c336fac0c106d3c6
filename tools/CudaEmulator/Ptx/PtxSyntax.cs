namespace Handwritten.CudaEmulator.Ptx;

// What the parser makes of a PTX text. Names are resolved: an operand holds the register, variable or label it means, so
// that nobody behind the parser looks anything up by name. Nothing here knows what an instruction does.
//
//     PtxModule ─┬─ PtxVariable   .global .const .shared
//                └─ PtxFunction ─┬─ PtxRegister
//                                ├─ PtxVariable   .param .local .shared
//                                └─ PtxInstruction ── PtxOperand

/// <summary>PTX's fundamental types, and the packed ones that instructions name.</summary>
public enum PtxType
{
    /// <summary>A predicate: one bit a lane.</summary>
    Pred,
    B8, B16, B32, B64, B128,
    U8, U16, U32, U64,
    S8, S16, S32, S64,
    F16, F16x2, BF16, BF16x2, TF32, F32, F64,
}

/// <summary>Where a variable or an address lives.</summary>
public enum StateSpace
{
    /// <summary>No space named: an address that may point anywhere.</summary>
    Generic,
    Register, Global, Shared, Local, Const, Param,
}

/// <summary>A PTX text.</summary>
/// <param name="Version">.version, as major * 10 + minor: 78 for 7.8.</param>
/// <param name="Target">.target's number: 80 for sm_80.</param>
/// <param name="Variables">Variables at module scope.</param>
/// <param name="Functions">Entries and device functions, in the order of the text.</param>
public sealed record PtxModule(int Version, int Target, IReadOnlyList<PtxVariable> Variables, IReadOnlyList<PtxFunction> Functions)
{
    /// <summary>.target's letter: 'a' for sm_90a, which runs on compute capability 9.0 and nowhere else; null if none.</summary>
    public char? TargetSuffix { get; init; }
}

/// <summary>A variable that has an address.</summary>
/// <param name="Name">Its name, unique within its function or module.</param>
/// <param name="Space">Where it lives.</param>
/// <param name="Type">Type of an element.</param>
/// <param name="ByteSize">Bytes in all; 0 for an array of open size (dynamic shared memory).</param>
/// <param name="Alignment">In bytes.</param>
/// <param name="Initializer">First bytes of a .global or .const variable, the rest being zeros; null for zeros only.</param>
/// <param name="Line">Where it is declared, from 1.</param>
public sealed record PtxVariable(string Name, StateSpace Space, PtxType Type, int ByteSize, int Alignment, byte[]? Initializer, int Line)
{
    /// <summary>Declared .extern: it lives in another module, or is the dynamic shared memory.</summary>
    public bool IsExtern { get; init; }

    /// <summary>Addresses of other variables to be stored into this one when both have got a place.</summary>
    public IReadOnlyList<PtxRelocation> Relocations { get; init; } = [];

    /// <summary>The register that holds a device function's parameter or result declared .reg; null for all others.</summary>
    public PtxRegister? Register { get; init; }
}

/// <summary>An address within a variable's initial bytes, known only when variables are placed.</summary>
/// <param name="Offset">Where in the bytes.</param>
/// <param name="ByteSize">Bytes to store: 8 or 4.</param>
/// <param name="Symbol">The variable whose address it is.</param>
/// <param name="Addend">Bytes to add to it.</param>
/// <param name="IsGeneric">Written generic(symbol): an address in generic space instead of the symbol's own.</param>
public sealed record PtxRelocation(int Offset, int ByteSize, PtxVariable Symbol, long Addend, bool IsGeneric);

/// <summary>
/// A virtual register. Registers of one function are numbered from 0 in the order of their first use; a scope's inner
/// names get numbers of their own. Those declared and never used (%r&lt;1000&gt;) do not appear, and a vector register is
/// as many registers as it has components.
/// </summary>
/// <param name="Name">Its name with the percent sign, if it has one: %v.x for a component.</param>
/// <param name="Type">Its declared type.</param>
/// <param name="Index">Its number in the function.</param>
public sealed record PtxRegister(string Name, PtxType Type, int Index);

/// <summary>An entry (a kernel) or a device function.</summary>
public sealed class PtxFunction
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Whether a host can launch it.</summary>
    public required bool IsEntry { get; init; }

    /// <summary>Declared without a body, defined elsewhere (in another module, or nowhere).</summary>
    public bool IsDeclaration { get; init; }

    /// <summary>Parameters; in an entry their bytes lie behind each other, each at its alignment.</summary>
    public required IReadOnlyList<PtxVariable> Parameters { get; init; }

    /// <summary>What a device function returns.</summary>
    public IReadOnlyList<PtxVariable> Results { get; init; } = [];

    /// <summary>Its registers, by <see cref="PtxRegister.Index"/>.</summary>
    public IReadOnlyList<PtxRegister> Registers { get; init; } = [];

    /// <summary>
    /// Its .local, .shared and .param (call argument) variables. Where inner scopes repeat a name, the later ones are
    /// renamed. (A .global or .const variable of a function stands with those of the module.)
    /// </summary>
    public IReadOnlyList<PtxVariable> Variables { get; init; } = [];

    /// <summary>The body. A label's value is an index into it (or its length).</summary>
    public IReadOnlyList<PtxInstruction> Instructions { get; init; } = [];

    /// <summary>.maxntid, or .reqntid: the product of its numbers; null if not given.</summary>
    public int? MaxThreads { get; init; }

    /// <summary>Whether <see cref="MaxThreads"/> came from .reqntid.</summary>
    public bool RequiresExactThreads { get; init; }

    /// <summary>.minnctapersm.</summary>
    public int? MinBlocks { get; init; }

    /// <summary>.maxnreg.</summary>
    public int? MaxRegisters { get; init; }

    /// <summary>Where it begins, from 1.</summary>
    public int Line { get; init; }
}

/// <summary>One instruction.</summary>
/// <param name="Line">Its line in the text, from 1.</param>
/// <param name="Guard">@p or @!p: the lanes that execute it; null for all.</param>
/// <param name="Opcode">The first part of its name: <c>ld</c> of <c>ld.global.v4.f32</c>.</param>
/// <param name="Modifiers">The other parts, without dots: <c>global</c>, <c>v4</c>, <c>f32</c>.</param>
/// <param name="Operands">
/// Destination first, as written. A call's are the function, the list of its results (which may be empty), that of its
/// arguments, and, through a register, the prototype or the possible targets.
/// </param>
public sealed record PtxInstruction(int Line, PtxGuard? Guard, string Opcode, IReadOnlyList<string> Modifiers, IReadOnlyList<PtxOperand> Operands);

/// <summary>The predicate in front of an instruction.</summary>
/// <param name="Register">A predicate register.</param>
/// <param name="Negated">@!p.</param>
public readonly record struct PtxGuard(PtxRegister Register, bool Negated);

/// <summary>An operand.</summary>
public abstract record PtxOperand
{
    /// <summary>A register; negated for a predicate written !p.</summary>
    public sealed record Register(PtxRegister Value, bool Negated = false) : PtxOperand;

    /// <summary>Two registers, p|q: setp's two predicates, shfl's value and predicate. Either may be the sink _ (null).</summary>
    public sealed record Pair(PtxRegister? First, PtxRegister? Second) : PtxOperand;

    /// <summary>An integer literal, or a floating-point one (0f…, 0d…, decimal).</summary>
    /// <param name="Bits">
    /// Integers: two's complement in 64 bits. Floating point: the bits of the float64 of that value, or, if
    /// <paramref name="IsSingle"/>, those of the float32.
    /// </param>
    /// <param name="IsFloat">Written as a floating-point number.</param>
    /// <param name="IsSingle">Written as 0f….</param>
    public sealed record Immediate(ulong Bits, bool IsFloat = false, bool IsSingle = false) : PtxOperand
    {
        /// <summary>A floating-point literal as a double.</summary>
        public double ToDouble() => IsSingle ? BitConverter.UInt32BitsToSingle((uint)Bits) : BitConverter.UInt64BitsToDouble(Bits);

        /// <summary>A floating-point literal as a float, rounded if it was written as a double.</summary>
        public float ToSingle() => IsSingle ? BitConverter.UInt32BitsToSingle((uint)Bits) : (float)BitConverter.UInt64BitsToDouble(Bits);
    }

    /// <summary>[base + offset]; the base is a register, a variable, or nothing (an absolute address).</summary>
    public sealed record Address(PtxRegister? Base, PtxVariable? Symbol, long Offset) : PtxOperand;

    /// <summary>{a, b, ...}; a null element is the sink _.</summary>
    public sealed record Vector(IReadOnlyList<PtxOperand?> Elements) : PtxOperand;

    /// <summary>A branch target: an index into the function's instructions.</summary>
    public sealed record Label(string Name, int Target) : PtxOperand;

    /// <summary>The address of a variable, plus an offset.</summary>
    public sealed record VariableAddress(PtxVariable Value, long Offset = 0) : PtxOperand;

    /// <summary>A function's name, in a call.</summary>
    public sealed record FunctionName(string Name) : PtxOperand;

    /// <summary>
    /// (a, b, ...): a call's results or arguments; the labels of brx.idx's .branchtargets; the functions of .calltargets.
    /// </summary>
    public sealed record List(IReadOnlyList<PtxOperand> Elements) : PtxOperand;

    /// <summary>%tid.x and the like: the name without the percent sign.</summary>
    public sealed record Special(string Name) : PtxOperand;

    /// <summary>The .callprototype of a call through a register.</summary>
    public sealed record Prototype(IReadOnlyList<PtxVariable> Results, IReadOnlyList<PtxVariable> Parameters) : PtxOperand;

    /// <summary>The sink _.</summary>
    public sealed record Sink : PtxOperand;
}

/// <summary>A PTX text that cannot be loaded: the line, and the reason as ptxas would word it.</summary>
/// <param name="line">From 1; 0 if the whole text is meant.</param>
/// <param name="reason">One sentence.</param>
public sealed class PtxException(int line, string reason) : Exception($"ptx, line {line}; error : {reason}")
{
    /// <summary>From 1; 0 if the whole text is meant.</summary>
    public int Line { get; } = line;

    /// <summary>The text's .version is unknown: a driver has an error code of its own for that.</summary>
    public bool IsVersionTooNew { get; init; }
}
