using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>IEEE 754 single precision: eight elements are two accesses.</summary>
internal readonly struct Float32 : IElement
{
    public static DType Type => DType.F32;

    public static int Vectors
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight Load(ArrayView<Bits128> source, long index)
    {
        Bits128 low = source[2 * index], high = source[(2 * index) + 1];
        return new Eight(
            Interop.IntAsFloat(low.X), Interop.IntAsFloat(low.Y), Interop.IntAsFloat(low.Z), Interop.IntAsFloat(low.W),
            Interop.IntAsFloat(high.X), Interop.IntAsFloat(high.Y), Interop.IntAsFloat(high.Z), Interop.IntAsFloat(high.W));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ArrayView<Bits128> target, long index, Eight values)
    {
        target[2 * index] = new Bits128(Interop.FloatAsInt(values.X0), Interop.FloatAsInt(values.X1), Interop.FloatAsInt(values.X2), Interop.FloatAsInt(values.X3));
        target[(2 * index) + 1] = new Bits128(Interop.FloatAsInt(values.X4), Interop.FloatAsInt(values.X5), Interop.FloatAsInt(values.X6), Interop.FloatAsInt(values.X7));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(ArrayView<Bits128> target, long index, Four values) =>
        target[index] = new Bits128(Interop.FloatAsInt(values.X), Interop.FloatAsInt(values.Y), Interop.FloatAsInt(values.Z), Interop.FloatAsInt(values.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne(ArrayView<Bits128> source, long element) => source.Cast<float>()[element];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreOne(ArrayView<Bits128> target, long element, float value) => target.Cast<float>()[element] = value;
}
