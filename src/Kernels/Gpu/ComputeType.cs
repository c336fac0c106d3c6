namespace Handwritten.Kernels.Gpu;

/// <summary>
/// The type in which a GPU keeps weights and activations. Sums, the residual stream and logits are float32 with each of
/// them.
/// </summary>
public enum ComputeType
{
    /// <summary>float32 throughout: the reference path, on any GPU, without tensor cores.</summary>
    Float32,

    /// <summary>float16 on tensor cores.</summary>
    Float16,

    /// <summary>bfloat16 on tensor cores; compute capability 8.0 and up.</summary>
    BFloat16,
}
