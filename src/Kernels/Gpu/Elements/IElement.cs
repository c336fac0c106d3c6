using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// An element type of activations and weights, as a policy that ILGPU compiles into a kernel: <c>LayerNormalization&lt;Float16&gt;</c>
/// is a kernel that stores halves. Kernels compute in float32; a policy only moves elements. Rows are multiples of eight
/// elements long, so that every row begins at 16 bytes.
/// </summary>
internal interface IElement
{
    /// <summary>How the elements are stored.</summary>
    static abstract DType Type { get; }

    /// <summary>Vectors of 16 bytes that eight elements take.</summary>
    static abstract int Vectors { get; }

    /// <summary>Reads eight elements.</summary>
    /// <param name="source">Elements, 16 bytes at a time.</param>
    /// <param name="index">Which eight: elements 8 · index to 8 · index + 7.</param>
    static abstract Eight Load(ArrayView<Bits128> source, long index);

    /// <summary>Writes eight elements, rounded to the nearest even.</summary>
    static abstract void Store(ArrayView<Bits128> target, long index, Eight values);

    /// <summary>Writes four elements, rounded to the nearest even.</summary>
    /// <param name="target">Elements, 16 bytes at a time.</param>
    /// <param name="index">Which four: elements 4 · index to 4 · index + 3.</param>
    /// <param name="values">The elements.</param>
    static abstract void StoreFour(ArrayView<Bits128> target, long index, Four values);

    /// <summary>Reads one element.</summary>
    static abstract float LoadOne(ArrayView<Bits128> source, long element);

    /// <summary>Writes one element, rounded to the nearest even.</summary>
    static abstract void StoreOne(ArrayView<Bits128> target, long element, float value);
}
