using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Handwritten.CudaEmulator.Tests.Ptx;

/// <summary>Compiles kernels to PTX as ILGPU does for a device, with no device and no driver.</summary>
internal static class OfflineCompiler
{
    // The notes on ILGPU: a failed compilation spoils a context, so everybody gets a fresh one.
    private static Context CreateContext(OptimizationLevel level, bool debug) => Context.Create(builder =>
    {
        builder.EnableAlgorithms().Optimize(level);
        if (debug)
        {
            builder.DebugSymbols(DebugSymbolsMode.KernelSourceAnnotations).Assertions().IOOperations();
        }
    });

    private static IEnumerable<MethodInfo> Methods =>
        typeof(Kernels).GetMethods(BindingFlags.Static | BindingFlags.NonPublic).Where(method => method.IsDefined(typeof(KernelAttribute)));

    /// <summary>Names of all kernels.</summary>
    public static IReadOnlyList<string> KernelNames { get; } = [.. Methods.Select(method => method.Name)];

    /// <summary>PTX of each kernel of <see cref="Kernels"/>, by its name.</summary>
    public static IReadOnlyDictionary<string, string> Compile(
        OptimizationLevel level, bool debug, CudaArchitecture architecture, CudaInstructionSet instructionSet)
    {
        using Context context = CreateContext(level, debug);
        using PTXBackend backend = new(context, architecture, instructionSet, null!);
        Dictionary<string, string> texts = [];
        foreach (MethodInfo method in Methods)
        {
            bool isImplicit = method.GetParameters()[0].ParameterType.IsAssignableTo(typeof(IIndex));
            EntryPointDescription entry = isImplicit
                ? EntryPointDescription.FromImplicitlyGroupedKernel(method)
                : EntryPointDescription.FromExplicitlyGroupedKernel(method);
            PTXCompiledKernel kernel = (PTXCompiledKernel)backend.Compile(entry, new KernelSpecialization(256, 1));
            texts.Add(method.Name, kernel.PTXAssembly);
        }

        return texts;
    }

    /// <summary>The usual: optimised, for an A100. Compiled once.</summary>
    public static IReadOnlyDictionary<string, string> Usual => UsualTexts.Value;

    private static readonly Lazy<IReadOnlyDictionary<string, string>> UsualTexts =
        new(() => Compile(OptimizationLevel.O2, debug: false, CudaArchitecture.SM_80, CudaInstructionSet.ISA_78));
}
