using System.Globalization;
using System.Text.RegularExpressions;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>
/// The head of a PTX module: names the architecture, raises <c>.version</c> and <c>.target</c> to what the instructions in the
/// text need, which ILGPU cannot know of inline PTX, and caps registers.
/// <code>
///     .version 7.8                 .version 8.0
///     .target sm_80                .target sm_90a
///     ...                          ...
///     .maxntid 128, 1, 1           .maxntid 128, 1, 1
///                                  .maxnreg 168
/// </code>
/// Source of the table: PTX ISA 8.8, the notes "PTX ISA Notes" and "Target ISA Notes" of each instruction.
/// </summary>
internal static partial class PtxRequirements
{
    /// <summary>
    /// Beginnings of instructions that something older than PTX 6.5 for sm_75 has not; the first that fits counts. An
    /// architecture-specific target ("sm_90a") runs on this architecture only.
    /// </summary>
    private static readonly (string Instruction, int Version, int Target, bool IsSpecific)[] Table =
    [
        ("wgmma.", 80, 90, true),
        ("setmaxnreg.", 80, 90, true),
        ("cp.async.bulk.", 80, 90, false),
        ("cp.reduce.async.bulk.", 80, 90, false),
        ("fence.proxy.async", 80, 90, false),
        ("mbarrier.try_wait.", 78, 90, false),
        ("mbarrier.arrive.expect_tx.", 80, 90, false),
        ("mbarrier.", 70, 80, false),
        ("barrier.cluster.", 78, 90, false),
        ("mapa.", 78, 90, false),
        ("elect.sync", 80, 90, false),
        ("griddepcontrol.", 78, 90, false),
        ("stmatrix.", 78, 90, false),
        ("movmatrix.", 78, 75, false),
        ("cp.async.", 70, 80, false),
        ("redux.sync.", 70, 80, false),
        ("createpolicy.", 74, 80, false),
        ("applypriority.", 74, 80, false),
        ("discard.", 74, 80, false),
        ("cvt.rn.satfinite.e4m3x2.", 81, 89, false),
        ("cvt.rn.satfinite.e5m2x2.", 81, 89, false),
        ("cvt.rn.bf16", 70, 80, false),
        ("cvt.rn.f16x2.f32", 70, 80, false),
        ("cvt.rna.tf32.", 70, 80, false),
        ("ex2.approx.f16", 70, 75, false),
        ("tanh.approx.", 70, 75, false),
        ("mma.sync.aligned.m16n8k16.", 70, 80, false),
        ("mma.sync.aligned.m16n8k32.", 70, 80, false),
        ("mma.sync.aligned.m16n8k8.row.col.f32.bf16.", 70, 80, false),
        ("mma.sync.aligned.m16n8k8.row.col.f32.tf32.", 70, 80, false),
    ];

    /// <summary>Writes what a module needs into its head.</summary>
    /// <param name="ptx">The module.</param>
    /// <param name="target">The architecture that it is for: 75, 80, ...</param>
    /// <param name="maximumRegisters">The most registers of a thread; 0 leaves it to the compiler.</param>
    /// <exception cref="InvalidDataException">An instruction is for a newer architecture: the message names both.</exception>
    public static string Write(string ptx, int target, int maximumRegisters = 0)
    {
        (int Version, bool IsSpecific) needed = (Version(ptx), false);
        foreach (string name in Instruction().Matches(ptx).Select(match => match.Groups[1].Value).Distinct())
        {
            (string Instruction, int Version, int Target, bool IsSpecific) entry = Array.Find(Table, entry => name.StartsWith(entry.Instruction, StringComparison.Ordinal));
            if (entry.Target > target || (entry.IsSpecific && entry.Target != target))
            {
                throw new InvalidDataException($"{name} is an instruction of sm_{entry.Target}{(entry.IsSpecific ? "a" : "")}; the kernel is compiled for sm_{target}.");
            }

            needed = (Math.Max(needed.Version, entry.Version), needed.IsSpecific || entry.IsSpecific);
        }

        ptx = VersionLine().Replace(ptx, string.Create(CultureInfo.InvariantCulture, $".version {needed.Version / 10}.{needed.Version % 10}"), 1);
        ptx = TargetLine().Replace(ptx, string.Create(CultureInfo.InvariantCulture, $".target sm_{target}{(needed.IsSpecific ? "a" : "")}"), 1);
        return maximumRegisters == 0 ? ptx : ThreadsLine().Replace(ptx, string.Create(CultureInfo.InvariantCulture, $"$0\n.maxnreg {maximumRegisters}"), 1);
    }

    /// <summary>The PTX version that a module is written in: 78 for 7.8.</summary>
    public static int Version(string ptx)
    {
        Match line = VersionLine().Match(ptx);
        return (10 * Number(line.Groups[1])) + Number(line.Groups[2]);
    }

    private static int Number(Group digits) => int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\.version (\d+)\.(\d+)", RegexOptions.Multiline)]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"^\.target sm_\d+a?", RegexOptions.Multiline)]
    private static partial Regex TargetLine();

    [GeneratedRegex(@"^\.maxntid[^\r\n]*", RegexOptions.Multiline)]
    private static partial Regex ThreadsLine();

    [GeneratedRegex(@"^[\t {]*(?:@!?%\w+\s+)?([a-z]\w*(?:[.:]+\w+)+)", RegexOptions.Multiline)]
    private static partial Regex Instruction();
}
