using System.Net.WebSockets;
using System.Text.Json;
using Handwritten.Server.Live;
using Handwritten.Server.Tests.Access;
using Handwritten.Server.Tests.Faults;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Handwritten.Server.Tests.Live;

/// <summary>Who may have live streams, and what is left of those that have ended.</summary>
[Collection(Alone.Name)]
public sealed class StreamPlacesTests
{
    [Fact]
    public async Task A_client_cannot_take_all_streams()
    {
        using TemporaryKeys keys = new();
        (string, string) greedy = ("Authorization", $"Bearer {keys.Add("greedy")}"), other = ("Authorization", $"Bearer {keys.Add("other")}");
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ApiKeyFile = keys.Path, MaximumStreams = 3, MaximumStreamsPerClient = 2 });
        using StreamOfTest first = await OpenAsync(greedy), second = await OpenAsync(greedy);
        await Assert.ThrowsAsync<WebSocketException>(() => OpenAsync(greedy));
        using StreamOfTest third = await OpenAsync(other);
        await Assert.ThrowsAsync<WebSocketException>(() => OpenAsync(other)); // all three are taken

        await first.SendTextAsync("{\"type\":\"end\"}");
        await first.ReadToEndAsync();
        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                using StreamOfTest next = await OpenAsync(greedy);
                return true;
            }
            catch (WebSocketException)
            {
                return false;
            }
        });

        Task<StreamOfTest> OpenAsync((string, string) key) => StreamOfTest.OpenAsync(server, "", headers: [key]);
    }

    [Fact]
    public async Task A_stream_ends_when_its_key_is_taken_back()
    {
        using TemporaryKeys keys = new();
        string gone = keys.Add("gone");
        string others = File.ReadAllText(keys.Path);
        string stays = keys.Add("stays");
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ApiKeyFile = keys.Path });
        using StreamOfTest one = await StreamOfTest.OpenAsync(server, "", headers: ("Authorization", $"Bearer {gone}")), two = await StreamOfTest.OpenAsync(server, "", headers: ("Authorization", $"Bearer {stays}"));
        File.WriteAllText(keys.Path, File.ReadAllText(keys.Path).Replace(others, "", StringComparison.Ordinal));
        JsonElement last = (await one.ReadToEndAsync())[^1];
        Assert.Equal("invalid_api_key", last.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, one.CloseStatus);

        await two.SendTextAsync("{\"type\":\"end\"}");
        Assert.Equal("done", (await two.ReadToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task Streams_that_have_ended_leave_nothing_at_the_server()
    {
        const int streams = 10_000;
        using CancellationTokenSource stopping = new(), lastCall = new();
        StreamSettings settings = StreamSettings.Parse(new QueryCollection(), "client");
        await RunAsync(100);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await RunAsync(streams);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 50 * streams); // a timer or a registration is more

        async Task RunAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                using ClosedSocket socket = new();
                await using LiveSession session = new(null!, null!, null!, null!, settings); // nothing is heard, so nobody hears it
                using LiveSocket stream = new(socket, new NativeDialect(settings), TimeSpan.FromMinutes(1), NullLogger.Instance);
                await stream.RunAsync(session, "model", CancellationToken.None, stopping.Token, lastCall.Token, CancellationToken.None);
            }
        }
    }

    /// <summary>A socket whose client leaves at once.</summary>
    private sealed class ClosedSocket : WebSocket
    {
        public override WebSocketCloseStatus? CloseStatus => WebSocketCloseStatus.NormalClosure;

        public override string? CloseStatusDescription => null;

        public override WebSocketState State => WebSocketState.Open;

        public override string? SubProtocol => null;

        public override void Abort()
        {
        }

        public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Dispose()
        {
        }

        public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) =>
            Task.FromResult(new WebSocketReceiveResult(0, WebSocketMessageType.Close, endOfMessage: true));

        public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
