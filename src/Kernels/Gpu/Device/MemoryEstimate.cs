namespace Handwritten.Kernels.Gpu;

/// <summary>
/// What something will take on a device, part by part, before any of it is allocated: so that a model that does not fit is
/// refused at once, with what would fit.
/// <code>
///     new MemoryEstimate("large-v3")
///         .AddMatrix("weights", 51_866, 1280)
///         .AddSingle("logits", 5 * 51_866)
///         .Require(device, ComputeType.Float32);
/// </code>
/// </summary>
/// <param name="subject">What it is, for the message.</param>
public sealed class MemoryEstimate(string subject)
{
    // What the driver's context, the kernels and the rounding of sizes take beside the tensors.
    private const long Reserve = 256L << 20;

    private readonly List<(string Label, Func<ComputeType, long> Bytes)> _parts = [];
    private long _largestWidened; // elements of the largest matrix that is widened where weights are in int8

    /// <summary>Adds tensors of the compute type.</summary>
    public MemoryEstimate Add(string label, long elements) => AddPart(label, type => elements * ElementBytes(type));

    /// <summary>Adds tensors that are float32 with every compute type.</summary>
    public MemoryEstimate AddSingle(string label, long elements) => AddPart(label, _ => elements * sizeof(float));

    /// <summary>Adds a matrix of weights [outputs, inputs], which may be in int8.</summary>
    public MemoryEstimate AddMatrix(string label, long outputs, long inputs)
    {
        if (outputs <= Int8Matrix.MostWidenedOutputs)
        {
            _largestWidened = Math.Max(_largestWidened, outputs * inputs);
        }

        return AddPart(label, type => type.HasInt8Weights() ? Int8Matrix.BytesOf(outputs, inputs) : outputs * inputs * ElementBytes(type));
    }

    /// <summary>The sum, with what comes on top of it.</summary>
    public long Bytes(ComputeType type) => Reserve + (type.HasInt8Weights() ? _largestWidened * ElementBytes(type) : 0) + _parts.Sum(part => part.Bytes(type));

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

        string parts = string.Join(", ", _parts.GroupBy(part => part.Label).Select(group => $"{group.Key} {GpuMemory.Text(group.Sum(part => part.Bytes(type)))}"));
        ComputeType[] halves = computeCapability >= 80 ? [ComputeType.Float16, ComputeType.BFloat16] : [ComputeType.Float16];
        ComputeType[] fitting = Array.Find<ComputeType[]>([halves, [ComputeType.Int8]], types => Bytes(types[0]) <= free) ?? [];
        string advice = fitting.Length > 0
            ? $"With --compute-type {string.Join(" or ", fitting.Select(ComputeTypes.Name))} it takes {GpuMemory.Text(Bytes(fitting[0]))} and fits."
            : "It fits with no compute type: choose a smaller model or batch.";
        return $"{subject} does not fit {device}: with {type.Name()} it takes {GpuMemory.Text(Bytes(type))} ({parts}), and {GpuMemory.Text(free)} of {GpuMemory.Text(total)} are free. {advice}";
    }

    private static long ElementBytes(ComputeType type) => type.Activations() == ComputeType.Float32 ? sizeof(float) : sizeof(ushort);

    private MemoryEstimate AddPart(string label, Func<ComputeType, long> bytes)
    {
        _parts.Add((label, bytes));
        return this;
    }
}
