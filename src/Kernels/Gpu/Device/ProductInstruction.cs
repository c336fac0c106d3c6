namespace Handwritten.Kernels.Gpu;

/// <summary>
/// What multiplies matrices with many rows on Hopper (sm_90), as the environment says: HANDWRITTEN_PRODUCTS is "mma" for
/// mma.sync, as on other devices, or "wgmma" for Hopper's own instruction. Without it: mma.
/// </summary>
internal static class ProductInstruction
{
    /// <summary>The variable.</summary>
    public const string Variable = "HANDWRITTEN_PRODUCTS";

    /// <summary>Whether a value of the variable says "wgmma".</summary>
    /// <exception cref="GpuException">It says something else than the two.</exception>
    public static bool IsWarpgroups(string? value) => value?.Trim() switch
    {
        null or "" or "mma" => false,
        "wgmma" => true,
        var other => throw new GpuException($"{Variable} is \"{other}\": it can be mma or wgmma."),
    };
}
