using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Handwritten.Server.Tests.Access;
using Handwritten.Server.Tests.Faults;
using Xunit;

namespace Handwritten.Server.Tests.Jobs;

/// <summary>A client that hands in more jobs than it should, and others beside it. Alone, because metrics are those of all servers of a process.</summary>
[Collection(Alone.Name)]
public sealed partial class JobFairnessTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryKeys _keys = new();
    private readonly LoopbackHost _host = new();
    private RunningServer _server = null!;
    private HttpClient _greedy = null!, _modest = null!;

    public async Task InitializeAsync()
    {
        string greedy = _keys.Add("greedy"), modest = _keys.Add("modest");
        _server = await RunningServer.StartAsync(options => options with
        {
            ApiKeyFile = _keys.Path,
            AllowPrivateAddresses = true,
            MaximumJobs = 40,
            MaximumJobsPerClient = 30,
            MaximumFetches = 8,
        });
        (_greedy, _modest) = (ClientOf(greedy), ClientOf(modest));
    }

    public async Task DisposeAsync()
    {
        using CancellationTokenSource impatience = new(TimeSpan.FromSeconds(2));
        await _server.StopAsync(impatience.Token);
        await _server.DisposeAsync();
        await _host.DisposeAsync();
    }

    public void Dispose()
    {
        _greedy.Dispose();
        _modest.Dispose();
        _keys.Dispose();
    }

    [Fact]
    public async Task Slow_addresses_of_one_client_delay_nobody_else_and_are_seen_by_the_autoscaler()
    {
        for (int i = 0; i < 30; i++)
        {
            using HttpResponseMessage accepted = await _greedy.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{_host.Address}/never" });
            Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        }

        using (HttpResponseMessage refused = await _greedy.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{_host.Address}/never" }))
        {
            Assert.Equal((HttpStatusCode.TooManyRequests, "too_many_jobs"), (refused.StatusCode, (await refused.ErrorAsync()).Code));
        }

        string metrics = "";
        await Eventually.HoldsAsync(
            async () => BulkDepth().Match(metrics = await _server.Client.GetStringAsync("/metrics")).Groups[1].Value == "30", otherwise: () => metrics); // it may be a moment old

        // Waited for, fetched or not, and in bulk.
        object uploaded = new { input = new { audio_base64 = Convert.ToBase64String(await File.ReadAllBytesAsync(RunningServer.Recording)) } };
        Assert.Equal("COMPLETED", await StatusAsync(await _modest.PostAsJsonAsync("/runsync", uploaded)));
        Assert.Equal("COMPLETED", await StatusAsync(await _modest.PostAsJsonAsync("/runsync", new { input = new { audio_url = $"{_host.Address}/recording.wav" } })));
        using HttpResponseMessage bulk = await _modest.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{_host.Address}/recording.wav" });
        await Eventually.HoldsAsync(async () => await StatusAsync(await _modest.GetAsync(bulk.Headers.Location)) == "succeeded");
    }

    [Fact]
    public async Task Long_jobs_of_one_client_leave_a_worker_to_the_others()
    {
        List<Uri?> many = [];
        for (int i = 0; i < 4; i++)
        {
            using HttpResponseMessage accepted = await _greedy.PostAsync("/v1/jobs", RunningServer.Form(RunningServer.Repeated(100), ("beam_size", "8")));
            many.Add(accepted.Headers.Location);
        }

        await Eventually.HoldsAsync(async () => await StatusAsync(await _greedy.GetAsync(many[0])) == "running");
        using HttpResponseMessage one = await _modest.PostAsync("/v1/jobs", RunningServer.Form());
        await Eventually.HoldsAsync(async () => await StatusAsync(await _modest.GetAsync(one.Headers.Location)) == "succeeded");
        Assert.Equal("running", await StatusAsync(await _greedy.GetAsync(many[0])));
        Assert.Equal("queued", await StatusAsync(await _greedy.GetAsync(many[1])));
    }

    [Fact]
    public async Task Results_of_one_client_make_room_for_its_own_jobs_and_not_for_those_of_another()
    {
        using HttpResponseMessage kept = await _modest.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{_host.Address}/nonsense" });
        await Eventually.HoldsAsync(async () => await StatusAsync(await _modest.GetAsync(kept.Headers.Location)) == "failed");
        for (int i = 0; i < 60; i++)
        {
            using HttpResponseMessage accepted = await _greedy.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{_host.Address}/never" });
            Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
            using HttpResponseMessage cancelled = await _greedy.DeleteAsync(accepted.Headers.Location);
        }

        Assert.Equal("failed", await StatusAsync(await _modest.GetAsync(kept.Headers.Location)));
    }

    [Fact]
    public async Task The_list_of_jobs_has_pages_without_results()
    {
        List<string> ids = [];
        for (int i = 0; i < 5; i++)
        {
            using HttpResponseMessage accepted = await _modest.PostAsync("/v1/jobs", RunningServer.Form());
            ids.Insert(0, (await accepted.JsonAsync()).GetProperty("id").GetString()!);
        }

        string? status = null;
        await Eventually.HoldsAsync(async () => (status = await StatusAsync(await _modest.GetAsync($"/v1/jobs/{ids[0]}"))) == "succeeded", otherwise: () => $"{status} {_server.Log}");
        List<string> seen = [];
        JsonElement page;
        do
        {
            page = await (await _modest.GetAsync($"/v1/jobs?limit=2{(seen.Count > 0 ? $"&after={seen[^1]}" : "")}")).JsonAsync();
            JsonElement[] jobs = [.. page.GetProperty("data").EnumerateArray()];
            Assert.InRange(jobs.Length, 1, 2);
            Assert.All(jobs, job => Assert.False(job.TryGetProperty("result", out _)));
            seen.AddRange(jobs.Select(job => job.GetProperty("id").GetString()!));
            Assert.Equal((seen[^jobs.Length], seen[^1]), (page.GetProperty("first_id").GetString(), page.GetProperty("last_id").GetString()));
        }
        while (page.GetProperty("has_more").GetBoolean());

        Assert.Equal(ids, seen);
        JsonElement oldest = await (await _modest.GetAsync("/v1/jobs?order=asc&limit=1")).JsonAsync();
        Assert.Equal(ids[^1], oldest.GetProperty("last_id").GetString());
        Assert.Empty((await (await _greedy.GetAsync("/v1/jobs")).JsonAsync()).GetProperty("data").EnumerateArray());
    }

    [Theory]
    [InlineData("limit=0", 400, "invalid_value")]
    [InlineData("limit=101", 400, "invalid_value")]
    [InlineData("order=up", 400, "invalid_value")]
    [InlineData("page=2", 400, "unknown_parameter")]
    [InlineData("after=job_0", 404, "job_not_found")]
    public async Task A_page_that_makes_no_sense_is_refused(string query, int status, string code)
    {
        using HttpResponseMessage response = await _modest.GetAsync($"/v1/jobs?{query}");
        Assert.Equal((status, code), ((int)response.StatusCode, (await response.ErrorAsync()).Code));
    }

    private static async Task<string?> StatusAsync(HttpResponseMessage response)
    {
        using (response)
        {
            return (await response.JsonAsync()).GetProperty("status").GetString();
        }
    }

    private HttpClient ClientOf(string key) =>
        new() { BaseAddress = _server.Address, Timeout = TimeSpan.FromMinutes(1), DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };

    [GeneratedRegex("""handwritten_queue_depth\{[^\n]*model="whisper-nano",priority="Bulk"[^\n]*\} (\d+)""")]
    private static partial Regex BulkDepth();
}
