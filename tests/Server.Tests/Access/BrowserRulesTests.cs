using System.Net;
using Handwritten.Server.Access;
using Handwritten.Server.Tests.Live;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Handwritten.Server.Tests.Access;

/// <summary>What web pages of strangers may do with a server that wants no keys.</summary>
public sealed class BrowserRulesTests
{
    [Theory]
    [InlineData("127.0.0.1:8000", true)]
    [InlineData("[::1]:8000", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("localhost:8000", true)]
    [InlineData("LOCALHOST.", true)]
    [InlineData("a.localhost", true)]
    [InlineData("handwritten:8000", true)]
    [InlineData("handwritten.default.svc", true)]
    [InlineData("handwritten.default.svc.cluster.local:8000", true)]
    [InlineData("nas.home.arpa", true)]
    [InlineData("speech.example.org", true)]
    [InlineData("Speech.Example.Org:443", true)]
    [InlineData("a.company.example", true)]
    [InlineData("listened-at.example", true)]
    [InlineData("company.example", false)]
    [InlineData("evil.example:8000", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("evil-speech.example.org", false)]
    public void Only_names_that_no_stranger_can_have_are_taken_without_being_told(string host, bool isAllowed)
    {
        BrowserRules rules = new(new ServerOptions { Models = [], Host = "listened-at.example", HostNames = ["speech.example.org", "*.company.example"] });
        Assert.Equal(isAllowed, rules.AllowsHost(new HostString(host)));
    }

    [Fact]
    public async Task A_page_of_a_stranger_may_neither_read_nor_hand_in_jobs()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { CorsOrigins = ["https://good.example"], HostNames = ["speech.example.org"], LoadEagerly = false });
        string own = server.Address.Authority;
        Assert.Equal(HttpStatusCode.OK, await AskAsync(HttpMethod.Get, own));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(HttpMethod.Get, "evil.example"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(HttpMethod.Get, "speech.example.org"));
        Assert.Equal(HttpStatusCode.Accepted, await AskAsync(HttpMethod.Post, own));
        Assert.Equal(HttpStatusCode.Accepted, await AskAsync(HttpMethod.Post, own, $"http://{own}"));
        Assert.Equal(HttpStatusCode.Accepted, await AskAsync(HttpMethod.Post, "speech.example.org", "https://speech.example.org"));
        Assert.Equal(HttpStatusCode.Accepted, await AskAsync(HttpMethod.Post, own, "https://good.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(HttpMethod.Post, own, "https://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(HttpMethod.Post, own, "null"));

        async Task<HttpStatusCode> AskAsync(HttpMethod method, string host, string? origin = null)
        {
            using HttpRequestMessage request = new(method, "/v1/jobs") { Headers = { Host = host }, Content = method == HttpMethod.Post ? RunningServer.Form() : null };
            request.Headers.TryAddWithoutValidation("Origin", origin is null ? [] : [origin]);
            using HttpResponseMessage response = await server.Client.SendAsync(request);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task Where_keys_are_needed_they_are_what_counts()
    {
        using TemporaryKeys keys = new();
        string key = keys.Add("client");
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ApiKeyFile = keys.Path, LoadEagerly = false });
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/models") { Headers = { Host = "speech.example.org", Authorization = new("Bearer", key) } };
        Assert.Equal(HttpStatusCode.OK, (await server.Client.SendAsync(request)).StatusCode);
        using StreamOfTest stream = await StreamOfTest.OpenAsync(server, "", "stream", ("Origin", "https://other.example"), ("Authorization", $"Bearer {key}"));
    }
}
