namespace Handwritten.Kernels.Gpu;

/// <summary>
/// The types in which a back end keeps activations and weights. Sums, the residual stream and logits are float32 with each of
/// them. The names of those with int8 weights are CTranslate2's.
/// </summary>
public enum ComputeType
{
    /// <summary>float32 throughout: the reference path, on any GPU, without tensor cores.</summary>
    Float32,

    /// <summary>float16 on tensor cores.</summary>
    Float16,

    /// <summary>bfloat16 on tensor cores; compute capability 8.0 and up.</summary>
    BFloat16,

    /// <summary>Matrices in int8, and all else in what the device computes in by itself: float32 on a CPU, float16 on a GPU.</summary>
    Int8,

    /// <summary>Matrices in int8, activations in float32.</summary>
    Int8Float32,

    /// <summary>Matrices in int8, activations in float16.</summary>
    Int8Float16,

    /// <summary>Matrices in int8, activations in bfloat16.</summary>
    Int8BFloat16,
}

/// <summary>Facts about <see cref="ComputeType"/>.</summary>
public static class ComputeTypes
{
    /// <summary>As it is written on a command line: <c>float16</c>, <c>int8_float16</c>.</summary>
    public static string Name(this ComputeType type) => type switch
    {
        ComputeType.Float32 => "float32",
        ComputeType.Float16 => "float16",
        ComputeType.BFloat16 => "bfloat16",
        ComputeType.Int8 => "int8",
        ComputeType.Int8Float32 => "int8_float32",
        ComputeType.Int8Float16 => "int8_float16",
        ComputeType.Int8BFloat16 => "int8_bfloat16",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a compute type."),
    };

    /// <summary>Whether matrices are quantised to int8, with a scale for each output, when they are loaded.</summary>
    public static bool HasInt8Weights(this ComputeType type) => type >= ComputeType.Int8;

    /// <summary>
    /// How activations are stored, and weights that are not in int8: a type without int8. <see cref="ComputeType.Int8"/> is
    /// taken as on a GPU.
    /// </summary>
    public static ComputeType Activations(this ComputeType type) => type switch
    {
        ComputeType.Int8 or ComputeType.Int8Float16 => ComputeType.Float16,
        ComputeType.Int8Float32 => ComputeType.Float32,
        ComputeType.Int8BFloat16 => ComputeType.BFloat16,
        _ => type,
    };
}
