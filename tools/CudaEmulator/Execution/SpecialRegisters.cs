namespace Handwritten.CudaEmulator.Execution;

/// <summary>Special registers whose value stands while a block runs. (Clocks are read by an instruction of their own.)</summary>
internal static class SpecialRegisters
{
    private static readonly HashSet<string> Names =
    [
        "tid.x", "tid.y", "tid.z", "ntid.x", "ntid.y", "ntid.z", "ctaid.x", "ctaid.y", "ctaid.z", "nctaid.x", "nctaid.y", "nctaid.z",
        "laneid", "warpid", "nwarpid", "smid", "nsmid", "gridid", "WARP_SZ", "dynamic_smem_size", "total_smem_size",
        "lanemask_eq", "lanemask_lt", "lanemask_le", "lanemask_gt", "lanemask_ge",
        "tid.w", "ntid.w", "ctaid.w", "nctaid.w", "cluster_ctarank", "cluster_nctarank",
    ];

    /// <summary>Whether there is one of that name.</summary>
    public static bool Knows(string name) => Names.Contains(name);

    /// <summary>Whether its value changes from one block to the next.</summary>
    public static bool DependsOnBlock(string name) => name.StartsWith("ctaid", StringComparison.Ordinal) || name == "smid";

    /// <summary>Its value for one thread.</summary>
    public static ulong Value(string name, Warp warp, int lane)
    {
        Block block = warp.Block;
        LaunchRequest launch = block.Launch;
        Dim3 thread = launch.Block.At(warp.Index * Lanes.Count + lane);
        return name switch
        {
            "tid.x" => (ulong)thread.X,
            "tid.y" => (ulong)thread.Y,
            "tid.z" => (ulong)thread.Z,
            "ntid.x" => (ulong)launch.Block.X,
            "ntid.y" => (ulong)launch.Block.Y,
            "ntid.z" => (ulong)launch.Block.Z,
            "ctaid.x" => (ulong)block.Coordinates.X,
            "ctaid.y" => (ulong)block.Coordinates.Y,
            "ctaid.z" => (ulong)block.Coordinates.Z,
            "nctaid.x" => (ulong)launch.Grid.X,
            "nctaid.y" => (ulong)launch.Grid.Y,
            "nctaid.z" => (ulong)launch.Grid.Z,
            "laneid" => (ulong)lane,
            "warpid" => (ulong)warp.Index,
            "nwarpid" => (ulong)(block.Profile.ThreadsPerMultiprocessor / Lanes.Count),
            "smid" => (ulong)(block.Number % block.Profile.Multiprocessors),
            "nsmid" => (ulong)block.Profile.Multiprocessors,
            "gridid" => 1,
            "WARP_SZ" => Lanes.Count,
            "dynamic_smem_size" => (ulong)launch.DynamicSharedBytes,
            "total_smem_size" => (ulong)(launch.DynamicSharedBytes + launch.Kernel.StaticSharedBytes),
            "lanemask_eq" => 1u << lane,
            "lanemask_lt" => (1u << lane) - 1,
            "lanemask_le" => (1u << lane) * 2 - 1,
            "lanemask_gt" => ~((1u << lane) * 2 - 1),
            "lanemask_ge" => ~((1u << lane) - 1),
            "tid.w" or "ntid.w" or "ctaid.w" or "nctaid.w" or "cluster_ctarank" => 0,
            "cluster_nctarank" => 1,
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such special register"),
        };
    }
}
