using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Handwritten.Server.Remote;
using Xunit;

namespace Handwritten.Server.Tests.Jobs;

public sealed class JobFixture : IAsyncLifetime
{
    internal RunningServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await RunningServer.StartAsync(options => options with { AllowPrivateAddresses = true, WebhookSecret = "sesame" });

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

public sealed class JobTests(JobFixture fixture) : IClassFixture<JobFixture>
{
    private readonly RunningServer _server = fixture.Server;

    [Fact]
    public async Task An_uploaded_job_is_accepted_worked_on_and_its_result_kept()
    {
        using HttpResponseMessage accepted = await _server.Client.PostAsync("/v1/jobs", RunningServer.Form(("response_format", "text")));
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        JsonElement job = await EndedAsync(accepted.Headers.Location!.ToString());
        Assert.Equal("succeeded", job.GetProperty("status").GetString());
        Assert.Equal(1, job.GetProperty("progress").GetDouble());
        Assert.Equal(RunningServer.Text, job.GetProperty("result").GetProperty("text").GetString());
        Assert.Equal(RunningServer.Text + "\n", await _server.Client.GetStringAsync($"{accepted.Headers.Location}/result"));
        JsonElement list = await (await _server.Client.GetAsync("/v1/jobs")).JsonAsync();
        Assert.Contains(list.GetProperty("data").EnumerateArray(), other => other.GetProperty("id").GetString() == job.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_recording_is_fetched_with_its_headers_and_the_webhook_is_signed()
    {
        await using LoopbackHost host = new();
        using HttpResponseMessage accepted = await _server.Client.PostAsJsonAsync("/v1/jobs", new
        {
            audio_url = $"{host.Address}/recording.wav",
            headers = new Dictionary<string, string> { ["X-Ticket"] = "42" },
            webhook_url = $"{host.Address}/hook",
            word_timestamps = true,
        });
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        LoopbackHost.Received hook = await host.PostedAsync();
        Assert.Equal("42", host.Got.Single().Headers["X-Ticket"]);
        JsonElement said = JsonDocument.Parse(hook.Body).RootElement;
        Assert.Equal("job.succeeded", said.GetProperty("type").GetString());
        Assert.Equal("Please", said.GetProperty("data").GetProperty("result").GetProperty("words")[0].GetProperty("word").GetString());
        Assert.Equal(Webhooks.Signature("sesame", hook.Headers["webhook-id"]!, hook.Headers["webhook-timestamp"]!, hook.Body), hook.Headers["webhook-signature"]);
    }

    [Fact]
    public async Task Headers_do_not_follow_a_redirect_to_another_host()
    {
        await using LoopbackHost target = new();
        await using LoopbackHost host = new(redirect: $"{target.Address}/recording.wav");
        using HttpResponseMessage accepted = await _server.Client.PostAsJsonAsync("/v1/jobs", new
        {
            audio_url = $"{host.Address}/recording.wav",
            headers = new Dictionary<string, string> { ["X-Ticket"] = "42" },
        });
        JsonElement job = await EndedAsync(accepted.Headers.Location!.ToString());
        Assert.Equal("succeeded", job.GetProperty("status").GetString());
        Assert.Null(target.Got.Single().Headers["X-Ticket"]);
    }

    [Theory]
    [InlineData("/missing")]
    [InlineData("/nonsense")]
    public async Task What_cannot_be_fetched_or_read_fails_the_job_and_nothing_else(string path)
    {
        await using LoopbackHost host = new();
        using HttpResponseMessage accepted = await _server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = host.Address + path });
        JsonElement job = await EndedAsync(accepted.Headers.Location!.ToString());
        Assert.Equal("failed", job.GetProperty("status").GetString());
        Assert.Equal("invalid_request_error", job.GetProperty("error").GetProperty("type").GetString());
        using HttpResponseMessage result = await _server.Client.GetAsync($"{accepted.Headers.Location}/result");
        Assert.Equal(HttpStatusCode.BadRequest, result.StatusCode);
    }

    [Fact]
    public async Task A_job_that_is_taken_back_has_no_result()
    {
        using HttpResponseMessage accepted = await _server.Client.PostAsync("/v1/jobs", RunningServer.Form(RunningServer.Repeated(40), ("beam_size", "5")));
        using HttpResponseMessage cancelled = await _server.Client.DeleteAsync(accepted.Headers.Location);
        Assert.Equal("cancelled", (await cancelled.JsonAsync()).GetProperty("status").GetString());
        using HttpResponseMessage result = await _server.Client.GetAsync($"{accepted.Headers.Location}/result");
        Assert.Equal((HttpStatusCode.Conflict, "job_not_done"), (result.StatusCode, (await result.ErrorAsync()).Code));
    }

    [Theory]
    [InlineData("{", 400, "malformed_json")]
    [InlineData("[]", 400, "malformed_json")]
    [InlineData("{}", 400, "missing_file")]
    [InlineData("{\"audio_url\": 7}", 400, "invalid_value")]
    [InlineData("{\"audio_url\": \"file:///etc/passwd\"}", 400, "invalid_value")]
    [InlineData("{\"audio_base64\": \"!\"}", 400, "invalid_value")]
    [InlineData("{\"audio_url\": \"http://127.0.0.1/a\", \"beems\": 1}", 400, "unknown_parameter")]
    [InlineData("{\"audio_url\": \"http://127.0.0.1/a\", \"language\": {}}", 400, "invalid_value")]
    [InlineData("{\"audio_url\": \"http://127.0.0.1/a\", \"model\": \"gpt-9\"}", 404, "model_not_found")]
    public async Task A_body_that_makes_no_sense_is_refused_at_once(string json, int status, string code)
    {
        using HttpResponseMessage response = await _server.Client.PostAsync("/v1/jobs", new StringContent(json, Encoding.UTF8, "application/json"));
        Assert.Equal((status, code), ((int)response.StatusCode, (await response.ErrorAsync()).Code));
    }

    [Fact]
    public async Task Nobody_finds_a_job_that_is_not_there()
    {
        using HttpResponseMessage response = await _server.Client.GetAsync("/v1/jobs/job_0");
        Assert.Equal((HttpStatusCode.NotFound, "job_not_found"), (response.StatusCode, (await response.ErrorAsync()).Code));
    }

    private async Task<JsonElement> EndedAsync(string location)
    {
        JsonElement job = default;
        await Eventually.HoldsAsync(async () =>
        {
            job = await (await _server.Client.GetAsync(location)).JsonAsync();
            return job.GetProperty("status").GetString() is "succeeded" or "failed" or "cancelled";
        });
        return job;
    }
}
