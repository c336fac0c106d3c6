using System.Net;
using Handwritten.Kernels.Gpu;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Models;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

public sealed class FaultTests
{
    [Fact]
    public async Task A_request_above_the_limit_is_refused_whether_it_says_its_length_or_not()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumUploadBytes = 100_000, LoadEagerly = false });
        using HttpResponseMessage announced = await server.Client.PostAsync("/v1/audio/transcriptions", RunningServer.Form(new byte[200_000]));
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "request_too_large"), (announced.StatusCode, (await announced.ErrorAsync()).Code));

        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/audio/transcriptions") { Content = RunningServer.Form(new byte[200_000]) };
        request.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage chunked = await server.Client.SendAsync(request);
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "request_too_large"), (chunked.StatusCode, (await chunked.ErrorAsync()).Code));
    }

    [Fact]
    public async Task A_recording_longer_than_allowed_is_refused_without_decoding_it_whole()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumAudioSeconds = 1, LoadEagerly = false });
        using HttpResponseMessage response = await server.TranscribeAsync();
        (string message, _, _, string? code) = await response.ErrorAsync();
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_audio"), (response.StatusCode, code));
        Assert.Contains("longer than 1 seconds", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_that_leave_half_way_leave_nothing_behind()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        for (int i = 0; i < 10; i++)
        {
            await LeaveAsync(server.Address, bytesToSend: 1000 + (i * 5000));
        }

        await server.IsUnharmedAsync();
        Assert.DoesNotContain("Error", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_leaves_while_it_waits_frees_the_engine()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        await server.TranscribeAsync();
        byte[] minutes = await File.ReadAllBytesAsync(TestData.Path("audio", "long-en.wav")); // on any machine longer than the client stays
        using CancellationTokenSource leaving = new(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.Client.PostAsync("/v1/audio/transcriptions", RunningServer.Form(minutes, ("beam_size", "8")), leaving.Token));
        await server.IsUnharmedAsync();
    }

    [Fact]
    public async Task A_full_engine_says_when_to_come_back()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with
        {
            Models = [RunningServer.DemoModel(new EngineOptions { Windows = 1, Lanes = 8, EncoderBatch = 1, MaxRequests = 1 })],
        });
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.TranscribeAsync(("beam_size", "4"))));
        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        HttpResponseMessage refused = answers.First(answer => answer.StatusCode != HttpStatusCode.OK);
        Assert.Equal((HttpStatusCode.TooManyRequests, "engine_busy"), (refused.StatusCode, (await refused.ErrorAsync()).Code));
        Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
    }

    [Fact]
    public async Task A_full_engine_says_so_before_a_recording_is_decoded()
    {
        FaultyDevice device = new();
        await using RunningServer server = await RunningServer.StartAsync(options => options with
        {
            Models = [device.Model with { Engine = new EngineOptions { Windows = 1, Lanes = 8, EncoderBatch = 1, MaxRequestsPerClient = 1 } }],
        });
        await server.IsUnharmedAsync();
        using ManualResetEventSlim begun = new(), ending = new();
        device.FailNext("LogMel", () =>
        {
            begun.Set();
            ending.Wait();
            return new GpuException("It failed.");
        });
        Task<HttpResponseMessage> first = server.TranscribeAsync();
        await Task.Run(begun.Wait);

        // What is no recording would be found out by decoding it.
        using HttpResponseMessage refused = await server.Client.PostAsync("/v1/audio/transcriptions", RunningServer.Form("no sound"u8.ToArray()));
        Assert.Equal((HttpStatusCode.TooManyRequests, "engine_busy"), (refused.StatusCode, (await refused.ErrorAsync()).Code));
        Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        ending.Set();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await first).StatusCode);
    }

    [Fact]
    public async Task A_model_whose_folder_is_gone_is_unavailable_and_the_server_stays()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with
        {
            Models = [RunningServer.DemoModel() with { Folder = Path.Combine(Path.GetTempPath(), "no such model") }],
        });
        using HttpResponseMessage response = await server.TranscribeAsync();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "model_unavailable"), (response.StatusCode, (await response.ErrorAsync()).Code));
        using HttpResponseMessage ready = await server.Client.GetAsync("/health/ready");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "failed"), (ready.StatusCode, (await ready.JsonAsync()).GetProperty("status").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health/live")).StatusCode);
    }

    [Theory]
    [InlineData(false, "device_failed")]
    [InlineData(true, "out_of_memory")]
    public async Task A_device_that_fails_is_tried_again_by_the_next_request(bool lacksMemory, string code)
    {
        int attempts = 0;
        ModelSource demo = RunningServer.DemoModel();
        await using RunningServer server = await RunningServer.StartAsync(options => options with
        {
            LoadEagerly = false,
            Models = [demo with { CreateKernels = () => attempts++ == 0 ? throw new GpuException("It failed.") { IsOutOfMemory = lacksMemory } : demo.CreateKernels() }],
        });
        using HttpResponseMessage failed = await server.TranscribeAsync();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, code), (failed.StatusCode, (await failed.ErrorAsync()).Code));
        Assert.Equal(HttpStatusCode.OK, (await server.TranscribeAsync()).StatusCode);
    }

    /// <summary>Sends the beginning of a form and hangs up.</summary>
    private static async Task LeaveAsync(Uri server, int bytesToSend)
    {
        RawClient client = await RawClient.ConnectAsync(server);
        await client.SendFormHeadAsync("Content-Length: 500000");
        await client.SendAsync(RawClient.FileHead);
        await client.SendAsync(new byte[bytesToSend]);
        await Task.Delay(20);
        client.Vanish();
    }
}
