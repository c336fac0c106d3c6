using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>IEEE 754 half precision: eight elements are one access.</summary>
internal readonly struct Float16 : IElement
{
    public static DType Type => DType.F16;

    public static int Vectors
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight Load(ArrayView<Bits128> source, long index)
    {
        Bits128 bits = source[index];
        return new Eight(Low(bits.X), High(bits.X), Low(bits.Y), High(bits.Y), Low(bits.Z), High(bits.Z), Low(bits.W), High(bits.W));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ArrayView<Bits128> target, long index, Eight values) => target[index] = new Bits128(
        Pack(values.X0, values.X1), Pack(values.X2, values.X3), Pack(values.X4, values.X5), Pack(values.X6, values.X7));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(ArrayView<Bits128> target, long index, Four values) =>
        target.Cast<Bits64>()[index] = new Bits64(Pack(values.X, values.Y), Pack(values.Z, values.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne(ArrayView<Bits128> source, long element) => Interop.IntAsFloat(source.Cast<ushort>()[element]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreOne(ArrayView<Bits128> target, long element, float value) =>
        target.Cast<ushort>()[element] = Interop.FloatAsInt((ILGPU.Half)value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Low(uint pair) => Interop.IntAsFloat((ushort)pair);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float High(uint pair) => Interop.IntAsFloat((ushort)(pair >> 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Pack(float low, float high) => Interop.FloatAsInt((ILGPU.Half)low) | ((uint)Interop.FloatAsInt((ILGPU.Half)high) << 16);
}
