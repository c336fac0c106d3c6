using System.Reflection;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>
/// From a C# method to a kernel that can be launched: ILGPU compiles it to PTX, the driver to machine code.
/// </summary>
internal sealed class KernelLoader(CudaAccelerator accelerator) : IDisposable
{
    private readonly List<Kernel> _loaded = []; // a kernel that nobody holds is unloaded by its finalizer

    /// <summary>Loads a kernel.</summary>
    /// <typeparam name="TLauncher">Action&lt;AcceleratorStream, KernelConfig, the kernel's parameters...&gt;.</typeparam>
    /// <param name="kernel">A static method, explicitly grouped: it has no index parameter and reads Grid and Group.</param>
    /// <param name="threads">Threads of a block, never more: the compiler may use all registers that this leaves.</param>
    /// <param name="minimumBlocks">Blocks that have to fit a multiprocessor at once; 0 leaves it to the compiler.</param>
    /// <param name="dynamicSharedBytes">The most dynamic shared memory of a launch.</param>
    public TLauncher Load<TLauncher>(Delegate kernel, int threads, int minimumBlocks = 0, int dynamicSharedBytes = 0)
        where TLauncher : Delegate
    {
        MethodInfo method = kernel.Method;
        KernelSpecialization specialization = minimumBlocks > 0 ? new(threads, minimumBlocks) : new(threads, null);
        PTXCompiledKernel compiled = (PTXCompiledKernel)accelerator.Backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(method), specialization);
        CudaKernel loaded = (CudaKernel)accelerator.LoadKernel(compiled);
        _loaded.Add(loaded);
        _ = dynamicSharedBytes;
        return loaded.CreateLauncherDelegate<TLauncher>();
    }

    public void Dispose()
    {
        foreach (Kernel kernel in _loaded)
        {
            kernel.Dispose();
        }
    }
}
