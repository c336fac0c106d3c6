using System.Net;
using System.Net.Http.Json;
using Xunit;

namespace Handwritten.Server.Tests.Jobs;

/// <summary>What a client may have this server send to another one: headers, and nothing but headers.</summary>
public sealed class HeaderTests(JobFixture fixture) : IClassFixture<JobFixture>
{
    private readonly RunningServer _server = fixture.Server;

    [Theory]
    [InlineData("X-A", "a\r\n\r\nPOST /admin/delete HTTP/1.1\r\nHost: internal\r\nContent-Length: 4\r\n\r\nboom")]
    [InlineData("X-A", "a\r\nX-Injected: 1")]
    [InlineData("X-A", "a\nX-Injected: 1")]
    [InlineData("X-A", "a\rX-Injected: 1")]
    [InlineData("X-A", "a\0")]
    [InlineData("X-A", "ü")]
    [InlineData("X-A: b\r\nX-Injected", "1")]
    [InlineData("X A", "a")]
    [InlineData("", "a")]
    [InlineData("host", "internal")]
    [InlineData("Content-Length", "4")]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("Content-Type", "text/plain")]
    public async Task A_header_that_would_be_more_than_one_is_refused_at_once(string name, string value)
    {
        await using LoopbackHost host = new();
        object job = new { audio_url = $"{host.Address}/recording.wav", headers = new Dictionary<string, string> { [name] = value } };
        foreach ((string path, object body) in new[] { ("/v1/jobs", job), ("/runsync", new { input = job }) })
        {
            using HttpResponseMessage response = await _server.Client.PostAsJsonAsync(path, body);
            (string message, _, string? field, string? code) = await response.ErrorAsync();
            Assert.Equal((HttpStatusCode.BadRequest, "headers", "invalid_value"), (response.StatusCode, field, code));
            Assert.DoesNotContain("\n", message, StringComparison.Ordinal);
        }

        Assert.Empty(host.Got);
    }

    [Theory]
    [InlineData("audio_url")]
    [InlineData("webhook_url")]
    public async Task An_address_with_a_line_break_is_refused_at_once(string field)
    {
        await using LoopbackHost host = new();
        Dictionary<string, string> job = new() { ["audio_url"] = $"{host.Address}/recording.wav" };
        job[field] = $"{host.Address}/a\r\nX-Injected: 1";
        using HttpResponseMessage response = await _server.Client.PostAsJsonAsync("/v1/jobs", job);
        (_, _, string? named, string? code) = await response.ErrorAsync();
        Assert.Equal((HttpStatusCode.BadRequest, field, "invalid_value"), (response.StatusCode, named, code));
        Assert.Empty(host.Got);
    }
}
