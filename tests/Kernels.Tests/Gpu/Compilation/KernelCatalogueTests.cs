using System.Collections.Concurrent;
using System.Reflection;
using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

/// <summary>Every kernel compiles for every architecture, and is assembled without a stack.</summary>
public sealed class KernelCatalogueTests
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
    public void Kernels_compile_without_local_memory_and_generic_accesses(int architecture, ComputeType type)
    {
        Assert.NotEmpty(KernelCatalogue.Of(architecture, type));
        Assert.All(KernelCatalogue.Of(architecture, type), kernel =>
        {
            Assert.DoesNotContain(".local", kernel.Text.Ptx, StringComparison.Ordinal);
            Assert.DoesNotMatch(@"\b(ld|st)\.(volatile\.)?(v[24]\.)?[busf]\d+\s", kernel.Text.Ptx); // which memory it is, is known
        });
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Kernels_wait_for_those_before_them_where_they_may_begin_early(int architecture, ComputeType type) =>
        Assert.All(KernelCatalogue.Of(architecture, type), kernel =>
        {
            Assert.Equal(architecture >= 90 ? 1 : 0, kernel.Text.Ptx.Split("griddepcontrol.wait;").Length - 1);
            Assert.Equal(architecture >= 90, kernel.Text.Ptx.Contains("griddepcontrol.launch_dependents;", StringComparison.Ordinal));
        });

    [PtxasTheory]
    [MemberData(nameof(All))]
    public void Machine_code_has_no_stack_and_no_spill(int architecture, ComputeType type)
    {
        ConcurrentBag<string> bad = [];
        Parallel.ForEach(KernelCatalogue.Of(architecture, type), kernel =>
        {
            MachineCode code = MachineCode.Of(kernel.Text.Ptx, architecture);
            if (code.StackBytes + code.SpillBytes > 0)
            {
                bad.Add($"{kernel.Request.Name}: {code.Registers} registers, a stack of {code.StackBytes} bytes, {code.SpillBytes} bytes spilled");
            }
        });
        Assert.True(bad.IsEmpty, string.Join('\n', bad));
    }
}
