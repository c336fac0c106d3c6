using System.Text.RegularExpressions;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What people read has to lead somewhere.</summary>
public sealed partial class DocumentationTests
{
    public static TheoryData<string> Pages =>
    [
        "README.md",
        "tools/CudaEmulator/README.md",
        .. Directory.EnumerateFiles(Path.Combine(TestData.Repository, "docs"), "*.md", SearchOption.AllDirectories).Select(page => Path.GetRelativePath(TestData.Repository, page)),
    ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_leads_to_a_file(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(TestData.Repository, page))!;
        string[] targets = [.. Link().Matches(File.ReadAllText(Path.Combine(TestData.Repository, page))).Select(link => link.Groups["target"].Value)];

        Assert.All(targets.Where(target => !target.StartsWith("http", StringComparison.Ordinal)), target => Assert.True(Path.Exists(Path.Combine(folder, target)), $"{page} links to {target}."));
    }

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex Link();
}
