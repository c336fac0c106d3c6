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
///     C# method ─> ILGPU ─> LocalDepots.Promote ─> DependentLaunch.Write ─> PtxRequirements.Write ─> text
///                   for sm_75, or for 80 and newer                  for the architecture itself
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
    /// <exception cref="GpuException">
    /// It has something in it that ILGPU does not compile, or that the target does not have.
    /// </exception>
    public KernelText Compile(KernelRequest request) => Finish(Translate(request), request, target);

    /// <summary>From ILGPU's text to that of a target: the passes that depend on the architecture.</summary>
    /// <exception cref="GpuException">It has something in it that the target does not have.</exception>
    public static KernelText Finish(KernelText text, KernelRequest request, KernelTarget target)
    {
        try
        {
            return text with { Ptx = PtxRequirements.Write(DependentLaunch.Write(text.Ptx, target.Architecture), target.Architecture, request.MaximumRegisters) };
        }
        catch (InvalidDataException exception)
        {
            throw NotCompiled(request, target, exception);
        }
    }

    /// <summary>The text that all architectures share for which ILGPU's code is the same.</summary>
    /// <exception cref="GpuException">ILGPU does not compile it.</exception>
    public KernelText Translate(KernelRequest request)
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
            return new KernelText(LocalDepots.Promote(compiled.PTXAssembly.ReplaceLineEndings("\n")), shared.StaticSize, shared.HasDynamicMemory);
        }
        catch (Exception exception)
        {
            Dispose();
            throw NotCompiled(request, target, exception);
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

    private static GpuException NotCompiled(KernelRequest request, KernelTarget target, Exception exception) =>
        new($"The kernel {request.Name} cannot be compiled for {target}: {exception.GetBaseException().Message}", exception);

    /// <summary>How ILGPU keeps what a launch needs to know.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_EntryPoint")]
    private static extern EntryPoint EntryPoint(CompiledKernel kernel);
}
