using System.Net;
using System.Net.Http.Headers;
using Handwritten.Server.Access;
using Xunit;

namespace Handwritten.Server.Tests.Access;

public sealed class ApiKeyTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("a sha256:12")]
    [InlineData("a 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    [InlineData("a sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0x")]
    [InlineData("a sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 requests_per_minute=0")]
    [InlineData("a sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 b")]
    public void A_line_that_makes_no_sense_is_named(string line)
    {
        FormatException failure = Assert.Throws<FormatException>(() => ApiKeyFile.Parse($"# keys\n\n{line}\n"));
        Assert.Contains("Line 3", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_file_holds_names_hashes_and_limits()
    {
        (string key, string hash) = ApiKeyFile.Create();
        IReadOnlyList<ApiKey> keys = ApiKeyFile.Parse($"one {hash} # the first\r\ntwo {hash} requests_per_minute=7");
        Assert.Equal([("one", null), ("two", 7)], keys.Select(entry => (entry.Name, entry.RequestsPerMinute)));
        Assert.Equal(ApiKeyFile.HashOf(key), keys[0].Hash);
        Assert.DoesNotContain(key, hash, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_valid_key_nothing_is_served_but_health_and_documents()
    {
        using TemporaryKeys keys = new();
        string key = keys.Add("client");
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ApiKeyFile = keys.Path, LoadEagerly = false });
        Assert.Equal((HttpStatusCode.Unauthorized, "missing_api_key"), await GetAsync(server, null));
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_api_key"), await GetAsync(server, "hw-wrong"));
        Assert.Equal((HttpStatusCode.OK, null), await GetAsync(server, key));
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health/live")).StatusCode);
    }

    [Fact]
    public async Task Who_lacks_a_key_is_told_how_one_is_sent()
    {
        using TemporaryKeys keys = new();
        keys.Add("client");
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ApiKeyFile = keys.Path, LoadEagerly = false });
        foreach ((string? key, string challenge) in new[] { (null, "Bearer"), ("hw-wrong", "Bearer error=\"invalid_token\"") })
        {
            using HttpResponseMessage response = await server.Client.SendAsync(Request(key));
            Assert.Equal((HttpStatusCode.Unauthorized, challenge), (response.StatusCode, response.Headers.WwwAuthenticate.ToString()));
        }
    }

    [Fact]
    public async Task A_changed_file_counts_without_a_restart_and_a_broken_one_changes_nothing()
    {
        using TemporaryKeys keys = new();
        string first = keys.Add("first");
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ApiKeyFile = keys.Path, LoadEagerly = false });
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(server, first)).Status);

        File.WriteAllText(keys.Path, "nonsense");
        await Task.Delay(1100);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(server, first)).Status);
        Assert.Contains("The file of API keys cannot be used", server.Log, StringComparison.Ordinal);

        File.WriteAllText(keys.Path, "");
        string second = keys.Add("second");
        await Task.Delay(1100);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(server, second)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(server, first)).Status);
    }

    [Fact]
    public async Task Each_client_has_its_own_rate_and_is_told_when_to_come_back()
    {
        using TemporaryKeys keys = new();
        string slow = keys.Add("slow", " requests_per_minute=2"), fast = keys.Add("fast");
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ApiKeyFile = keys.Path, RequestsPerMinute = 1000, LoadEagerly = false });
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(server, slow)).Status);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(server, slow)).Status);
        using HttpResponseMessage refused = await server.Client.SendAsync(Request(slow));
        (string message, _, _, string? code) = await refused.ErrorAsync();
        Assert.Equal((HttpStatusCode.TooManyRequests, "rate_limit_exceeded"), (refused.StatusCode, code));
        Assert.StartsWith("This API key has", message, StringComparison.Ordinal);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(server, fast)).Status);
    }

    [Fact]
    public async Task Who_needs_no_key_is_not_told_of_one()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { RequestsPerMinute = 1, LoadEagerly = false });
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(server, null)).Status);
        using HttpResponseMessage refused = await server.Client.SendAsync(Request(null));
        Assert.StartsWith("This client has", (await refused.ErrorAsync()).Message, StringComparison.Ordinal);
    }

    private static HttpRequestMessage Request(string? key) => new(HttpMethod.Get, "/v1/models")
    {
        Headers = { Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key) },
    };

    private static async Task<(HttpStatusCode Status, string? Code)> GetAsync(RunningServer server, string? key)
    {
        using HttpResponseMessage response = await server.Client.SendAsync(Request(key));
        return (response.StatusCode, response.IsSuccessStatusCode ? null : (await response.ErrorAsync()).Code);
    }
}
