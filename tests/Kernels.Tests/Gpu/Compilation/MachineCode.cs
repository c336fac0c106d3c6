using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

/// <summary>What NVIDIA's assembler makes of a kernel.</summary>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="StackBytes">Local memory of a thread: arrays, and variables whose address is taken.</param>
/// <param name="SpillBytes">Bytes that a thread stores and loads because it has too few registers.</param>
/// <param name="Warnings">What the assembler warns of: that it had to wait for each wgmma, for one thing.</param>
/// <param name="Code">Its binary form.</param>
internal sealed partial record MachineCode(int Registers, int StackBytes, int SpillBytes, string Warnings, byte[] Code)
{
    private readonly Lazy<Dictionary<string, int>> _instructions = new(() => Disassemble(Code));

    private static readonly string Tools = Path.Combine(TestData.Repository, "artifacts", "cuda-toolkit-12");
    private static readonly ConcurrentDictionary<(string Ptx, int Architecture), MachineCode> Known = new();

    /// <summary>Whether tools/ptxas/fetch.sh has brought the tools.</summary>
    public static bool IsAvailable { get; } = File.Exists(Path.Combine(Tools, "ptxas")) && File.Exists(Path.Combine(Tools, "nvdisasm"));

    /// <summary>How often each instruction is in the code, by its full name: "LDG.E.128".</summary>
    public IReadOnlyDictionary<string, int> Instructions => _instructions.Value;

    /// <summary>How many instructions begin with a name and have all the given parts: <c>Count("LDG", "128")</c>.</summary>
    public int Count(string name, params string[] parts) => Instructions
        .Where(entry => entry.Key.Split('.') is var words && words[0] == name && parts.All(words.Contains))
        .Sum(entry => entry.Value);

    /// <summary>Assembles a module with one kernel.</summary>
    /// <exception cref="InvalidOperationException">The assembler refuses it; the message is its own.</exception>
    public static MachineCode Of(string ptx, int architecture) => Known.GetOrAdd((ptx, architecture), static key => Assemble(key.Ptx, key.Architecture));

    private static MachineCode Assemble(string ptx, int architecture)
    {
        string folder = Directory.CreateTempSubdirectory("ptxas-").FullName;
        try
        {
            string text = Path.Combine(folder, "kernel.ptx"), binary = Path.Combine(folder, "kernel.cubin");
            File.WriteAllText(text, ptx);
            string specific = ptx.Contains($".target sm_{architecture}a", StringComparison.Ordinal) ? "a" : ""; // has instructions that only this architecture has
            string report = Run("ptxas", "-v", $"-arch=sm_{architecture}{specific}", text, "-o", binary);
            Match use = Use().Match(report);
            int[] frame = [.. use.Groups.Values.Skip(1).Take(3).Select(group => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture))];
            return new MachineCode(int.Parse(Register().Match(report).Groups[1].ValueSpan, CultureInfo.InvariantCulture), frame[0], frame[1] + frame[2], string.Concat(Warning().Matches(report)), File.ReadAllBytes(binary));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Dictionary<string, int> Disassemble(byte[] code)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, code);
            return Instruction().Matches(Run("nvdisasm", "-c", file)).CountBy(match => match.Groups[1].Value).ToDictionary();
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Run(string tool, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(Path.Combine(Tools, tool), arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException(output);
    }

    [GeneratedRegex(@"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")]
    private static partial Regex Use();

    [GeneratedRegex(@"^.*(warning|Warning|Potential Performance Loss).*\n?", RegexOptions.Multiline)]
    private static partial Regex Warning();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Register();

    [GeneratedRegex(@"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_.a-z]*)", RegexOptions.Multiline)]
    private static partial Regex Instruction();
}

/// <summary>A test that assembles kernels: only where tools/ptxas/fetch.sh has been run, which ./test does where it can.</summary>
public sealed class PtxasFactAttribute : FactAttribute
{
    public PtxasFactAttribute() => Skip = MachineCode.IsAvailable ? null : PtxasTheoryAttribute.Reason;
}

/// <inheritdoc cref="PtxasFactAttribute"/>
public sealed class PtxasTheoryAttribute : TheoryAttribute
{
    internal const string Reason = "There is no ptxas: tools/ptxas/fetch.sh fetches it (Debian, x64).";

    public PtxasTheoryAttribute() => Skip = MachineCode.IsAvailable ? null : Reason;
}
