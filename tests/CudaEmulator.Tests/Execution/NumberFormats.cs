namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>The types that mma multiplies, by their PTX names, written a second time and as plainly as can be.</summary>
internal static class NumberFormats
{
    /// <summary>Bits of a number.</summary>
    public static int Bits(string type) => type switch
    {
        "f32" or "tf32" or "s32" => 32,
        "f16" or "bf16" => 16,
        _ => 8,
    };

    /// <summary>What the bits of s8 or u8 stand for.</summary>
    public static int Integer(string type, uint bits) => type == "s8" ? (sbyte)bits : (byte)bits;

    /// <summary>What the bits of a floating-point type stand for.</summary>
    public static float Decode(string type, uint bits) => type switch
    {
        "f32" => BitConverter.UInt32BitsToSingle(bits),
        "tf32" => BitConverter.UInt32BitsToSingle(bits & 0xffffe000),
        "f16" => (float)BitConverter.UInt16BitsToHalf((ushort)bits),
        "bf16" => BitConverter.UInt32BitsToSingle(bits << 16),
        "e4m3" => Small(bits, 3, 7),
        _ => Small(bits, 2, 15),
    };

    // (-1)^s 2^(e - bias) 1.m, or 2^(1 - bias) 0.m if e = 0
    private static float Small(uint bits, int fraction, int bias)
    {
        var exponent = (int)(bits & 0x7f) >> fraction;
        var mantissa = (bits & ((1u << fraction) - 1)) / (double)(1 << fraction);
        var magnitude = exponent == 0 ? mantissa * Math.Pow(2, 1 - bias) : (1 + mantissa) * Math.Pow(2, exponent - bias);
        return (float)((bits & 0x80) != 0 ? -magnitude : magnitude);
    }

    /// <summary>The nearest number of the type, or nearly; tf32's lower bits, which do not count, are left as they are.</summary>
    public static uint Encode(string type, float value) => type switch
    {
        "f32" or "tf32" => BitConverter.SingleToUInt32Bits(value),
        "f16" => BitConverter.HalfToUInt16Bits((Half)value),
        "bf16" => BitConverter.SingleToUInt32Bits(value) >> 16,
        _ => Enumerable.Range(0, 256).Select(i => (uint)i).Where(i => (i & 0x7f) < 0x7b).MinBy(i => Math.Abs(Decode(type, i) - value)),
    };
}
