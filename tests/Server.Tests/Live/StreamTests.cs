using System.Net.WebSockets;
using System.Text.Json;
using Xunit;

namespace Handwritten.Server.Tests.Live;

[Collection(OneServerForAll.Name)]
public sealed class StreamTests(SharedServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData(16_000, "pcm16", 3200)]
    [InlineData(48_000, "pcm16", 7777)] // an odd number of bytes: samples are cut in two
    [InlineData(8_000, "float32", 1001)]
    public async Task What_is_spoken_comes_back_whatever_the_rate_the_encoding_and_the_frames(int rate, string encoding, int frameBytes)
    {
        using StreamOfTest stream = await StreamOfTest.OpenAsync(_server, $"sample_rate={rate}&encoding={encoding}&language=en");
        Task<IReadOnlyList<JsonElement>> heard = stream.ReadToEndAsync();
        await stream.SendAsync(StreamOfTest.Sound(rate, encoding), frameBytes);
        await stream.SendTextAsync("{\"type\":\"end\"}");
        IReadOnlyList<JsonElement> events = await heard;
        Assert.Equal("ready", Type(events[0]));
        Assert.Equal("done", Type(events[^1]));
        string text = string.Concat(events.Where(message => Type(message) == "final").Select(message => message.GetProperty("text").GetString()));
        Assert.Contains("rock music", text, StringComparison.Ordinal);
        JsonElement[] words = [.. events.Where(message => Type(message) == "final").SelectMany(message => message.GetProperty("words").EnumerateArray())];
        Assert.Equal(words.Select(word => word.GetProperty("start").GetDouble()).Order(), words.Select(word => word.GetProperty("start").GetDouble()));
        Assert.Contains(events, message => Type(message) == "endpoint");
        Assert.Equal(WebSocketCloseStatus.NormalClosure, stream.CloseStatus);
    }

    [Fact]
    public async Task Silence_is_no_text()
    {
        using StreamOfTest stream = await StreamOfTest.OpenAsync(_server, "");
        Task<IReadOnlyList<JsonElement>> heard = stream.ReadToEndAsync();
        await stream.SendAsync(new byte[64_000], 6400);
        await stream.SendTextAsync("{\"type\":\"end\"}");
        Assert.DoesNotContain(await heard, message => Type(message) is "partial" or "final");
    }

    [Theory]
    [InlineData("sample_rate=0", 400)]
    [InlineData("sample_rate=fast", 400)]
    [InlineData("encoding=mp3", 400)]
    [InlineData("model=gpt-9", 404)]
    [InlineData("langage=en", 400)]
    [InlineData("vad_filter=true", 400)]
    [InlineData("chunking_strategy=auto", 400)]
    public async Task An_address_that_makes_no_sense_is_refused_before_the_socket_opens(string query, int status)
    {
        using ClientWebSocket socket = new() { Options = { CollectHttpResponseDetails = true } };
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(StreamOfTest.Address(_server, query), CancellationToken.None));
        Assert.Equal(status, (int)socket.HttpStatusCode);
    }

    [Fact]
    public async Task A_request_that_is_no_socket_is_told_to_be_one()
    {
        using HttpResponseMessage response = await _server.Client.GetAsync("/v1/stream");
        Assert.Equal((426, "upgrade_required"), ((int)response.StatusCode, (await response.ErrorAsync()).Code));
    }

    [Fact]
    public async Task A_page_of_another_server_may_not_open_a_socket()
    {
        using ClientWebSocket socket = new() { Options = { CollectHttpResponseDetails = true } };
        socket.Options.SetRequestHeader("Origin", "https://evil.example");
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(StreamOfTest.Address(_server, ""), CancellationToken.None));
        Assert.Equal(403, (int)socket.HttpStatusCode);
    }

    [Fact]
    public async Task Idle_streams_are_ended_and_there_are_no_more_than_allowed()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumStreams = 2, StreamIdleTimeout = TimeSpan.FromSeconds(5) });
        using StreamOfTest first = await StreamOfTest.OpenAsync(server, ""), second = await StreamOfTest.OpenAsync(server, "");
        using ClientWebSocket third = new() { Options = { CollectHttpResponseDetails = true } };
        await Assert.ThrowsAsync<WebSocketException>(() => third.ConnectAsync(StreamOfTest.Address(server, ""), CancellationToken.None));
        Assert.Equal(429, (int)third.HttpStatusCode);
        await EndsWithAsync(first, "stream_idle", WebSocketCloseStatus.PolicyViolation);
        await EndsWithAsync(second, "stream_idle", WebSocketCloseStatus.PolicyViolation);
        await Eventually.HoldsAsync(async () =>
        {
            using ClientWebSocket again = new();
            await Task.WhenAny(again.ConnectAsync(StreamOfTest.Address(server, ""), CancellationToken.None));
            return again.State == WebSocketState.Open;
        });
    }

    [Fact]
    public async Task A_client_that_vanishes_leaves_the_server_well()
    {
        for (int i = 0; i < 5; i++)
        {
            using StreamOfTest stream = await StreamOfTest.OpenAsync(_server, "");
            await stream.SendAsync(StreamOfTest.Sound(16_000, "pcm16"), 32_000);
            stream.Abort();
        }

        Assert.True((await _server.TranscribeAsync()).IsSuccessStatusCode);
        Assert.DoesNotContain("Error", _server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_is_told()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        using StreamOfTest stream = await StreamOfTest.OpenAsync(server, "");
        Task stop = server.StopAsync();
        await EndsWithAsync(stream, "shutting_down", WebSocketCloseStatus.EndpointUnavailable);
        await stop;
    }

    [Theory]
    [InlineData("stream", "final", "text")]
    [InlineData("realtime", "conversation.item.input_audio_transcription.completed", "transcript")]
    public async Task What_was_said_before_a_stop_becomes_final(string dialect, string type, string field)
    {
        await using RunningServer server = await RunningServer.StartAsync();
        using StreamOfTest stream = await StreamOfTest.OpenAsync(server, "language=en", dialect);
        byte[] spoken = StreamOfTest.Sound(dialect == "stream" ? 16_000 : 24_000, "pcm16")[..^(2 * (dialect == "stream" ? 16_000 : 24_000))]; // without the silence behind it
        await (dialect == "stream" ? stream.SendAsync(spoken, 6400) : stream.SendTextAsync(JsonSerializer.Serialize(new { type = "input_audio_buffer.append", audio = Convert.ToBase64String(spoken) })));
        await stream.ReadUntilAsync(dialect == "stream" ? "speech_start" : "input_audio_buffer.speech_started");
        Task stop = server.StopAsync();
        IReadOnlyList<JsonElement> rest = await stream.ReadToEndAsync();
        Assert.Contains("rock music", string.Concat(rest.Where(message => Type(message) == type).Select(message => message.GetProperty(field).GetString())), StringComparison.Ordinal);
        Assert.Equal(("error", "shutting_down"), (Type(rest[^1]), rest[^1].GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, stream.CloseStatus);
        await stop;
    }

    [Fact]
    public async Task What_cannot_become_final_in_time_does_not_keep_the_server_from_stopping()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { ShutdownTimeout = TimeSpan.FromSeconds(2) });
        await server.IsUnharmedAsync();
        using StreamOfTest stream = await StreamOfTest.OpenAsync(server, "language=en&beam_size=8&best_of=8");
        Task<IReadOnlyList<JsonElement>> heard = stream.ReadToEndAsync();
        Task flood = stream.SendAsync([.. Enumerable.Repeat(StreamOfTest.Sound(16_000, "pcm16"), 100).SelectMany(sound => sound)], 64_000);
        await Eventually.HoldsAsync(async () => (await (await server.Client.GetAsync("/health/ready")).JsonAsync()).GetProperty("models")[0].GetProperty("active").GetInt32() > 0);
        await server.StopAsync();
        JsonElement last = (await heard)[^1];
        Assert.Equal(("error", "shutting_down"), (Type(last), last.GetProperty("error").GetProperty("code").GetString()));
        await flood.ContinueWith(_ => { }, TaskScheduler.Default); // it may break off
    }

    private static async Task EndsWithAsync(StreamOfTest stream, string code, WebSocketCloseStatus status)
    {
        JsonElement last = (await stream.ReadToEndAsync())[^1];
        Assert.Equal(("error", code), (Type(last), last.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal(status, stream.CloseStatus);
    }

    private static string? Type(JsonElement message) => message.GetProperty("type").GetString();
}
