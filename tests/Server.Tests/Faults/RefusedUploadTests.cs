using System.Net;
using System.Text;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>Whom the server refuses learns why, also who sends all of it before it reads.</summary>
public sealed class RefusedUploadTests
{
    private const int Limit = 300_000, Piece = 1000;

    [Theory]
    [InlineData("Content-Length: 400000", "")]
    [InlineData("Transfer-Encoding: chunked", "61a80\r\n")]
    public async Task A_client_may_send_all_before_it_reads_that_it_was_too_much(string length, string chunk)
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumUploadBytes = Limit });
        using RawClient client = await RawClient.ConnectAsync(server.Address);
        await client.SendFormHeadAsync($"{length}\r\nConnection: close");
        byte[] first = [.. Encoding.ASCII.GetBytes(chunk + RawClient.FileHead), .. new byte[Limit]];
        await client.SendAsync(first);
        await Eventually.HoldsAsync(() => Task.FromResult(client.HasAnswer));

        int rest = 400_000 + chunk.Length - first.Length;
        Assert.Equal(rest / Piece * Piece, await client.FloodAsync(new byte[Piece], rest / Piece * Piece, TimeSpan.FromSeconds(30)));
        await client.SendAsync(new byte[rest % Piece]);
        await client.SendAsync(chunk.Length > 0 ? "\r\n0\r\n\r\n" : "");
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "request_too_large"), await client.ReadAnswerAsync(TimeSpan.FromMinutes(1)));
        await server.IsUnharmedAsync();
    }

    [Fact]
    public async Task A_client_that_asks_before_it_sends_is_not_waited_for()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumUploadBytes = Limit });
        using RawClient client = await RawClient.ConnectAsync(server.Address);
        await client.SendFormHeadAsync("Content-Length: 400000\r\nExpect: 100-continue\r\nConnection: close");
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "request_too_large"), await client.ReadAnswerAsync(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task A_connection_serves_on_after_a_refusal_that_was_heard_out()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumUploadBytes = Limit });
        using HttpClient client = new(new SocketsHttpHandler { MaxConnectionsPerServer = 1 }) { BaseAddress = server.Address };
        for (int i = 0; i < 20; i++)
        {
            using HttpResponseMessage refused = await client.PostAsync("/v1/audio/transcriptions", RunningServer.Form(new byte[Limit + 100_000]));
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        }

        using HttpResponseMessage served = await client.PostAsync("/v1/audio/transcriptions", RunningServer.Form());
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
    }
}
