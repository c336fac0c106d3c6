using System.Numerics;
using System.Runtime.CompilerServices;

namespace Handwritten.Kernels;

/// <summary>
/// Numbers between their stored types and float32, a vector at a time; rounded to the nearest, ties to even. .NET converts
/// halves one by one, which is slower than the copy to the device that follows.
/// Source of the two half-precision tricks: Fabian Giesen, "Float to half conversion" (public domain).
/// </summary>
internal static unsafe class HostConversions
{
    /// <summary>float32 values of stored numbers.</summary>
    /// <param name="type">F64, F32, F16 or BF16.</param>
    /// <param name="source">The first of them; may be unaligned.</param>
    /// <param name="values">Receives as many as it is long.</param>
    public static void Decode(DType type, byte* source, Span<float> values)
    {
        fixed (float* target = values)
        {
            int done = 0, step = Vector<float>.Count;
            switch (type)
            {
                case DType.F64:
                    for (; done <= values.Length - step; done += step)
                    {
                        double* from = (double*)source + done;
                        Vector.Narrow(Vector.Load(from), Vector.Load(from + Vector<double>.Count)).Store(target + done);
                    }

                    break;
                case DType.F16:
                    for (; done <= values.Length - (2 * step); done += 2 * step)
                    {
                        Vector.Widen(Vector.Load((ushort*)source + done), out Vector<uint> low, out Vector<uint> high);
                        FromHalf(low).Store(target + done);
                        FromHalf(high).Store(target + done + step);
                    }

                    break;
                case DType.BF16:
                    for (; done <= values.Length - (2 * step); done += 2 * step)
                    {
                        Vector.Widen(Vector.Load((ushort*)source + done), out Vector<uint> low, out Vector<uint> high);
                        (low << 16).As<uint, float>().Store(target + done);
                        (high << 16).As<uint, float>().Store(target + done + step);
                    }

                    break;
                default:
                    Buffer.MemoryCopy(source, target, values.Length * sizeof(float), values.Length * sizeof(float));
                    return;
            }

            for (; done < values.Length; done++)
            {
                target[done] = type switch
                {
                    DType.F64 => (float)Unsafe.ReadUnaligned<double>(source + (done * sizeof(double))),
                    DType.F16 => FromHalf(new Vector<uint>(Unsafe.ReadUnaligned<ushort>(source + (done * 2))))[0],
                    _ => BitConverter.UInt32BitsToSingle((uint)Unsafe.ReadUnaligned<ushort>(source + (done * 2)) << 16),
                };
            }
        }
    }

    /// <summary>Stores float32 values as another type.</summary>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="values">The values.</param>
    /// <param name="target">Receives them.</param>
    public static void Encode(DType type, ReadOnlySpan<float> values, byte* target)
    {
        fixed (float* source = values)
        {
            if (type == DType.F32)
            {
                Buffer.MemoryCopy(source, target, values.Length * sizeof(float), values.Length * sizeof(float));
                return;
            }

            bool isHalf = type == DType.F16;
            int done = 0, step = Vector<float>.Count;
            for (; done <= values.Length - (2 * step); done += 2 * step)
            {
                Vector<uint> low = Vector.Load(source + done).As<float, uint>(), high = Vector.Load(source + done + step).As<float, uint>();
                (isHalf ? Vector.Narrow(ToHalf(low), ToHalf(high)) : Vector.Narrow(ToBFloat16(low), ToBFloat16(high))).Store((ushort*)target + done);
            }

            for (; done < values.Length; done++)
            {
                Vector<uint> bits = new(BitConverter.SingleToUInt32Bits(source[done]));
                ((ushort*)target)[done] = (ushort)(isHalf ? ToHalf(bits) : ToBFloat16(bits))[0];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> FromHalf(Vector<uint> half)
    {
        Vector<uint> bits = (half & new Vector<uint>(0x7FFF)) << 13, exponent = bits & new Vector<uint>(0x0F800000);
        bits += new Vector<uint>((127 - 15) << 23);
        Vector<uint> special = bits + new Vector<uint>((128 - 16) << 23); // infinite or not a number
        Vector<uint> small = ((bits + new Vector<uint>(1 << 23)).As<uint, float>() - new Vector<uint>(113 << 23).As<uint, float>()).As<float, uint>();
        bits = Vector.ConditionalSelect(Vector.Equals(exponent, new Vector<uint>(0x0F800000)), special, Vector.ConditionalSelect(Vector.Equals(exponent, Vector<uint>.Zero), small, bits));
        return (bits | ((half & new Vector<uint>(0x8000)) << 16)).As<uint, float>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> ToHalf(Vector<uint> bits)
    {
        Vector<uint> sign = bits & new Vector<uint>(0x80000000), size = bits ^ sign;
        Vector<uint> normal = (size + new Vector<uint>(unchecked((uint)((15 - 127) << 23) + 0xFFF)) + ((size >> 13) & Vector<uint>.One)) >> 13;
        Vector<uint> half = new(0x3F000000); // adding 0.5 moves the bits of a subnormal half to the end of the number, rounded
        Vector<uint> small = (size.As<uint, float>() + half.As<uint, float>()).As<float, uint>() - half;
        Vector<uint> special = Vector.ConditionalSelect(Vector.GreaterThan(size, new Vector<uint>(0x7F800000)), new Vector<uint>(0x7E00), new Vector<uint>(0x7C00));
        Vector<uint> result = Vector.ConditionalSelect(
            Vector.GreaterThanOrEqual(size, new Vector<uint>(0x47800000)), // 65536: beyond the largest half
            special,
            Vector.ConditionalSelect(Vector.LessThan(size, new Vector<uint>(0x38800000)), small, normal)); // 2^-14: the smallest normal half
        return result | (sign >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> ToBFloat16(Vector<uint> bits)
    {
        Vector<uint> rounded = (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;
        Vector<uint> isNumber = Vector.LessThanOrEqual(bits & new Vector<uint>(0x7FFFFFFF), new Vector<uint>(0x7F800000));
        return Vector.ConditionalSelect(isNumber, rounded, (bits >> 16) | new Vector<uint>(0x40)); // rounding could make it infinite
    }
}
