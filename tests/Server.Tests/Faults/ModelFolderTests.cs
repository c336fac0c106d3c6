using System.Net;
using System.Text.Json;
using Handwritten.Model;
using Handwritten.Server.Models;
using Handwritten.Tests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>A model's folder that goes, and comes back, while the server runs.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private readonly string _parent = Directory.CreateTempSubdirectory("handwritten-models-").FullName;

    private string Folder => Path.Combine(_parent, "whisper-nano");

    private string Elsewhere => Path.Combine(_parent, "elsewhere");

    public ModelFolderTests()
    {
        Directory.CreateDirectory(Folder);
        foreach (string file in Directory.GetFiles(TestData.Weights("whisper-nano")))
        {
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        }
    }

    [Fact]
    public async Task A_model_in_memory_is_served_on()
    {
        await using RunningServer server = await StartAsync(unloadAfter: null);
        await server.TranscribeAsync();
        Directory.Delete(Folder, recursive: true);
        await server.IsUnharmedAsync();
        JsonElement model = await (await server.Client.GetAsync("/v1/models/whisper-nano")).JsonAsync();
        Assert.InRange(model.GetProperty("created").GetInt64(), 1, long.MaxValue);
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task A_model_that_was_unloaded_is_unavailable_until_its_folder_is_back()
    {
        await using RunningServer server = await StartAsync(unloadAfter: TimeSpan.FromSeconds(1));
        await server.TranscribeAsync();
        await Eventually.HoldsAsync(async () => !(await HealthAsync(server)).GetProperty("models")[0].GetProperty("loaded").GetBoolean());
        Directory.Move(Folder, Elsewhere);

        using HttpResponseMessage refused = await server.TranscribeAsync();
        (string message, string type, _, string? code) = await refused.ErrorAsync();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "model_unavailable", "server_error"), (refused.StatusCode, code, type));
        Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        Assert.DoesNotContain(_parent, message, StringComparison.Ordinal); // nothing of our files
        Assert.Equal("failed", (await HealthAsync(server)).GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health/live")).StatusCode);

        Directory.Move(Elsewhere, Folder);
        await server.IsUnharmedAsync();
        Assert.Equal("ready", (await HealthAsync(server)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_broken_model_beside_the_default_one_does_not_take_the_server_away()
    {
        ModelSource demo = RunningServer.DemoModel(), broken = demo with { Name = "broken", Folder = Elsewhere };
        await using RunningServer server = await RunningServer.StartAsync(options => options with { Models = [demo, broken] });
        await Eventually.HoldsAsync(async () => (await HealthAsync(server)).GetProperty("status").GetString() == "degraded");
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health/ready")).StatusCode);
        await server.IsUnharmedAsync();
        using HttpResponseMessage refused = await server.TranscribeAsync(("model", "broken"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "model_unavailable"), (refused.StatusCode, (await refused.ErrorAsync()).Code));

        await using RunningServer other = await RunningServer.StartAsync(options => options with { Models = [broken, demo] });
        await Eventually.HoldsAsync(async () => (await HealthAsync(other)).GetProperty("status").GetString() == "failed");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await other.Client.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task Why_a_model_cannot_be_loaded_is_logged_once_until_the_cause_is_another()
    {
        ModelSource demo = RunningServer.DemoModel(), broken = demo with { Name = "broken", Folder = Elsewhere };
        await using RunningServer server = await RunningServer.StartAsync(options => options with { Models = [demo, broken] });
        ModelHost host = server.Services.GetRequiredService<ModelCatalogue>().Find("broken");
        await FailAsync();
        await FailAsync();
        string missing = Assert.Single(Reasons());
        Assert.DoesNotContain("\n", missing, StringComparison.Ordinal); // a sentence, and no trace

        Directory.CreateDirectory(Elsewhere);
        await FailAsync();
        await FailAsync();
        Assert.Equal(2, Reasons().Distinct().Count());
        Assert.Equal(2, Reasons().Length);

        Task FailAsync() => Assert.ThrowsAsync<ModelException>(() => host.AcquireAsync(CancellationToken.None));
        string[] Reasons() => [.. server.Errors.Where(line => line.Contains("broken cannot be loaded", StringComparison.Ordinal))];
    }

    [Fact]
    public async Task A_server_without_requests_is_ready_again_when_the_folder_is_back()
    {
        Directory.Move(Folder, Elsewhere);
        await using RunningServer server = await StartAsync(unloadAfter: null);
        await Eventually.HoldsAsync(async () => (await HealthAsync(server)).GetProperty("status").GetString() == "failed");
        Directory.Move(Elsewhere, Folder);
        await Eventually.HoldsAsync(async () => (await HealthAsync(server)).GetProperty("status").GetString() == "ready");
        await server.IsUnharmedAsync();
    }

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    private Task<RunningServer> StartAsync(TimeSpan? unloadAfter) => RunningServer.StartAsync(options => options with
    {
        Models = [RunningServer.DemoModel() with { Folder = Folder }],
        UnloadAfter = unloadAfter,
    });

    private static async Task<JsonElement> HealthAsync(RunningServer server) => await (await server.Client.GetAsync("/health/ready")).JsonAsync();
}
