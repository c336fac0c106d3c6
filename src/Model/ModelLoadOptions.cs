using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Model;

/// <summary>Where a model is loaded to, and how it computes there.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>The device; <see cref="ComputeDevice.Auto"/> takes a GPU if there is one.</summary>
    public ComputeDevice Device { get; init; } = ComputeDevice.Auto;

    /// <summary>
    /// The types of activations and weights; null for float16 on a GPU. The CPU computes in float32 whatever is asked for,
    /// with weights as they are stored or in int8.
    /// </summary>
    public ComputeType? ComputeType { get; init; }

    /// <summary>Threads of the CPU; null for all.</summary>
    public int? Threads { get; init; }

    /// <summary>Receives sentences that somebody should read, such as that the cache of compiled kernels cannot be written.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Opens the device.</summary>
    /// <exception cref="GpuException">The GPU cannot be used.</exception>
    public IKernels CreateKernels() => Device.CreateKernels(ComputeType, Threads, Warn);
}
