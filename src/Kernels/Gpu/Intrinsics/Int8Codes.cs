using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Four codes of a byte, −128 .. 127, as two pairs of 16-bit elements, exactly and without a conversion (of which a
/// multiprocessor makes 16 a cycle): a byte is put where the lowest digits of a number of known size are, and that is taken off.
/// </summary>
internal static class Int8Codes
{
    /// <summary>
    /// float16, five instructions: the ten lowest bits of 1024 .. 2047 count ones, so 0x64bb is 1024 + bb, and bb = code + 128.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bits64 ToFloat16(uint codes)
    {
        uint biased = codes ^ 0x80808080;
        CudaAsm.Emit("{ .reg .b32 pair, bias; prmt.b32 pair, %1, 0x64646464, 0x4140; mov.b32 bias, 0x64806480; sub.f16x2 %0, pair, bias; }", out uint low, biased);
        CudaAsm.Emit("{ .reg .b32 pair, bias; prmt.b32 pair, %1, 0x64646464, 0x4342; mov.b32 bias, 0x64806480; sub.f16x2 %0, pair, bias; }", out uint high, biased);
        return new Bits64(low, high);
    }

    /// <summary>
    /// bfloat16, eight instructions: only the seven lowest bits of 128 .. 255 count ones, so 0x43bb without the byte's sign is
    /// 128 + the rest of it; 128 is taken off where the sign was not set, and 256 where it was. sm_80 has no other way to
    /// add than to multiply as well, by one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bits64 ToBFloat16(uint codes)
    {
        CudaAsm.Emit("prmt.b32 %0, %1, 0x43434343, 0x4140;", out uint low, codes);
        CudaAsm.Emit("prmt.b32 %0, %1, 0x43434343, 0x4342;", out uint high, codes);
        return new Bits64(WithoutBias(low), WithoutBias(high));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint WithoutBias(uint pair)
    {
        CudaAsm.Emit(
            "{ .reg .b32 one; mov.b32 one, 0x3F803F80; fma.rn.bf16x2 %0, %1, one, %2; }",
            out uint difference, pair & 0xFF7FFF7F, (pair & 0x00800080) | 0xC300C300); // −128 or −256
        return difference;
    }
}
