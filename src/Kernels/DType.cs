namespace Handwritten.Kernels;

/// <summary>Element types of stored tensors, by their names in the safetensors format.</summary>
public enum DType
{
    /// <summary>IEEE 754 double precision, 8 bytes.</summary>
    F64,

    /// <summary>IEEE 754 single precision, 4 bytes.</summary>
    F32,

    /// <summary>IEEE 754 half precision, 2 bytes: 1 sign, 5 exponent and 10 mantissa bits.</summary>
    F16,

    /// <summary>bfloat16, 2 bytes: the upper half of a single-precision number.</summary>
    BF16,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Boolean, one byte, 0 or 1.</summary>
    Bool,
}

/// <summary>Facts about <see cref="DType"/>.</summary>
public static class DTypes
{
    /// <summary>Bytes that one element takes.</summary>
    public static int ByteSize(this DType type) => type switch
    {
        DType.F64 or DType.I64 => 8,
        DType.F32 or DType.I32 => 4,
        DType.F16 or DType.BF16 or DType.I16 => 2,
        DType.I8 or DType.U8 or DType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type."),
    };

    /// <summary>Whether the type can hold weights of a network: F64, F32, F16 or BF16.</summary>
    public static bool IsFloatingPoint(this DType type) => type is DType.F64 or DType.F32 or DType.F16 or DType.BF16;
}
