using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// What the tensor cores of Hopper do with an element type, as a policy that is compiled into a kernel: wgmma. A warpgroup, four
/// warps, multiplies 64 x 16 elements of a with 16 x n of b, both out of shared memory, where <see cref="SharedMatrix"/>
/// describes them, while its threads go on. The sums stay in registers that the instruction owns until it is waited for:
/// warp w has rows 16w to 16w + 15, and of these each eight columns are what mma.sync calls an <see cref="Accumulator"/>,
/// registers %sum(4j) to %sum(4j + 3) for columns 8j to 8j + 7.
/// <para>
/// So many registers cannot be arguments of inline PTX. They are declared by name (<see cref="Warpgroup.Declare128"/>), used by
/// name, and put into C# only before and behind the products (<see cref="ISumRegisters"/>): a kernel has one set of them.
/// </para>
/// Source: PTX ISA 8.0 and later, "Asynchronous Warpgroup Level Matrix Instructions".
/// </summary>
internal interface IWarpgroupCore
{
    /// <summary>sums += a · bᵀ, 64 x 128 x 16: 131,072 multiply-adds, begun by a warpgroup.</summary>
    /// <param name="a">Describes 64 rows of 16 elements.</param>
    /// <param name="b">Describes 128 rows of 16 elements.</param>
    static abstract void MultiplyAdd128(ulong a, ulong b);

    /// <summary>sums += a · bᵀ, 64 x 256 x 16.</summary>
    /// <param name="a">Describes 64 rows of 16 elements.</param>
    /// <param name="b">Describes 256 rows of 16 elements.</param>
    static abstract void MultiplyAdd256(ulong a, ulong b);
}

/// <summary>float16 on sm_90.</summary>
internal readonly struct HopperFloat16 : IWarpgroupCore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd128(ulong a, ulong b) => CudaAsm.Emit(
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {" + SumNames.Of128 + "}, %0, %1, %%adds, 1, 1, 0, 0;", a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd256(ulong a, ulong b) => CudaAsm.Emit(
        "wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16 {" + SumNames.Of256 + "}, %0, %1, %%adds, 1, 1, 0, 0;", a, b);
}

/// <summary>bfloat16 on sm_90.</summary>
internal readonly struct HopperBFloat16 : IWarpgroupCore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd128(ulong a, ulong b) => CudaAsm.Emit(
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" + SumNames.Of128 + "}, %0, %1, %%adds, 1, 1, 0, 0;", a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd256(ulong a, ulong b) => CudaAsm.Emit(
        "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {" + SumNames.Of256 + "}, %0, %1, %%adds, 1, 1, 0, 0;", a, b);
}

/// <summary>What a warpgroup does around its products. All four warps do it together.</summary>
internal static class Warpgroup
{
    /// <summary>Declares the sums of 128 columns, at the kernel's beginning.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare128() => CudaAsm.Emit(".reg .f32 %%sum<64>; .reg .pred %%adds; setp.eq.u32 %%adds, 0, 0;");

    /// <summary>Declares the sums of 256 columns, at the kernel's beginning.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare256() => CudaAsm.Emit(".reg .f32 %%sum<128>; .reg .pred %%adds; setp.eq.u32 %%adds, 0, 0;");

    /// <summary>Comes between what else uses the sums, and the first product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fence() => CudaAsm.Emit("wgmma.fence.sync.aligned;");

    /// <summary>Makes the products since the last call a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Commit() => CudaAsm.Emit("wgmma.commit_group.sync.aligned;");

    /// <summary>Waits for all groups: the sums may be used, and the factors overwritten.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAll() => CudaAsm.Emit("wgmma.wait_group.sync.aligned 0;");

    /// <summary>Waits for all groups but the latest: the factors of those before may be overwritten.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAllButOne() => CudaAsm.Emit("wgmma.wait_group.sync.aligned 1;");

    /// <summary>
    /// Lets what this thread has written to shared memory be seen by products, which read it past the usual way (the "async
    /// proxy"). Other threads' products see it after a barrier behind this.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PublishShared() => CudaAsm.Emit("fence.proxy.async.shared::cta;");
}

/// <summary>Names of the registers with sums, as inline PTX writes them.</summary>
internal static class SumNames
{
    /// <summary>Those of 128 columns.</summary>
    public const string Of128 = Of0 + ", " + Of1 + ", " + Of2 + ", " + Of3;

    /// <summary>Those of 256 columns.</summary>
    public const string Of256 = Of128 + ", " + Of4 + ", " + Of5 + ", " + Of6 + ", " + Of7;

    private const string Of0 =
        "%%sum0, %%sum1, %%sum2, %%sum3, %%sum4, %%sum5, %%sum6, %%sum7, "
        + "%%sum8, %%sum9, %%sum10, %%sum11, %%sum12, %%sum13, %%sum14, %%sum15";
    private const string Of1 =
        "%%sum16, %%sum17, %%sum18, %%sum19, %%sum20, %%sum21, %%sum22, %%sum23, "
        + "%%sum24, %%sum25, %%sum26, %%sum27, %%sum28, %%sum29, %%sum30, %%sum31";
    private const string Of2 =
        "%%sum32, %%sum33, %%sum34, %%sum35, %%sum36, %%sum37, %%sum38, %%sum39, "
        + "%%sum40, %%sum41, %%sum42, %%sum43, %%sum44, %%sum45, %%sum46, %%sum47";
    private const string Of3 =
        "%%sum48, %%sum49, %%sum50, %%sum51, %%sum52, %%sum53, %%sum54, %%sum55, "
        + "%%sum56, %%sum57, %%sum58, %%sum59, %%sum60, %%sum61, %%sum62, %%sum63";
    private const string Of4 =
        "%%sum64, %%sum65, %%sum66, %%sum67, %%sum68, %%sum69, %%sum70, %%sum71, "
        + "%%sum72, %%sum73, %%sum74, %%sum75, %%sum76, %%sum77, %%sum78, %%sum79";
    private const string Of5 =
        "%%sum80, %%sum81, %%sum82, %%sum83, %%sum84, %%sum85, %%sum86, %%sum87, "
        + "%%sum88, %%sum89, %%sum90, %%sum91, %%sum92, %%sum93, %%sum94, %%sum95";
    private const string Of6 =
        "%%sum96, %%sum97, %%sum98, %%sum99, %%sum100, %%sum101, %%sum102, %%sum103, "
        + "%%sum104, %%sum105, %%sum106, %%sum107, %%sum108, %%sum109, %%sum110, %%sum111";
    private const string Of7 =
        "%%sum112, %%sum113, %%sum114, %%sum115, %%sum116, %%sum117, %%sum118, %%sum119, "
        + "%%sum120, %%sum121, %%sum122, %%sum123, %%sum124, %%sum125, %%sum126, %%sum127";
}
