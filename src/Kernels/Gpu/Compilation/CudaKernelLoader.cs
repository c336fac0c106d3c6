using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>Loads kernels into a device: out of the cache, or else compiled; the driver makes machine code of the text.</summary>
internal sealed class CudaKernelLoader(CudaAccelerator accelerator, KernelTarget target, KernelCache cache) : KernelLoader
{
    private const int UsualSharedBytes = 48 * 1024; // what a launch may have without asking
    private const int MaximumDynamicSharedBytes = 8; // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES

    private readonly KernelCompiler _compiler = new(target);
    private readonly List<Kernel> _loaded = []; // a kernel that nobody holds is unloaded by its finalizer

    /// <summary>How many kernels have been compiled, and not come out of the cache.</summary>
    public int CompiledCount => _compiler.Count;

    /// <inheritdoc/>
    protected override TLauncher Load<TLauncher>(KernelRequest request)
    {
        KernelText text = cache.Get(request, target, () => _compiler.Compile(request));
        RequireDriver(request, text);
        EntryPoint entry = new(
            EntryPointDescription.FromExplicitlyGroupedKernel(request.Method),
            new SharedMemorySpecification(text.SharedBytes, text.UsesDynamicShared),
            KernelCompiler.Specialization(request));
        CudaKernel kernel;
        try
        {
            kernel = (CudaKernel)accelerator.LoadKernel(CompiledKernel(accelerator.Context, entry, null, text.Ptx));
        }
        catch (CudaException exception)
        {
            throw Refused(request, text, exception);
        }

        _loaded.Add(kernel);
        if (text.SharedBytes + request.DynamicSharedBytes > UsualSharedBytes)
        {
            AllowSharedMemory(request, text, kernel);
        }

        TLauncher launch = kernel.CreateLauncherDelegate<TLauncher>();
        return Lambda<TLauncher>(parameters =>
        {
            ParameterExpression exception = Expression.Variable(typeof(CudaException));
            Expression translated = Expression.Call(typeof(CudaDriver), nameof(CudaDriver.Failure), null, exception, Expression.Constant(request.Name));
            Expression watched = Expression.Block(
                Expression.Call(Expression.Constant(this), nameof(BeforeLaunch), null),
                Expression.Invoke(Expression.Constant(launch), parameters),
                Expression.Call(Expression.Constant(this), nameof(AfterLaunch), null, Expression.Constant(request.Name)));
            return Expression.TryCatch(watched, Expression.Catch(exception, Expression.Throw(translated)));
        });
    }

    private void BeforeLaunch() => Watch?.BeforeLaunch();

    private void AfterLaunch(string kernel) => Watch?.AfterLaunch(kernel);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _compiler.Dispose();
        foreach (Kernel kernel in _loaded)
        {
            CudaDriver.Free(kernel);
        }
    }

    /// <summary>ILGPU makes one of a text only where it compiled it itself; the constructor that does is not public.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern PTXCompiledKernel CompiledKernel(Context context, EntryPoint entry, CompiledKernel.KernelInfo? info, string ptx);

    private void RequireDriver(KernelRequest request, KernelText text)
    {
        int version = PtxRequirements.Version(text.Ptx);
        CudaInstructionSet needed = new(version / 10, version % 10);
        if (accelerator.Device.InstructionSet is { } known && known < needed)
        {
            throw new GpuException($"The NVIDIA driver is too old: {request.Name} takes PTX {needed}, which comes with CUDA {CudaDriverVersionUtils.GetMinimumDriverVersion(needed)}, and this driver is of CUDA {accelerator.DriverVersion}: update it.");
        }
    }

    private static void AllowSharedMemory(KernelRequest request, KernelText text, CudaKernel kernel)
    {
        int result = CudaDriver.SetFunctionAttribute(kernel.FunctionPtr, MaximumDynamicSharedBytes, request.DynamicSharedBytes);
        if (result != 0)
        {
            throw new GpuException($"{request.Name} takes {text.SharedBytes + request.DynamicSharedBytes} bytes of shared memory, more than a block has on this GPU.");
        }
    }

    private static GpuException Refused(KernelRequest request, KernelText text, CudaException exception)
    {
        // ILGPU keeps the assembler's log to itself; a second try tells.
        CudaError error = CudaAPI.CurrentAPI.LoadModule(out nint module, text.Ptx, out string? log);
        if (error == CudaError.CUDA_SUCCESS)
        {
            CudaAPI.CurrentAPI.DestroyModule(module);
        }

        string told = (log ?? "").Trim('\0', ' ', '\n'); // what was not written is zeros
        return CudaDriver.Failure(exception, $"loading {request.Name}{(told.Length > 0 ? $": {told}" : "")}");
    }
}
