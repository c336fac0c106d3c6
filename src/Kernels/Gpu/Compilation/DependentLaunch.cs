using System.Text.RegularExpressions;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>
/// Sees to it that every kernel waits for those before it (<see cref="EarlyLaunches"/>), so that a graph may let it begin
/// early: where a kernel says nothing, at its entry. One that has something to do before, such as asking for weights that no
/// kernel writes, says itself where it waits: <see cref="PreviousKernels.Wait"/>.
/// <code>
///     .visible .entry Kernel_...(...)
///     {
///         .reg .b32   %r&lt;40&gt;;
///         griddepcontrol.launch_dependents;      sm_90 and newer; a launch that is no part of such a graph
///         griddepcontrol.wait;                   passes both without stopping
///         ...
/// </code>
/// Older targets have none of it: what a kernel says itself is taken out.
/// </summary>
internal static partial class DependentLaunch
{
    private const string Begin = "\tgriddepcontrol.launch_dependents;\n", Wait = "griddepcontrol.wait;";

    /// <summary>Adds to a module with one kernel what it lacks, or takes out what the target lacks.</summary>
    /// <param name="ptx">The module.</param>
    /// <param name="target">The architecture that it is for: 75, 80, ...</param>
    public static string Write(string ptx, int target)
    {
        if (target < EarlyLaunches.FirstComputeCapability)
        {
            return ptx.Replace(Wait, "", StringComparison.Ordinal);
        }

        string entry = ptx.Contains(Wait, StringComparison.Ordinal) ? Begin : $"{Begin}\t{Wait}\n";
        return Declarations().Replace(ptx, declared => declared.Value + entry, 1);
    }

    /// <summary>From the kernel's name to the last of its declarations.</summary>
    [GeneratedRegex(@"^\.visible \.entry [^{]*\{\n(?:\s*(?:\.[^\n]*)?\n)*", RegexOptions.Multiline)]
    private static partial Regex Declarations();
}
