using System.Text.RegularExpressions;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>What a line of ILGPU's PTX says about 64-bit registers, which are the ones that hold addresses.</summary>
internal static partial class PtxLine
{
    /// <summary>Whether the lines before and from here on belong to different basic blocks.</summary>
    public static bool IsBlockBoundary(string line) => line.TrimEnd().EndsWith(':') || line.Contains("bra", StringComparison.Ordinal);

    /// <summary>Whether a predicate decides if the line has an effect.</summary>
    public static bool IsGuarded(string line) => line.AsSpan().TrimStart().StartsWith("@");

    /// <summary>
    /// The 64-bit registers that a line sets: the first operand of each of its statements, or all that are in braces there.
    /// The first operand of a store is in brackets.
    /// </summary>
    public static List<string> Targets(string line)
    {
        List<string> targets = [];
        foreach (Match match in FirstOperand().Matches(line))
        {
            foreach (Match register in AddressRegister().Matches(match.Groups[1].Value))
            {
                targets.Add(register.Value);
            }
        }

        return targets;
    }

    /// <summary>The names that a line uses: all words but those that it sets.</summary>
    public static List<string> Uses(string line)
    {
        List<string> uses = [.. Word().Matches(line).Select(match => match.Value)];
        foreach (string target in Targets(line))
        {
            uses.Remove(target); // once: what is set may also be used
        }

        return uses;
    }

    /// <summary>Width of a register in bits, by the names that ILGPU gives; 0 where it holds no number.</summary>
    public static int BitsOf(string register) => Prefix().Match(register).Value switch
    {
        "%rs" => 16,
        "%r" or "%f" => 32,
        "%rd" or "%fd" => 64,
        _ => 0,
    };

    [GeneratedRegex(@"(?:^|;)[\s{]*(?:@!?%\w+\s+)?[a-z][\w.:]*\s+(\{[^}]*\}|%\w+)")]
    private static partial Regex FirstOperand();

    [GeneratedRegex(@"%rd\d+\b")]
    private static partial Regex AddressRegister();

    [GeneratedRegex(@"%?\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"^%[a-z]+")]
    private static partial Regex Prefix();
}
