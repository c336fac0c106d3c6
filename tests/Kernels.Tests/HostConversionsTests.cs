using System.Runtime.InteropServices;
using Xunit;

namespace Handwritten.Kernels.Tests;

public sealed unsafe class HostConversionsTests
{
    private static float[] Decode<T>(DType type, T[] source)
        where T : unmanaged
    {
        float[] values = new float[source.Length];
        byte[] unaligned = [0, .. MemoryMarshal.AsBytes<T>(source)];
        fixed (byte* from = unaligned)
        {
            HostConversions.Decode(type, from + 1, values);
        }

        return values;
    }

    private static T[] Encode<T>(DType type, float[] values)
        where T : unmanaged
    {
        T[] result = new T[values.Length];
        fixed (T* to = result)
        {
            HostConversions.Encode(type, values, (byte*)to);
        }

        return result;
    }

    private static int[] Bits(IEnumerable<float> values) => [.. values.Select(BitConverter.SingleToInt32Bits)];

    private static ushort[] AllBits => [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];

    /// <summary>Numbers of all sizes, the halfway points between halves among them.</summary>
    private static float[] Numbers
    {
        get
        {
            Random random = new(5);
            IEnumerable<float> any = Enumerable.Range(0, 100_003).Select(_ => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)));
            IEnumerable<float> halfway = AllBits.Select(bits => BitConverter.UInt16BitsToHalf(bits)).Where(Half.IsFinite)
                .SelectMany(half => (float[])[((float)half + (float)Half.BitIncrement(half)) / 2, MathF.BitIncrement(((float)half + (float)Half.BitIncrement(half)) / 2)]);
            return [.. any.Concat(halfway).Where(value => !float.IsNaN(value)), 65504, 65519.996f, 65520, 65536, float.MaxValue, float.PositiveInfinity, float.NegativeInfinity, -0f, float.Epsilon];
        }
    }

    [Fact]
    public void Every_half_is_widened_exactly()
    {
        Half[] halves = [.. AllBits.Select(BitConverter.UInt16BitsToHalf)];
        float[] widened = Decode(DType.F16, halves);
        Assert.Equal(Bits(halves.Where(half => !Half.IsNaN(half)).Select(half => (float)half)), Bits(widened.Where(value => !float.IsNaN(value))));
        Assert.All(halves.Zip(widened), pair => Assert.Equal(Half.IsNaN(pair.First), float.IsNaN(pair.Second)));
    }

    [Fact]
    public void Numbers_are_rounded_to_the_nearest_half() =>
        Assert.Equal(Numbers.Select(value => BitConverter.HalfToUInt16Bits((Half)value)), Encode<ushort>(DType.F16, Numbers));

    [Fact]
    public void Numbers_are_rounded_to_the_nearest_bfloat16()
    {
        float[] numbers = Numbers;
        ushort[] rounded = Encode<ushort>(DType.BF16, numbers);
        for (int i = 0; i < rounded.Length; i++)
        {
            // The exact halfway point between a number's upper half and the next decides; ties go to the even one.
            uint bits = BitConverter.SingleToUInt32Bits(numbers[i]), lower = bits >> 16, rest = bits & 0xFFFF;
            uint expected = rest > 0x8000 || (rest == 0x8000 && lower % 2 == 1) ? lower + 1 : lower;
            Assert.True(expected == rounded[i], $"{numbers[i]} became {rounded[i]:x4}.");
        }
    }

    [Fact]
    public void What_is_no_number_stays_none()
    {
        float[] nan = [.. Enumerable.Repeat(BitConverter.Int32BitsToSingle(0x7F800001), 40), BitConverter.Int32BitsToSingle(unchecked((int)0xFFFFFFFF))];
        Assert.All(Encode<Half>(DType.F16, nan), half => Assert.True(Half.IsNaN(half)));
        Assert.All(Decode(DType.BF16, Encode<ushort>(DType.BF16, nan)), value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void Doubles_are_rounded_to_the_nearest_float()
    {
        double[] doubles = [.. Numbers.Select(value => value * 1.0000001), double.MaxValue, double.Epsilon];
        Assert.Equal(Bits(doubles.Select(value => (float)value)), Bits(Decode(DType.F64, doubles)));
    }

    [Fact]
    public void Floats_are_moved()
    {
        Assert.Equal(Bits(Numbers), Bits(Decode(DType.F32, Numbers)));
        Assert.Equal(Bits(Numbers), Bits(Encode<float>(DType.F32, Numbers)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(33)]
    public void Any_count_is_converted(int count)
    {
        float[] values = Numbers[..count];
        Assert.Equal(values.Select(value => (Half)value), Encode<Half>(DType.F16, values));
    }
}
