using System.Text.RegularExpressions;
using Handwritten.Server.Tests.Access;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>docs/server.md, line by line: what it promises is what a real server answers, and none of it does harm.</summary>
public sealed partial class DocumentedFaultTests
{
    /// <summary>Codes that more than requests is needed for, and the tests that demand them.</summary>
    private static readonly Dictionary<string, string> Elsewhere = new()
    {
        ["request_timeout"] = "Server.Tests/Faults/SlowClientTests.cs",
        ["internal_error"] = "Server.Tests/Faults/DeviceFaultTests.cs",
        ["device_failed"] = "Server.Tests/Faults/DeviceFaultTests.cs",
        ["out_of_memory"] = "Server.Tests/Faults/DeviceFaultTests.cs",
        ["model_unavailable"] = "Server.Tests/Faults/ModelFolderTests.cs",
        ["shutting_down"] = "Server.Tests/Faults/ShutdownTests.cs",
        ["insufficient_storage"] = "Cli.Tests/ServeFaultTests.cs",
        ["unknown_message"] = "Server.Tests/Faults/StreamFaultTests.cs",
        ["message_too_large"] = "Server.Tests/Faults/StreamFaultTests.cs",
        ["stream_idle"] = "Server.Tests/Faults/StreamFaultTests.cs",
    };

    public static TheoryData<string> Names => [.. DocumentedFaults.All.Select(fault => fault.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_fault_gets_the_answer_that_is_promised_and_harms_nobody(string name)
    {
        Fault fault = DocumentedFaults.All.Single(fault => fault.Name == name);
        using TemporaryKeys keys = new();
        string fast = keys.Add("fast"), slow = keys.Add("slow", " requests_per_minute=1");
        await using RunningServer server = await RunningServer.StartAsync(options => fault.Options(options with { ApiKeyFile = fault.WantsKeys ? keys.Path : null }));
        server.Key = fault.WantsKeys ? fast : null;
        await server.IsUnharmedAsync();

        using HttpResponseMessage response = await fault.Commit(new Scene(server, slow));
        (string message, string type, string? parameter, string? code) = await response.ErrorAsync();
        Assert.Equal((fault.Status, fault.Code, fault.Parameter), ((int)response.StatusCode, code, parameter));
        Assert.Equal(fault.Status == 429 ? "rate_limit_error" : "invalid_request_error", type);
        Assert.EndsWith(".", message, StringComparison.Ordinal);
        Assert.DoesNotContain("handwritten-server-", message, StringComparison.Ordinal); // nothing of our files
        Assert.Equal(fault.Status == 429, response.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        await server.IsUnharmedAsync();
        Assert.DoesNotContain("Error", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_line_of_the_document_is_demanded_by_a_test()
    {
        string document = File.ReadAllText(Path.Combine(TestData.Repository, "docs", "server.md"));
        SortedSet<string> promised = [.. Lines().Matches(document).SelectMany(line => Codes().Matches(line.Groups[1].Value)).Select(code => code.Groups[1].Value)];
        SortedSet<string> demanded = [.. DocumentedFaults.All.Select(fault => fault.Code), .. Elsewhere.Keys];
        Assert.Equal(promised, demanded);
        foreach ((string code, string tests) in Elsewhere)
        {
            Assert.Contains($"\"{code}\"", File.ReadAllText(Path.Combine(TestData.Repository, "tests", tests)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Each_fault_has_the_status_of_its_line()
    {
        string[] lines = File.ReadAllLines(Path.Combine(TestData.Repository, "docs", "server.md"));
        Assert.All(DocumentedFaults.All, fault => Assert.Contains(
            lines, line => line.Contains($"| {fault.Status} |", StringComparison.Ordinal) && line.Contains($"`{fault.Code}`", StringComparison.Ordinal)));
    }

    /// <summary>A line of a table of faults: what, a status, codes; or of a stream's: what, a code, a status of closing.</summary>
    [GeneratedRegex(@"^\| [^|]+ \| (\d{3} \| [^|]*|`\w+` \| \d{4}) \|$", RegexOptions.Multiline)]
    private static partial Regex Lines();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex Codes();
}
