namespace Handwritten.CudaEmulator.Ptx;

/// <summary>What is known of each <see cref="PtxType"/>: its name in the text and its size.</summary>
public static class PtxTypes
{
    private static readonly Dictionary<string, PtxType> ByName =
        Enum.GetValues<PtxType>().ToDictionary(type => type.ToString().ToLowerInvariant());

    /// <summary>Finds a type by its name without the dot: <c>f32</c>.</summary>
    public static bool TryParse(string name, out PtxType type) => ByName.TryGetValue(name, out type);

    /// <summary>Bytes that a value takes in memory; a predicate, which memory cannot hold, counts 1.</summary>
    public static int ByteSize(this PtxType type) => type switch
    {
        PtxType.Pred or PtxType.B8 or PtxType.U8 or PtxType.S8 => 1,
        PtxType.B16 or PtxType.U16 or PtxType.S16 or PtxType.F16 or PtxType.BF16 => 2,
        PtxType.B64 or PtxType.U64 or PtxType.S64 or PtxType.F64 => 8,
        PtxType.B128 => 16,
        _ => 4,
    };

    /// <summary>Whether values are floating-point numbers (or pairs of them).</summary>
    public static bool IsFloat(this PtxType type) => type >= PtxType.F16;

    /// <summary>Whether a register or a variable can be declared so; the others exist only in instructions' names.</summary>
    public static bool IsFundamental(this PtxType type) => type is not (PtxType.BF16 or PtxType.BF16x2 or PtxType.TF32);

    /// <summary>The name in the text, without the dot: <c>f32</c>.</summary>
    public static string Name(this PtxType type) => type.ToString().ToLowerInvariant();
}
