using System.Net;
using System.Text.Json;
using Xunit;

namespace Handwritten.Server.Tests.Operation;

[Collection(OneServerForAll.Name)]
public sealed class OperationTests(SharedServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Fact]
    public async Task Health_tells_life_from_readiness()
    {
        Assert.Equal(HttpStatusCode.OK, (await _server.Client.GetAsync("/health/live")).StatusCode);
        await _server.TranscribeAsync(); // the model is loaded now
        JsonElement health = await (await _server.Client.GetAsync("/health/ready")).JsonAsync();
        Assert.Equal("ready", health.GetProperty("status").GetString());
        Assert.True(health.GetProperty("models")[0].GetProperty("loaded").GetBoolean());
    }

    [Fact]
    public async Task The_document_describes_every_operation_and_field()
    {
        JsonElement document = await (await _server.Client.GetAsync("/openapi/v1.json")).JsonAsync();
        JsonElement paths = document.GetProperty("paths");
        foreach (string path in new[] { "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/models", "/v1/jobs", "/v1/jobs/{id}", "/runsync", "/v1/stream", "/v1/transcripts/format", "/v1/languages", "/v1/audio/log-mel", "/health/ready" })
        {
            Assert.True(paths.TryGetProperty(path, out _), path);
        }

        string schemas = document.GetProperty("components").GetProperty("schemas").ToString();
        Assert.Contains("beam_size", schemas, StringComparison.Ordinal);
        Assert.Contains("verbose_json", document.ToString(), StringComparison.Ordinal);
        Assert.Contains("<html", await _server.Client.GetStringAsync("/docs"), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_page_at_the_root_is_served() =>
        Assert.Contains("Handwritten", await _server.Client.GetStringAsync("/"), StringComparison.Ordinal);

    [Fact]
    public async Task The_log_holds_no_transcript_unless_it_was_asked_for()
    {
        await _server.TranscribeAsync();
        Assert.Contains("s of audio (en) by whisper-nano", _server.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("garage", _server.Log, StringComparison.Ordinal);

        await using RunningServer talkative = await RunningServer.StartAsync(options => options with { LogTranscripts = true });
        await talkative.TranscribeAsync();
        Assert.Contains(RunningServer.Text, talkative.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_pages_that_may_use_the_server_are_told_so()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { CorsOrigins = ["https://good.example"], LoadEagerly = false });
        Assert.Equal("https://good.example", await AllowedAsync("https://good.example"));
        Assert.Null(await AllowedAsync("https://evil.example"));
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/jobs/job_0") { Headers = { { "Origin", "https://good.example" } } };
        using HttpResponseMessage refused = await server.Client.SendAsync(request);
        Assert.Contains("Retry-After", refused.Headers.GetValues("Access-Control-Expose-Headers").Single().Split(','));

        async Task<string?> AllowedAsync(string origin)
        {
            using HttpRequestMessage preflight = new(HttpMethod.Options, "/v1/audio/transcriptions");
            preflight.Headers.Add("Origin", origin);
            preflight.Headers.Add("Access-Control-Request-Method", "POST");
            using HttpResponseMessage response = await server.Client.SendAsync(preflight);
            return response.Headers.TryGetValues("Access-Control-Allow-Origin", out IEnumerable<string>? allowed) ? allowed.Single() : null;
        }
    }

    [Fact]
    public async Task A_model_is_loaded_by_the_first_request_and_given_back_when_idle()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { LoadEagerly = false, UnloadAfter = TimeSpan.FromSeconds(1) });
        Assert.False(await IsLoadedAsync());
        Task<HttpResponseMessage>[] together = [.. Enumerable.Range(0, 3).Select(_ => server.TranscribeAsync())];
        Assert.All(await Task.WhenAll(together), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Single(server.Log.Split('\n'), line => line.Contains("whisper-nano is loaded", StringComparison.Ordinal));
        await Eventually.HoldsAsync(async () => !await IsLoadedAsync());
        Assert.Equal(HttpStatusCode.OK, (await server.TranscribeAsync()).StatusCode);

        async Task<bool> IsLoadedAsync() => (await (await server.Client.GetAsync("/health/ready")).JsonAsync()).GetProperty("models")[0].GetProperty("loaded").GetBoolean();
    }

    [Fact]
    public async Task A_stop_lets_requests_under_way_end()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        Task<HttpResponseMessage> request = server.Client.PostAsync("/v1/audio/transcriptions", RunningServer.Form(RunningServer.Repeated(20)));
        await Eventually.HoldsAsync(async () => (await (await server.Client.GetAsync("/health/ready")).JsonAsync()).GetProperty("models")[0].GetProperty("active").GetInt32() > 0);
        await server.StopAsync();
        string text = (await (await request).JsonAsync()).GetProperty("text").GetString()!;
        Assert.EndsWith(RunningServer.Text, text, StringComparison.Ordinal);
        Assert.True(text.Length > 10 * RunningServer.Text.Length, text);
    }
}
