using System.IO.Compression;
using System.Xml.Linq;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What <c>dotnet pack</c> makes of the projects in <c>src</c>.</summary>
[Trait("Speed", "Slow")]
public sealed class PackageTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("Kernels", "lib/net10.0/Handwritten.Kernels.xml")]
    [InlineData("Model", "buildTransitive/Handwritten.Model.targets", "weights/silero-vad/model.safetensors")]
    [InlineData("Runtime", "lib/net10.0/Handwritten.Runtime.dll")]
    [InlineData("Cli", "tools/net10.0/any/DotnetToolSettings.xml", "tools/net10.0/any/weights/whisper-nano/model.safetensors", "tools/net10.0/any/runtimes/linux-x64/native/libSkiaSharp.so")]
    public void A_package_has_guide_notices_symbols_and_what_it_needs(string project, params string[] entries)
    {
        Outcome outcome = _sandbox.Run("dotnet", ["pack", Path.Combine(TestData.Repository, "src", project), "-c", "Release", "-o", _sandbox.Folder, "--nologo", "-v", "quiet"]);
        Assert.True(outcome.ExitCode == 0, outcome.Output);

        string path = Assert.Single(Directory.GetFiles(_sandbox.Folder, "*.nupkg"));
        using ZipArchive package = ZipFile.OpenRead(path);
        Assert.All(["library.md", "THIRD-PARTY-NOTICES.md", .. entries], entry => Assert.NotNull(package.GetEntry(entry)));
        Assert.InRange(new FileInfo(path).Length, 1000, 80_000_000);
        using Stream manifest = package.GetEntry($"Handwritten.{project}.nuspec")!.Open();
        Dictionary<string, string> metadata = XDocument.Load(manifest).Root!.Elements().Single().Elements().ToDictionary(element => element.Name.LocalName, element => element.Value);
        Assert.Equal(($"Handwritten.{project}", "library.md", "MIT"), (metadata["id"], metadata["readme"], metadata["license"]));
        Assert.NotEmpty(metadata["description"]);

        using ZipArchive symbols = ZipFile.OpenRead(Assert.Single(Directory.GetFiles(_sandbox.Folder, "*.snupkg")));
        Assert.Contains(symbols.Entries, entry => entry.Name.EndsWith(".pdb", StringComparison.Ordinal));
    }
}
