using System.Linq.Expressions;
using Handwritten.Kernels.Gpu.Profiling;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>From a C# method to a kernel that can be launched.</summary>
internal abstract class KernelLoader : IDisposable
{
    /// <summary>Sees every launch while it is set.</summary>
    public ILaunchWatch? Watch { get; set; }

    /// <summary>Loads a kernel.</summary>
    /// <typeparam name="TLauncher">Action&lt;AcceleratorStream, KernelConfig, the kernel's parameters...&gt;.</typeparam>
    /// <param name="kernel">A static method, explicitly grouped: it has no index parameter and reads Grid and Group.</param>
    /// <param name="threads">Threads of a block, never more: the compiler may use all registers that this leaves.</param>
    /// <param name="minimumBlocks">Blocks that have to fit a multiprocessor at once; 0 leaves it to the compiler.</param>
    /// <param name="dynamicSharedBytes">The most dynamic shared memory of a launch.</param>
    /// <param name="maximumRegisters">The most registers of a thread; 0 leaves it to the compiler.</param>
    /// <returns>A delegate that launches it; a launch that fails throws <see cref="GpuException"/>.</returns>
    /// <exception cref="GpuException">It cannot be compiled or loaded: the message names it.</exception>
    public TLauncher Load<TLauncher>(Delegate kernel, int threads, int minimumBlocks = 0, int dynamicSharedBytes = 0, int maximumRegisters = 0)
        where TLauncher : Delegate =>
        Load<TLauncher>(new KernelRequest(kernel.Method, threads, minimumBlocks, maximumRegisters, dynamicSharedBytes));

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Loads a kernel.</summary>
    protected abstract TLauncher Load<TLauncher>(KernelRequest request)
        where TLauncher : Delegate;

    /// <summary>Unloads everything.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>
    /// A delegate of a type that is known only at run time: its parameters, as expressions, and what it does with them.
    /// </summary>
    protected static TLauncher Lambda<TLauncher>(Func<ParameterExpression[], Expression> body)
        where TLauncher : Delegate
    {
        ParameterExpression[] parameters = [.. typeof(TLauncher).GetMethod("Invoke")!.GetParameters().Select(parameter => Expression.Parameter(parameter.ParameterType, parameter.Name))];
        return Expression.Lambda<TLauncher>(body(parameters), parameters).Compile();
    }
}

/// <summary>Only compiles, for a device that is not there, and keeps what came out, to be looked at.</summary>
/// <param name="compile">Compiles a kernel.</param>
internal sealed class OfflineKernelLoader(Func<KernelRequest, KernelText> compile) : KernelLoader
{
    /// <summary>All kernels that were asked for, in this order.</summary>
    public List<(KernelRequest Request, KernelText Text)> Kernels { get; } = [];

    /// <inheritdoc/>
    protected override TLauncher Load<TLauncher>(KernelRequest request)
    {
        Kernels.Add((request, compile(request)));
        return Lambda<TLauncher>(_ => Expression.Throw(Expression.Constant(new InvalidOperationException($"{request.Name} was compiled to be looked at: there is no device to run it."))));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}
