using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>A server that is told to stop while it has more to do than there is time for.</summary>
public sealed class ShutdownTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_that_cannot_be_finished_is_told_so_before_the_end(bool isJob)
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ShutdownTimeout = TimeSpan.FromSeconds(4) });
        await server.IsUnharmedAsync();
        byte[] minutes = RunningServer.Repeated(100); // on any machine longer than the server may take to stop
        Task<HttpResponseMessage> waiting = isJob
            ? server.Client.PostAsJsonAsync("/runsync", new { input = new { audio_base64 = Convert.ToBase64String(minutes), beam_size = 8, best_of = 8 } })
            : server.Client.PostAsync("/v1/audio/transcriptions", RunningServer.Form(minutes, ("beam_size", "8")));
        await Eventually.HoldsAsync(async () => (await (await server.Client.GetAsync("/health/ready")).JsonAsync()).GetProperty("models")[0].GetProperty("active").GetInt32() > 0);
        await server.StopAsync();
        using HttpResponseMessage response = await waiting;
        if (isJob)
        {
            JsonElement job = await response.JsonAsync();
            Assert.Equal(("FAILED", true), (job.GetProperty("status").GetString(), job.GetProperty("error").GetString()!.Contains("shutting down", StringComparison.Ordinal)));
        }
        else
        {
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "shutting_down"), (response.StatusCode, (await response.ErrorAsync()).Code));
            Assert.True(response.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        }

        Assert.Empty(server.Errors);
    }

    [Theory]
    [InlineData("/v1/audio/transcriptions", "multipart/form-data; boundary=b")]
    [InlineData("/v1/audio/log-mel", "multipart/form-data; boundary=b")]
    [InlineData("/v1/jobs", "multipart/form-data; boundary=b")]
    [InlineData("/runsync", "application/json")]
    public async Task A_request_that_is_still_being_sent_is_told_so_before_the_end(string path, string type)
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ShutdownTimeout = TimeSpan.FromSeconds(4) });
        using RawClient raw = await RawClient.ConnectAsync(server.Address);
        await raw.SendAsync($"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: {type}\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 100 ", await raw.ReadHeadAsync(), StringComparison.Ordinal); // the server reads
        await raw.SendAsync(type == "application/json" ? "{\"input\":" : RawClient.FileHead);
        Task stop = server.StopAsync();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "shutting_down"), await raw.ReadAnswerAsync(TimeSpan.FromSeconds(20)));
        await stop;
        Assert.DoesNotContain(server.Errors, error => error.Contains("CanceledException", StringComparison.Ordinal)); // Kestrel may say that it cannot read the rest
    }

    [Fact]
    public async Task A_stream_of_events_that_cannot_be_finished_ends_with_an_error()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ShutdownTimeout = TimeSpan.FromSeconds(4) });
        await server.IsUnharmedAsync();
        byte[] minutes = RunningServer.Repeated(100);
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/audio/transcriptions") { Content = RunningServer.Form(minutes, ("stream", "true"), ("beam_size", "8")) };
        using HttpResponseMessage response = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Task<string> told = response.Content.ReadAsStringAsync();
        await server.StopAsync();
        using JsonDocument last = JsonDocument.Parse((await told).Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1]["data: ".Length..]);
        Assert.Equal(("error", "shutting_down"), (last.RootElement.GetProperty("type").GetString(), last.RootElement.GetProperty("error").GetProperty("code").GetString()));
        Assert.Empty(server.Errors);
    }
}
