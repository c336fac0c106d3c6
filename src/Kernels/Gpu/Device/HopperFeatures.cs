namespace Handwritten.Kernels.Gpu;

/// <summary>
/// What is there for Hopper (sm_90) alone. Neither has run on a card yet, so it is used where the environment asks for it:
/// HANDWRITTEN_HOPPER is <c>early</c>, <c>wgmma</c>, both with a comma between them, or <c>none</c>. Other devices take no notice.
/// </summary>
[Flags]
internal enum HopperFeatures
{
    /// <summary>As on other devices.</summary>
    None,

    /// <summary>
    /// "early": the kernels of a step may begin before those in front have ended, see <see cref="Gpu.EarlyLaunches"/>.
    /// </summary>
    EarlyLaunches = 1,

    /// <summary>
    /// "wgmma": products with many rows by Hopper's own instruction, see
    /// <see cref="WarpgroupProduct{TRows, TCore, TTile, TOutput, TActivation}"/>.
    /// </summary>
    Warpgroups = 2,
}

/// <summary>Where <see cref="HopperFeatures"/> are asked for.</summary>
internal static class HopperVariable
{
    /// <summary>The environment variable.</summary>
    public const string Name = "HANDWRITTEN_HOPPER";

    /// <summary>What the environment asks for.</summary>
    /// <exception cref="GpuException">It asks for something else.</exception>
    public static HopperFeatures Read() => Parse(Environment.GetEnvironmentVariable(Name));

    /// <summary>What a value of the variable asks for.</summary>
    /// <exception cref="GpuException">It asks for something else.</exception>
    public static HopperFeatures Parse(string? value)
    {
        HopperFeatures features = HopperFeatures.None;
        foreach (string word in (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            features |= word switch
            {
                "none" => HopperFeatures.None,
                "early" => HopperFeatures.EarlyLaunches,
                "wgmma" => HopperFeatures.Warpgroups,
                _ => throw new GpuException($"{Name} is \"{value}\": it can be none, early, wgmma, or early,wgmma."),
            };
        }

        return features;
    }
}
