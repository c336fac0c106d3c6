using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Handwritten.Server.Remote;
using Xunit;

namespace Handwritten.Server.Tests.Jobs;

public sealed class AddressTests
{
    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("192.168.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("168.63.129.16", false)]
    [InlineData("168.63.129.17", true)]
    [InlineData("8.8.8.8", true)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::127.0.0.1", false)]
    [InlineData("::10.0.0.1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("2606:4700:4700::1111", true)]
    public void Only_addresses_of_the_public_internet_are_public(string address, bool isPublic) => Assert.Equal(isPublic, AddressRules.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("media.example.org", true)]
    [InlineData("MEDIA.example.org.", true)]
    [InlineData("a.cdn.example.org", true)]
    [InlineData("example.org", false)]
    [InlineData("evil-media.example.org", false)]
    public void Only_hosts_of_the_list_are_allowed(string host, bool isAllowed)
    {
        AddressRules rules = new(new ServerOptions { Models = [], AllowedHosts = ["media.example.org", "*.cdn.example.org"] });
        Assert.Equal(isAllowed, rules.Allows(host));
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/a.wav")]
    [InlineData("http://[::1]/a.wav")]
    [InlineData("http://2130706433/a.wav")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    public async Task A_private_address_is_refused_before_anything_is_sent(string address)
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { LoadEagerly = false });
        using HttpResponseMessage response = await server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = address });
        Assert.Equal((HttpStatusCode.BadRequest, "address_not_allowed"), (response.StatusCode, (await response.ErrorAsync()).Code));
    }

    [Fact]
    public async Task An_address_that_cannot_be_fetched_is_told_without_its_user()
    {
        await using LoopbackHost host = new();
        await using RunningServer server = await RunningServer.StartAsync(options => options with { AllowPrivateAddresses = true, LoadEagerly = false });
        JsonElement answer = await FetchAsync(server, host.Address.Replace("http://", "http://user:sesame@", StringComparison.Ordinal) + "/missing?signature=secret");
        string error = answer.GetProperty("error").ToString();
        Assert.Contains($"{host.Address}/missing ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", answer.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", answer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_to_what_is_no_address_is_told()
    {
        await using LoopbackHost host = new(redirect: "//");
        await using RunningServer server = await RunningServer.StartAsync(options => options with { AllowPrivateAddresses = true, LoadEagerly = false });
        JsonElement answer = await FetchAsync(server, host.Address);
        Assert.Contains("it redirects to what is no address", answer.GetProperty("error").ToString(), StringComparison.Ordinal);
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task A_name_of_a_private_address_is_refused_when_it_is_connected_to()
    {
        await using LoopbackHost host = new();
        await using RunningServer server = await RunningServer.StartAsync(options => options with { LoadEagerly = false });
        using HttpResponseMessage response = await server.Client.PostAsJsonAsync("/runsync", new { input = new { audio_url = host.Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal) } });
        Assert.Equal("FAILED", (await response.JsonAsync()).GetProperty("status").GetString());
        Assert.Empty(host.Got);
    }

    private static async Task<JsonElement> FetchAsync(RunningServer server, string address)
    {
        using HttpResponseMessage response = await server.Client.PostAsJsonAsync("/runsync", new { input = new { audio_url = address } });
        return await response.JsonAsync();
    }
}
