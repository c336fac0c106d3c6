namespace Handwritten.Kernels.Gpu.Profiling;

/// <summary>The least time that work can take on a card.</summary>
/// <param name="Microseconds">That time.</param>
/// <param name="Wall">What the card then waits for: "memory", or the unit that calculates: "f32", "tensorF16" and so on.</param>
public sealed record KernelFloor(double Microseconds, string Wall);

/// <summary>What one kernel did in a piece of work, all its launches together.</summary>
/// <param name="Kernel">Its name: <c>LayerNormalization&lt;Float16&gt;.LayerNormKernel</c>.</param>
/// <param name="Launches">How many times it was launched.</param>
/// <param name="Bytes">Bytes of device memory that had to move at least, launch by launch; null where nothing counts them.</param>
/// <param name="Flops">Operations, a multiply-add being two; null where nothing counts them.</param>
/// <param name="Microseconds">Time that was measured; null where there is no device whose time would mean anything.</param>
/// <param name="Floors">The least time by card (t4, a10, a100, h200), launch by launch; empty where nothing is counted.</param>
public sealed record KernelUse(
    string Kernel, int Launches, long? Bytes, long? Flops, double? Microseconds, IReadOnlyDictionary<string, KernelFloor> Floors);
