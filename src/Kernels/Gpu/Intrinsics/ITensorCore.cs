using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// What the tensor cores of a generation of GPUs do with an element type, as a policy that is compiled into a kernel.
/// </summary>
internal interface ITensorCore
{
    /// <summary>c += a · b, a tile of 16 x 16 with one of 16 x 8: 2048 multiply-adds by a warp.</summary>
    static abstract void MultiplyAdd(ref Accumulator c, ref FragmentA a, ref FragmentB b);

    /// <summary>
    /// Two numbers as elements in one register, rounded to the nearest even: <paramref name="low"/> in the lower half.
    /// </summary>
    static abstract uint Pack(float low, float high);

    /// <summary>Four codes of a byte as elements: the lower two in <see cref="Bits64.X"/>. See <see cref="Int8Codes"/>.</summary>
    static abstract Bits64 Widen(uint codes);
}

/// <summary>float16 from sm_80 on: one instruction.</summary>
internal readonly struct AmpereFloat16 : ITensorCore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(ref Accumulator c, ref FragmentA a, ref FragmentB b) => CudaAsm.EmitRef(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
        ref c.X0, ref c.X1, ref c.X2, ref c.X3, ref a.X0, ref a.X1, ref a.X2, ref a.X3, ref b.X0, ref b.X1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Pack(float low, float high)
    {
        CudaAsm.Emit("cvt.rn.f16x2.f32 %0, %1, %2;", out uint pair, high, low);
        return pair;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bits64 Widen(uint codes) => Int8Codes.ToFloat16(codes);
}

/// <summary>bfloat16, which exists from sm_80 on.</summary>
internal readonly struct AmpereBFloat16 : ITensorCore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(ref Accumulator c, ref FragmentA a, ref FragmentB b) => CudaAsm.EmitRef(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
        ref c.X0, ref c.X1, ref c.X2, ref c.X3, ref a.X0, ref a.X1, ref a.X2, ref a.X3, ref b.X0, ref b.X1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Pack(float low, float high)
    {
        CudaAsm.Emit("cvt.rn.bf16x2.f32 %0, %1, %2;", out uint pair, high, low);
        return pair;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bits64 Widen(uint codes) => Int8Codes.ToBFloat16(codes);
}

/// <summary>
/// float16 on sm_75, which has half the depth an instruction: the fragments are those of two instructions side by side.
/// </summary>
internal readonly struct TuringFloat16 : ITensorCore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(ref Accumulator c, ref FragmentA a, ref FragmentB b)
    {
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};",
            ref c.X0, ref c.X1, ref c.X2, ref c.X3, ref a.X0, ref a.X1, ref b.X0);
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};",
            ref c.X0, ref c.X1, ref c.X2, ref c.X3, ref a.X2, ref a.X3, ref b.X1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Pack(float low, float high) =>
        Interop.FloatAsInt((ILGPU.Half)low) | ((uint)Interop.FloatAsInt((ILGPU.Half)high) << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bits64 Widen(uint codes) => Int8Codes.ToFloat16(codes);
}
