using System.Net;
using System.Text;
using Handwritten.Server.Tests.Faults;
using Handwritten.Server.Uploads;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Handwritten.Server.Tests.Jobs;

/// <summary>Bodies that are JSON are held in memory: of that there is so much, and nobody holds it for as long as they like.</summary>
public sealed class JsonBodyTests
{
    private const int Budget = 16 << 20, Large = 5 << 19; // of a body of 2.5 MB four times as much is held

    [Fact]
    public async Task Large_bodies_share_the_memory_of_recordings_and_small_ones_always_have_room()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumDecodedBytes = Budget, LoadEagerly = false });
        SoundMemory memory = server.Services.GetRequiredService<SoundMemory>();
        using (RawClient slow = await RawClient.ConnectAsync(server.Address))
        {
            await slow.SendAsync($"POST /v1/jobs HTTP/1.1\r\nHost: {server.Address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {Large}\r\n\r\n");
            await slow.SendAsync("{\"audio_base64\":\"" + new string('A', Large - 1000));
            await Eventually.HoldsAsync(() => Task.FromResult(memory.Held > 3 * Large));

            using HttpResponseMessage refused = await PostAsync(server, Base64(Large)), small = await PostAsync(server, "{}");
            Assert.Equal((HttpStatusCode.TooManyRequests, "engine_busy"), (refused.StatusCode, (await refused.ErrorAsync()).Code));
            Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
            Assert.Equal("missing_file", (await small.ErrorAsync()).Code);
        }

        await Eventually.HoldsAsync(() => Task.FromResult(memory.Held == 0));
        using HttpResponseMessage never = await PostAsync(server, Base64(2 * Large));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "out_of_memory"), (never.StatusCode, (await never.ErrorAsync()).Code));
        using HttpResponseMessage taken = await PostAsync(server, Base64(Large));
        Assert.Equal(HttpStatusCode.Accepted, taken.StatusCode);
        await Eventually.HoldsAsync(() => Task.FromResult(memory.Held == 0));
    }

    [Fact]
    public async Task A_body_that_takes_longer_than_a_recording_may_take_to_be_fetched_is_given_up()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { DecodingTimeout = TimeSpan.FromSeconds(1), LoadEagerly = false });
        using RawClient slow = await RawClient.ConnectAsync(server.Address);
        await slow.SendAsync($"POST /runsync HTTP/1.1\r\nHost: {server.Address.Authority}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{");
        Assert.Equal((HttpStatusCode.RequestTimeout, "request_timeout"), await slow.ReadAnswerAsync(TimeSpan.FromMinutes(1)));
    }

    [Theory]
    [InlineData("/v1/jobs", """{"audio_url":"\ud800"}""")]
    [InlineData("/v1/jobs", """{"audio_base64":"AAAA","prompt":"\ud800"}""")]
    [InlineData("/v1/jobs", """{"audio_base64":"AAAA","\ud800":1}""")]
    [InlineData("/runsync", """{"input":{"audio":"\ud800"}}""")]
    [InlineData("/v1/transcripts/format", """{"transcript":{"segments":[{"start":"\ud800","end":1,"text":"a"}]}}""")]
    public async Task Half_a_character_is_malformed_json(string path, string json)
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { LoadEagerly = false });
        using HttpResponseMessage refused = await PostAsync(server, json, path);
        Assert.Equal((HttpStatusCode.BadRequest, "malformed_json"), (refused.StatusCode, (await refused.ErrorAsync()).Code));
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_malformed_json_and_a_byte_order_mark_is_passed_over()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { LoadEagerly = false });
        using HttpResponseMessage refused = await PostAsync(server, [.. "{\"audio_url\":\""u8, 0xFF, .. "\"}"u8]), read = await PostAsync(server, [.. "\uFEFF{}"u8]);
        Assert.Equal("malformed_json", (await refused.ErrorAsync()).Code);
        Assert.Equal("missing_file", (await read.ErrorAsync()).Code);
    }

    private static string Base64(int length) => $"{{\"audio_base64\":\"{new string('A', length)}\"}}";

    private static Task<HttpResponseMessage> PostAsync(RunningServer server, string json, string path = "/v1/jobs") =>
        server.Client.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"));

    private static Task<HttpResponseMessage> PostAsync(RunningServer server, byte[] json) =>
        server.Client.PostAsync("/v1/jobs", new ByteArrayContent(json) { Headers = { ContentType = new("application/json") } });
}
