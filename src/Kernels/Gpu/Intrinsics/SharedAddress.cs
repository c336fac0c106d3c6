using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>Addresses within a block's shared memory, 32 bits wide, as ldmatrix and cp.async take them.</summary>
internal static unsafe class SharedAddress
{
    /// <summary>The address of what SharedMemory.Allocate or SharedMemory.GetDynamic gave.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Of(ArrayView<Bits128> shared)
    {
        fixed (Bits128* address = &shared[0])
        {
            CudaAsm.Emit("cvt.u32.u64 %0, %1;", out int offset, (nint)address);
            return offset;
        }
    }
}
