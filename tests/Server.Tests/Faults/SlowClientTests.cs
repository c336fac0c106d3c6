using System.Net;
using System.Text;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>Clients that hold what they do not use: connections, requests, sockets.</summary>
public sealed class SlowClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_head_that_comes_in_drops_is_given_up()
    {
        await using RunningServer server = await StartAsync();
        using RawClient loris = await RawClient.ConnectAsync(server.Address);
        await loris.SendAsync("POST /v1/audio/transcriptions HTTP/1.1\r\nHost: test\r\n");
        Task<(HttpStatusCode Status, string? Code)> answer = loris.ReadAnswerAsync(Patience);
        for (int i = 0; !answer.IsCompleted; i++)
        {
            await loris.FloodAsync(Encoding.ASCII.GetBytes($"X-{i}: a\r\n"), total: 1, Patience);
            await Task.WhenAny(answer, Task.Delay(200));
        }

        Assert.Equal(HttpStatusCode.RequestTimeout, (await answer).Status);
        await server.IsUnharmedAsync();
    }

    [Fact]
    public async Task A_body_that_comes_in_drops_is_given_up()
    {
        await using RunningServer server = await StartAsync();
        using RawClient loris = await RawClient.ConnectAsync(server.Address);
        await loris.SendFormHeadAsync("Content-Length: 1000000");
        await loris.SendAsync(RawClient.FileHead);
        Task<(HttpStatusCode Status, string? Code)> answer = loris.ReadAnswerAsync(Patience);
        while (!answer.IsCompleted)
        {
            await loris.FloodAsync([0], total: 1, Patience);
            await Task.WhenAny(answer, Task.Delay(200));
        }

        Assert.Equal((HttpStatusCode.RequestTimeout, "request_timeout"), await answer);
        await server.IsUnharmedAsync();
    }

    [Fact]
    public async Task A_thousand_sockets_that_say_nothing_keep_nobody_out_and_are_closed()
    {
        await using RunningServer server = await StartAsync();
        List<RawClient> idle = [];
        try
        {
            for (int i = 0; i < 1000; i++)
            {
                idle.Add(await RawClient.ConnectAsync(server.Address));
            }

            Assert.Equal(HttpStatusCode.OK, (await server.TranscribeAsync()).StatusCode);
            Assert.All(await Task.WhenAll(idle.Select(client => client.ReadToEndAsync(Patience))), Assert.Empty);
            await server.IsUnharmedAsync();
        }
        finally
        {
            idle.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task A_thousand_streams_that_say_nothing_are_refused_but_for_those_allowed_and_these_are_ended()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumStreams = 20, StreamIdleTimeout = TimeSpan.FromSeconds(4), ConnectionIdleTimeout = TimeSpan.FromSeconds(2) });
        List<RawClient> idle = [];
        try
        {
            for (int i = 0; i < 1000; i++)
            {
                idle.Add(await RawClient.OpenSocketAsync(server.Address, "/v1/stream"));
            }

            Assert.Equal(HttpStatusCode.OK, (await server.TranscribeAsync()).StatusCode);
            string[] told = await Task.WhenAll(idle.Select(async client => client.Head + Encoding.UTF8.GetString(await client.ReadToEndAsync(Patience))));
            int ended = told.Count(text => text.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal) && text.Contains("\"stream_idle\"", StringComparison.Ordinal));
            int refused = told.Count(text => text.StartsWith("HTTP/1.1 429 ", StringComparison.Ordinal) && text.Contains("\"too_many_streams\"", StringComparison.Ordinal));
            Assert.Equal(1000, ended + refused);
            Assert.InRange(ended, 20, 500); // on a slow machine the first have been ended before the last come
            await server.IsUnharmedAsync();
        }
        finally
        {
            idle.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task A_client_that_never_reads_what_it_asks_for_is_let_go()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { StreamIdleTimeout = TimeSpan.FromSeconds(2) });
        using RawClient deaf = await RawClient.OpenSocketAsync(server.Address, "/v1/realtime", receiveBuffer: 4096);

        // Each of these is answered; when the answers fill the system's buffers the server can write no more, and then reads no more.
        byte[] frame = SocketFrames.Text("{\"type\":\"input_audio_buffer.clear\"}");
        long sent = await deaf.FloodAsync([.. Enumerable.Repeat(frame, 1000).SelectMany(bytes => bytes)], total: 1L << 30, Patience);
        Assert.InRange(sent, 1, (1L << 30) - 1);
        await server.IsUnharmedAsync();
    }

    private static Task<RunningServer> StartAsync() => RunningServer.StartAsync(options => options with
    {
        SlowClientTimeout = TimeSpan.FromSeconds(2),
        ConnectionIdleTimeout = TimeSpan.FromSeconds(3),
    });
}
