using System.Net;
using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Server.Tests.OpenAi;

[Collection(OneServerForAll.Name)]
public sealed class TranscriptionTests(SharedServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Fact]
    public async Task Json_is_the_default_and_holds_the_text_and_its_seconds()
    {
        using HttpResponseMessage response = await _server.TranscribeAsync(("model", "whisper-1"));
        JsonElement answer = await response.JsonAsync();
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(RunningServer.Text, answer.GetProperty("text").GetString());
        Assert.Equal("duration", answer.GetProperty("usage").GetProperty("type").GetString());
        Assert.InRange(answer.GetProperty("usage").GetProperty("seconds").GetDouble(), 1, 5);
    }

    [Theory]
    [InlineData("text", RunningServer.Text + "\n")]
    [InlineData("srt", "1\n00:00:00,000 --> 00:00:02,200\n" + RunningServer.Text + "\n\n")]
    [InlineData("vtt", "WEBVTT\n\n00:00.000 --> 00:02.200\n" + RunningServer.Text + "\n\n")]
    public async Task Files_are_those_of_the_command(string format, string expected)
    {
        using HttpResponseMessage response = await _server.TranscribeAsync(("response_format", format));
        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(expected, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Verbose_json_has_segments_with_the_numbers_of_whisper()
    {
        JsonElement answer = await (await _server.TranscribeAsync(("response_format", "verbose_json"))).JsonAsync();
        Assert.Equal("transcribe", answer.GetProperty("task").GetString());
        Assert.Equal("english", answer.GetProperty("language").GetString());
        Assert.False(answer.TryGetProperty("words", out _));
        JsonElement segment = Assert.Single(answer.GetProperty("segments").EnumerateArray());
        Assert.Equal(0, segment.GetProperty("id").GetInt32());
        Assert.Equal(2.2, segment.GetProperty("end").GetDouble(), 3);
        Assert.Equal(" " + RunningServer.Text, segment.GetProperty("text").GetString());
        Assert.True(segment.GetProperty("avg_logprob").GetDouble() < 0);
        Assert.True(segment.GetProperty("tokens").GetArrayLength() > 5);
    }

    [Fact]
    public async Task Words_alone_come_without_segments_and_in_the_order_of_time()
    {
        JsonElement answer = await (await _server.TranscribeAsync(("response_format", "verbose_json"), ("timestamp_granularities[]", "word"))).JsonAsync();
        JsonElement[] words = [.. answer.GetProperty("words").EnumerateArray()];
        Assert.False(answer.TryGetProperty("segments", out _));
        Assert.Equal(RunningServer.Text.Split(' '), words.Select(word => word.GetProperty("word").GetString()));
        Assert.Equal(words.Select(word => word.GetProperty("start").GetDouble()).Order(), words.Select(word => word.GetProperty("start").GetDouble()));
    }

    [Fact]
    public async Task A_stream_sends_deltas_that_add_up_to_the_text_and_then_the_text()
    {
        using HttpResponseMessage response = await _server.TranscribeAsync(("stream", "true"));
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        JsonElement[] events = [.. (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line["data: ".Length..]).RootElement)];
        Assert.All(events[..^1], delta => Assert.Equal("transcript.text.delta", delta.GetProperty("type").GetString()));
        Assert.All(events[..^1], delta => Assert.Equal(["type", "delta"], delta.EnumerateObject().Select(property => property.Name))); // nothing that OpenAI does not send
        Assert.Equal("transcript.text.done", events[^1].GetProperty("type").GetString());
        Assert.Equal(RunningServer.Text, events[^1].GetProperty("text").GetString());
        Assert.Equal(RunningServer.Text, string.Concat(events[..^1].Select(delta => delta.GetProperty("delta").GetString())));
    }

    [Fact]
    public async Task Translations_say_so()
    {
        byte[] german = await File.ReadAllBytesAsync(TestData.Path("audio", "13-de.wav"));
        using HttpResponseMessage response = await _server.Client.PostAsync("/v1/audio/translations", RunningServer.Form(german, ("response_format", "verbose_json")));
        JsonElement answer = await response.JsonAsync();
        Assert.Equal(("translate", "english"), (answer.GetProperty("task").GetString(), answer.GetProperty("language").GetString())); // of the text, as OpenAI has it
    }

    [Fact]
    public async Task Options_of_the_command_are_fields()
    {
        using HttpResponseMessage response = await _server.TranscribeAsync(
            ("beam_size", "3"), ("language", "English"), ("hotwords", "garage"), ("max_words_per_line", "2"), ("response_format", "srt"));
        string text = await response.Content.ReadAsStringAsync();
        Assert.Contains("4\n", text, StringComparison.Ordinal); // seven words, two a subtitle
        Assert.Contains("Please play", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_are_listed_and_found_by_name()
    {
        JsonElement list = await (await _server.Client.GetAsync("/v1/models")).JsonAsync();
        Assert.Equal("list", list.GetProperty("object").GetString());
        Assert.Equal("whisper-nano", Assert.Single(list.GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
        JsonElement model = await (await _server.Client.GetAsync("/v1/models/whisper-nano")).JsonAsync();
        Assert.Equal("model", model.GetProperty("object").GetString());
        JsonElement alias = await (await _server.Client.GetAsync("/v1/models/whisper-1")).JsonAsync(); // clients look for the name that they asked for
        Assert.Equal("whisper-1", alias.GetProperty("id").GetString());
        using HttpResponseMessage missing = await _server.Client.GetAsync("/v1/models/gpt-9");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        Assert.Equal("model_not_found", (await missing.ErrorAsync()).Code);
    }
}
