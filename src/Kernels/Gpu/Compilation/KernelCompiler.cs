using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>
/// Compiles kernels to PTX, with no device and no driver: ILGPU's compiler, then the passes over its text.
/// <code>
///     C# method ─> ILGPU ─> LocalDepots.Promote ─> PtxRequirements.Write ─> text
/// </code>
/// It works in an ILGPU context of its own, which is made when something has to be compiled: that a program that finds all
/// its kernels in the cache does not pay for, and that a failed compilation, which spoils the context it happens in, takes
/// nothing else with it.
/// </summary>
internal sealed class KernelCompiler(KernelTarget target) : IDisposable
{
    private Context? _context;
    private PTXBackend? _backend;

    /// <summary>How many kernels have been compiled.</summary>
    public int Count { get; private set; }

    /// <summary>Compiles a kernel.</summary>
    /// <exception cref="GpuException">It has something in it that ILGPU does not compile, or that the target does not have.</exception>
    public KernelText Compile(KernelRequest request)
    {
        Count++;
        try
        {
            // O2 and not the usual O1: only there ILGPU finds out that views point to global memory, so that a load is LDG
            // instead of a generic LD.
            _context ??= Context.Create(builder => builder.EnableAlgorithms().Optimize(OptimizationLevel.O2));
            _backend ??= new PTXBackend(_context, target.CompilerArchitecture, target.InstructionSet, null!);
            PTXCompiledKernel compiled = (PTXCompiledKernel)_backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(request.Method), Specialization(request));
            SharedMemorySpecification shared = EntryPoint(compiled).SharedMemory;
            string ptx = LocalDepots.Promote(compiled.PTXAssembly.ReplaceLineEndings("\n"));
            return new KernelText(PtxRequirements.Write(ptx, target.Architecture, request.MaximumRegisters), shared.StaticSize, shared.HasDynamicMemory);
        }
        catch (Exception exception)
        {
            Dispose();
            throw new GpuException($"The kernel {request.Name} cannot be compiled for {target}: {exception.GetBaseException().Message}", exception);
        }
    }

    /// <summary>How ILGPU is told of a request.</summary>
    public static KernelSpecialization Specialization(KernelRequest request) =>
        new(request.Threads, request.MinimumBlocks > 0 ? request.MinimumBlocks : null);

    public void Dispose()
    {
        _backend?.Dispose();
        _context?.Dispose();
        (_backend, _context) = (null, null);
    }

    /// <summary>How ILGPU keeps what a launch needs to know.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_EntryPoint")]
    private static extern EntryPoint EntryPoint(CompiledKernel kernel);
}
