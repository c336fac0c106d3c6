using System.Text.RegularExpressions;
using Handwritten.Tests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Handwritten.Runtime.Tests.Api;

/// <summary>What the documentation shows compiles, and does what it says.</summary>
public sealed partial class LibraryExampleTests
{
    private static readonly string Recording = TestData.Weights("samples", "10-en.wav");

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/library.md")]
    public void Every_example_is_one_that_compiles(string document)
    {
        string source = File.ReadAllText(Path.Combine(TestData.Repository, "tests", "Runtime.Tests", "Api", "LibraryExamples.cs"));
        string[] compiled = [.. CompiledPattern().Matches(source).Select(match => Unindent(match.Groups[1].Value))];
        string[] shown = [.. ShownPattern().Matches(File.ReadAllText(Path.Combine(TestData.Repository, document))).Select(match => Unindent(match.Groups[1].Value))];

        Assert.Equal(4, compiled.Length);
        Assert.All(shown, example => Assert.Contains(example, compiled));
        Assert.True(document == "README.md" || shown.Length == compiled.Length, "The guide to the library shows all examples.");
    }

    [Fact]
    public async Task The_examples_run()
    {
        await LibraryExamples.Print(Recording);
        await using FileStream upload = File.OpenRead(Recording);
        Transcript transcript = await LibraryExamples.Search(upload, CancellationToken.None);
        Assert.StartsWith(" Send a message to Emma.", transcript.Text, StringComparison.Ordinal);
        Transcript[] transcripts = await LibraryExamples.TranscribeAll([Recording, Recording]);
        Assert.All(transcripts, one => Assert.StartsWith(" Send a message to Emma.", one.Text, StringComparison.Ordinal));
        await using ServiceProvider application = LibraryExamples.Register(new ServiceCollection());
        Assert.True(application.GetRequiredService<WhisperTranscriber>().DefaultOptions.WordTimestamps);
    }

    private static string Unindent(string code)
    {
        string[] lines = [.. code.Trim('\r', '\n', ' ').Split('\n').Select(line => line.TrimEnd())];
        int indent = lines.Skip(1).Where(line => line.Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty(0).Min();
        return string.Join('\n', lines.Select((line, i) => i == 0 || line.Length == 0 ? line : line[indent..]));
    }

    [GeneratedRegex(@"// example: \w+\n(.*?)// end", RegexOptions.Singleline)]
    private static partial Regex CompiledPattern();

    [GeneratedRegex(@"^```csharp\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex ShownPattern();
}
