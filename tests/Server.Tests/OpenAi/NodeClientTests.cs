using System.Diagnostics;
using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Server.Tests.OpenAi;

/// <summary>The official client of Node.js, which knows nothing of this server but its address.</summary>
[Collection(OneServerForAll.Name)]
public sealed class NodeClientTests(SharedServer shared)
{
    [NodeFact]
    public async Task It_transcribes_streams_translates_lists_models_and_understands_errors()
    {
        JsonElement told = JsonDocument.Parse(await RunAsync()).RootElement;
        Assert.Equal(RunningServer.Text, told.GetProperty("plain").GetString());
        Assert.Equal(RunningServer.Text.Split(' '), told.GetProperty("words").EnumerateArray().Select(word => word.GetString()));
        Assert.InRange(told.GetProperty("end").GetDouble(), 2, 2.5);
        Assert.StartsWith("1\n00:00:00,000 --> ", told.GetProperty("srt").GetString(), StringComparison.Ordinal);
        Assert.Equal("string", told.GetProperty("translation").GetString());
        Assert.Equal(RunningServer.Text, told.GetProperty("deltas").GetString());
        Assert.Equal(RunningServer.Text, told.GetProperty("done").GetString());
        Assert.InRange(told.GetProperty("total").GetInt32(), 100, 300);
        Assert.Equal((RunningServer.Text, "tokens"), (told.GetProperty("cut").GetString(), told.GetProperty("usage").GetString()));
        Assert.Equal(RunningServer.Text, string.Concat(told.GetProperty("tokens").EnumerateArray().Select(token => token.GetString())).Trim());
        Assert.Equal("whisper-nano", Assert.Single(told.GetProperty("models").EnumerateArray()).GetString());
        JsonElement error = told.GetProperty("error");
        Assert.Equal(("NotFoundError", 404, "model_not_found", "model"),
            (error.GetProperty("kind").GetString(), error.GetProperty("status").GetInt32(), error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    private async Task<string> RunAsync()
    {
        // Node looks for packages beside the script.
        string script = Path.Combine(NodeFactAttribute.Packages, "transcribe.mjs");
        File.Copy(Path.Combine(TestData.Repository, "tests", "Server.Tests", "OpenAi", "node", "transcribe.mjs"), script, overwrite: true);
        using Process node = Process.Start(new ProcessStartInfo("node", [script, shared.Server.Address.GetLeftPart(UriPartial.Authority), RunningServer.Recording])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> output = node.StandardOutput.ReadToEndAsync(), error = node.StandardError.ReadToEndAsync();
        await node.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        return node.ExitCode == 0 ? await output : throw new InvalidOperationException(await error);
    }
}

/// <summary>A test with Node.js: only where its packages are, which ./test installs where there is npm.</summary>
public sealed class NodeFactAttribute : FactAttribute
{
    internal static readonly string Packages = Path.Combine(TestData.Repository, "artifacts", "openai-node");

    public NodeFactAttribute() => Skip = Directory.Exists(Path.Combine(Packages, "node_modules", "openai"))
        ? null
        : "OpenAI's client for Node.js is not installed: ./test installs it where there is npm.";
}
