using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>What a kernel may tell of memory that it is going to read.</summary>
internal static unsafe class CacheHint
{
    /// <summary>Begins to bring a sector of 32 bytes to the L2 cache. Takes no register, and nobody waits for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(ArrayView<Bits128> source, int index)
    {
        fixed (Bits128* address = &source[index])
        {
            CudaAsm.Emit("prefetch.global.L2 [%0];", (nint)address);
        }
    }
}
