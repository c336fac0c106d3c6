using Handwritten.Kernels;

namespace Handwritten.Model;

/// <summary>What a tensor is, without its numbers.</summary>
/// <param name="Name">Its name in the checkpoint.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions, outermost first; empty for a scalar.</param>
public sealed record TensorInfo(string Name, DType Type, int[] Shape)
{
    /// <summary>Product of the dimensions.</summary>
    /// <exception cref="OverflowException">It does not fit in 64 bits.</exception>
    public long ElementCount => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));

    /// <summary>Bytes that the elements take.</summary>
    /// <exception cref="OverflowException">They do not fit in 64 bits.</exception>
    public long ByteCount => checked(ElementCount * Type.ByteSize());

    /// <summary>For messages: <c>F16 [384, 80, 3]</c>.</summary>
    public override string ToString() =>
        $"{Type.ToString().ToUpperInvariant()} [{string.Join(", ", Shape.Take(8))}{(Shape.Length > 8 ? ", …" : "")}]";
}
