using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>The kernels in front of this one, which may still run while it begins: see <see cref="EarlyLaunches"/>.</summary>
internal static class PreviousKernels
{
    /// <summary>
    /// Waits until they are done. Before this a kernel writes nothing, and touches nothing that any kernel writes; every thread
    /// comes by here, once. A kernel that has no such line waits at its entry.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait() => CudaAsm.Emit("griddepcontrol.wait;");
}
