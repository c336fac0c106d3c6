using System.Net.WebSockets;
using System.Text.Json;
using Handwritten.Server.Tests.Faults;
using Xunit;

namespace Handwritten.Server.Tests.Live;

/// <summary>What large messages leave in memory. Alone, because the memory of a process is everybody's.</summary>
[Collection(Alone.Name)]
public sealed class StreamMemoryTests
{
    private const int Streams = 8, MessageBytes = 5 << 18; // in base64, 20 s of sound

    [Fact]
    public async Task What_a_large_message_needed_is_let_go_when_it_has_been_heard()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        StreamOfTest[] streams = await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => StreamOfTest.OpenAsync(server, "intent=transcription", "realtime")));
        await SendAsync(streams, 1 << 10); // what a stream keeps is there from its first sound on
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await SendAsync(streams, MessageBytes);
        await Eventually.HoldsAsync(() => Task.FromResult(Kept() < Streams * MessageBytes / 2), otherwise: () => $"{Kept()} bytes are kept.");
        foreach (StreamOfTest stream in streams)
        {
            stream.Dispose();
        }

        long Kept() => GC.GetTotalMemory(forceFullCollection: true) - before;
    }

    /// <summary>Sends silence, and waits until it has been heard and cleared.</summary>
    private static async Task SendAsync(StreamOfTest[] streams, int bytes)
    {
        string silence = $$"""{"type":"input_audio_buffer.append","audio":"{{new string('A', bytes)}}"}""";
        foreach (StreamOfTest stream in streams)
        {
            await stream.SendTextAsync(silence);
            await stream.SendTextAsync("""{"type":"input_audio_buffer.clear"}""");
            await stream.ReadUntilAsync("input_audio_buffer.cleared");
        }
    }

    [Fact]
    public async Task A_realtime_message_of_more_than_four_megabytes_ends_the_session()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { LoadEagerly = false });
        using StreamOfTest stream = await StreamOfTest.OpenAsync(server, "intent=transcription", "realtime");
        Task<IReadOnlyList<JsonElement>> told = stream.ReadToEndAsync();
        await Task.WhenAny(stream.SendTextAsync(new string(' ', 5 << 20))); // which the server does not read to its end
        Assert.Equal("message_too_large", (await told)[^1].GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, stream.CloseStatus);
    }
}
