using System.Reflection;
using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Compilation;
using Xunit;
using Xunit.Abstractions;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

/// <summary>Every kernel compiles for every architecture, and is assembled without a stack.</summary>
public sealed class KernelCatalogueTests(ITestOutputHelper output)
{
    public static TheoryData<int, ComputeType> All
    {
        get
        {
            TheoryData<int, ComputeType> all = [];
            foreach ((int architecture, ComputeType type) in KernelCatalogue.Combinations)
            {
                all.Add(architecture, type);
            }

            return all;
        }
    }

    [Fact]
    public void No_kernel_is_forgotten()
    {
        HashSet<MethodBase> compiled =
            [.. KernelCatalogue.Combinations.SelectMany(key => KernelCatalogue.Of(key.ComputeCapability, key.Type)).Select(kernel => LoadedMethods.Declared(kernel.Request.Method))];
        string forgotten = string.Join(", ", LoadedMethods.All.Except(compiled).Select(method => $"{method.DeclaringType!.Name}.{method.Name}"));
        Assert.True(forgotten.Length == 0, $"The back end loads {forgotten}, but no back end that was made holds it ready in a Lazy field: see {nameof(KernelCatalogue)}.");
        Assert.Contains(LoadedMethods.All, method => method.DeclaringType == typeof(LayerNormalization<>));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Kernels_compile_without_local_memory(int architecture, ComputeType type)
    {
        Assert.NotEmpty(KernelCatalogue.Of(architecture, type));
        Assert.All(KernelCatalogue.Of(architecture, type), kernel => Assert.DoesNotContain(".local", kernel.Text.Ptx, StringComparison.Ordinal));
    }

    [PtxasTheory]
    [MemberData(nameof(All))]
    public void Machine_code_has_no_stack_and_no_spill(int architecture, ComputeType type)
    {
        output.WriteLine("| kernel | sm | registers | shared | instructions | HMMA | LDGSTS | LDSM | LDG.128 | STG.128 |");
        List<string> bad = [];
        foreach ((KernelRequest request, KernelText text) in KernelCatalogue.Of(architecture, type))
        {
            MachineCode code = MachineCode.Of(text.Ptx, architecture);
            output.WriteLine($"| {request.Name} | {architecture} | {code.Registers} | {text.SharedBytes} + {request.DynamicSharedBytes} | {code.Instructions.Values.Sum()} | {code.Count("HMMA")} | {code.Count("LDGSTS")} | {code.Count("LDSM")} | {code.Count("LDG", "128")} | {code.Count("STG", "128")} |");
            if (code.StackBytes + code.SpillBytes > 0)
            {
                bad.Add($"{request.Name}: a stack of {code.StackBytes} bytes, {code.SpillBytes} bytes spilled");
            }

            if (code.Count("LD") + code.Count("ST") > 0)
            {
                bad.Add($"{request.Name}: {code.Count("LD")} loads and {code.Count("ST")} stores that do not know which memory they access");
            }
        }

        Assert.Empty(bad);
    }
}
