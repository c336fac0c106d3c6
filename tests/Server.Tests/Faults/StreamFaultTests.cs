using System.Net.WebSockets;
using System.Text.Json;
using Handwritten.Server.Tests.Live;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>What goes wrong in a live stream, line by line of docs/server.md; frames that break the protocol are in <see cref="SocketGarbageTests"/>.</summary>
public sealed class StreamFaultTests
{
    [Theory]
    [InlineData("garbage")]
    [InlineData("{\"type\":\"dance\"}")]
    [InlineData("[]")]
    [InlineData("{\"type\":7}")]
    [InlineData("{\"type\":\"\\ud800\"}")]
    public Task A_text_that_is_no_message_is_told_so_and_ends_the_stream(string text) =>
        EndsAsync("", stream => stream.SendTextAsync(text), "unknown_message", WebSocketCloseStatus.InvalidPayloadData);

    [Fact]
    public Task Garbage_where_floats_belong_is_told_so_and_ends_the_stream()
    {
        byte[] garbage = new byte[4096];
        new Random(1).NextBytes(garbage);
        return EndsAsync("encoding=float32", stream => stream.SendAsync(garbage, garbage.Length), "invalid_audio", WebSocketCloseStatus.InvalidPayloadData);
    }

    [Fact]
    public Task A_message_that_is_too_large_is_told_so_and_ends_the_stream() =>
        EndsAsync("", stream => stream.SendAsync(new byte[2 << 20], 2 << 20), "message_too_large", WebSocketCloseStatus.MessageTooBig);

    [Fact]
    public Task Silence_of_the_client_is_told_so_and_ends_the_stream() =>
        EndsAsync("", _ => Task.CompletedTask, "stream_idle", WebSocketCloseStatus.PolicyViolation, options => options with { StreamIdleTimeout = TimeSpan.FromSeconds(1) });

    private static async Task EndsAsync(
        string query, Func<StreamOfTest, Task> commit, string code, WebSocketCloseStatus status, Func<ServerOptions, ServerOptions>? change = null)
    {
        await using RunningServer server = await RunningServer.StartAsync(change);
        using (StreamOfTest stream = await StreamOfTest.OpenAsync(server, query))
        {
            Task sending = commit(stream); // which the server may not read to its end
            JsonElement last = (await stream.ReadToEndAsync())[^1];
            Assert.Equal(("error", code), (last.GetProperty("type").GetString(), last.GetProperty("error").GetProperty("code").GetString()));
            Assert.Equal(status, stream.CloseStatus);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        await server.IsUnharmedAsync();
        Assert.DoesNotContain("Error", server.Log, StringComparison.Ordinal);
    }
}
