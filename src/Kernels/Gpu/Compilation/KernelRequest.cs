using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using ILGPU;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>A kernel to compile: its method, and how it will be launched.</summary>
/// <param name="Method">A static method, with its type arguments.</param>
/// <param name="Threads">Threads of a block, never more.</param>
/// <param name="MinimumBlocks">Blocks that have to fit a multiprocessor at once; 0 leaves it to the compiler.</param>
/// <param name="MaximumRegisters">The most registers of a thread; 0 leaves it to the compiler.</param>
/// <param name="DynamicSharedBytes">The most dynamic shared memory of a launch. The text does not depend on it.</param>
internal sealed record KernelRequest(MethodInfo Method, int Threads, int MinimumBlocks, int MaximumRegisters, int DynamicSharedBytes)
{
    /// <summary>To be raised with every change of what the passes over the text do.</summary>
    private const int PassVersion = 2;

    /// <summary>LayerNormalization&lt;Float16&gt;.Kernel</summary>
    public string Name => $"{NameOf(Method.DeclaringType!)}.{Method.Name}{Arguments(Method.GetGenericArguments())}";

    /// <summary>
    /// A hash of all that the text depends on. The code is represented by the version ids of the modules it is in: a
    /// deterministic build makes the id a hash of its sources, so it changes with any of them. That is more than the methods
    /// a kernel can reach, and so never too little; only who changes the kernels themselves compiles them again.
    /// </summary>
    /// <param name="target">What it is compiled for.</param>
    public string Key(KernelTarget target)
    {
        IEnumerable<Module> modules = ModulesOf(Method.DeclaringType!).Concat(Method.GetGenericArguments().SelectMany(ModulesOf))
            .Append(typeof(KernelRequest).Module).Append(typeof(Context).Module).Append(typeof(AlgorithmContext).Module);
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{PassVersion} {Environment.Version} {target} {Method.MetadataToken} {Threads} {MinimumBlocks} {MaximumRegisters}\n");
        text.Append(CultureInfo.InvariantCulture, $"{Method.DeclaringType} {Method.Name}[{string.Join(", ", Method.GetGenericArguments().AsEnumerable())}]\n"); // Method.ToString() leaves out the arguments of arguments
        foreach (Guid id in modules.Select(module => module.ModuleVersionId).Distinct().Order())
        {
            text.Append(CultureInfo.InvariantCulture, $"{id}\n");
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static IEnumerable<Module> ModulesOf(Type type) => type.GetGenericArguments().SelectMany(ModulesOf).Append(type.Module);

    private static string NameOf(Type type) => type.Name.Split('`')[0] + Arguments(type.GetGenericArguments());

    private static string Arguments(Type[] types) => types.Length == 0 ? "" : $"<{string.Join(", ", types.Select(NameOf))}>";
}

/// <summary>A compiled kernel.</summary>
/// <param name="Ptx">A module with one entry.</param>
/// <param name="SharedBytes">Static shared memory of a block.</param>
/// <param name="UsesDynamicShared">Whether it has dynamic shared memory as well.</param>
internal sealed record KernelText(string Ptx, int SharedBytes, bool UsesDynamicShared);
