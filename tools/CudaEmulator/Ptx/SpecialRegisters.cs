namespace Handwritten.CudaEmulator.Ptx;

/// <summary>The registers that every thread finds filled: who it is, where it runs, what time it is.</summary>
internal static class SpecialRegisters
{
    private const string Components = "xyzw";

    // Four components each, of which the fourth is 0.
    private static readonly HashSet<string> Vectors =
        ["tid", "ntid", "ctaid", "nctaid", "clusterid", "nclusterid", "cluster_ctaid", "cluster_nctaid"];

    private static readonly HashSet<string> Scalars =
    [
        "laneid", "warpid", "nwarpid", "smid", "nsmid", "gridid", "is_explicit_cluster", "cluster_ctarank", "cluster_nctarank",
        "lanemask_eq", "lanemask_le", "lanemask_lt", "lanemask_ge", "lanemask_gt",
        "clock", "clock_hi", "clock64", "globaltimer", "globaltimer_lo", "globaltimer_hi",
        "total_smem_size", "aggr_smem_size", "dynamic_smem_size", "current_graph_exec",
        "reserved_smem_offset_begin", "reserved_smem_offset_end", "reserved_smem_offset_cap",
        "reserved_smem_offset_0", "reserved_smem_offset_1",
        .. Enumerable.Range(0, 8).SelectMany(i => new[] { $"pm{i}", $"pm{i}_64" }),
        .. Enumerable.Range(0, 32).Select(i => $"envreg{i}"),
    ];

    /// <summary>Whether %name is one that has components, such as %tid.</summary>
    public static bool IsVector(string name) => Vectors.Contains(name);

    /// <summary>Whether %name is one without components, such as %laneid.</summary>
    public static bool IsScalar(string name) => Scalars.Contains(name);

    /// <summary>All four components of a vector one, for an operand that names it whole.</summary>
    public static PtxOperand Whole(string name) =>
        new PtxOperand.Vector([.. Components.Select(component => new PtxOperand.Special($"{name}.{component}"))]);
}
