namespace Handwritten.Kernels.Gpu;

/// <summary>
/// What something will take on a device, part by part, before any of it is allocated: so that a model that does not fit is
/// refused at once, with what would fit.
/// <code>
///     new MemoryEstimate("large-v3").Add("weights", 1_543_000_000).AddSingle("logits", 5 * 51_866).Require(device, ComputeType.Float32);
/// </code>
/// </summary>
/// <param name="subject">What it is, for the message.</param>
public sealed class MemoryEstimate(string subject)
{
    // What the driver's context, the kernels and the rounding of sizes take beside the tensors.
    private const long Reserve = 256L << 20;

    private readonly List<(string Label, long Elements, bool IsSingle)> _parts = [];

    /// <summary>Adds tensors of the compute type.</summary>
    public MemoryEstimate Add(string label, long elements)
    {
        _parts.Add((label, elements, false));
        return this;
    }

    /// <summary>Adds tensors that are float32 with every compute type.</summary>
    public MemoryEstimate AddSingle(string label, long elements)
    {
        _parts.Add((label, elements, true));
        return this;
    }

    /// <summary>The sum, with what comes on top of it.</summary>
    public long Bytes(ComputeType type) => Reserve + _parts.Sum(part => Bytes(part.Elements, part.IsSingle, type));

    /// <summary>Refuses what does not fit.</summary>
    /// <exception cref="GpuException">It does not: how much is needed and free, and which compute type would fit.</exception>
    public void Require(GpuDevice device, ComputeType type)
    {
        if (Refusal(type, device.Name, device.ComputeCapability, device.Memory.FreeBytes, device.Memory.TotalBytes) is { } refusal)
        {
            throw new GpuException(refusal) { IsOutOfMemory = true };
        }
    }

    /// <summary>The sentence for a device where it does not fit; null for one where it does.</summary>
    internal string? Refusal(ComputeType type, string device, int computeCapability, long free, long total)
    {
        if (Bytes(type) <= free)
        {
            return null;
        }

        string parts = string.Join(", ", _parts.GroupBy(part => part.Label).Select(group => $"{group.Key} {GpuMemory.Text(group.Sum(part => Bytes(part.Elements, part.IsSingle, type)))}"));
        ComputeType[] smaller = computeCapability >= 80 ? [ComputeType.Float16, ComputeType.BFloat16] : [ComputeType.Float16];
        string[] fitting = [.. smaller.Where(other => Bytes(other) <= free).Select(Name)];
        string advice = fitting.Length > 0
            ? $"With --compute-type {string.Join(" or ", fitting)} it takes {GpuMemory.Text(Bytes(ComputeType.Float16))} and fits."
            : "It fits with no compute type: choose a smaller model or batch.";
        return $"{subject} does not fit {device}: with {Name(type)} it takes {GpuMemory.Text(Bytes(type))} ({parts}), and {GpuMemory.Text(free)} of {GpuMemory.Text(total)} are free. {advice}";
    }

    private static long Bytes(long elements, bool isSingle, ComputeType type) => elements * (isSingle || type == ComputeType.Float32 ? sizeof(float) : sizeof(ushort));

    private static string Name(ComputeType type) => type switch
    {
        ComputeType.Float16 => "float16",
        ComputeType.BFloat16 => "bfloat16",
        _ => "float32",
    };
}
