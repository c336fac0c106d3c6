using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Handwritten.Server.Tests.Transcripts;

[Collection(OneServerForAll.Name)]
public sealed class TranscriptFormatTests(SharedServer shared)
{
    private static readonly (string, string) Words = ("timestamp_granularities[]", "word"), Segments = ("timestamp_granularities[]", "segment");

    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData("json")]
    [InlineData("text")]
    [InlineData("srt")]
    [InlineData("vtt")]
    [InlineData("verbose_json")]
    public async Task A_streamed_transcript_is_written_as_the_transcription_itself_would_have_been(string format)
    {
        using HttpResponseMessage expected = await _server.TranscribeAsync(("response_format", format), Words, Segments);
        using HttpResponseMessage written = await FormatAsync(await StreamedAsync(), ("response_format", format), ("timestamp_granularities", new JsonArray("word", "segment")));
        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        Assert.Equal(expected.Content.Headers.ContentType, written.Content.Headers.ContentType);
        Assert.Equal(await expected.Content.ReadAsStringAsync(), await written.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Subtitles_are_laid_out_as_asked()
    {
        using HttpResponseMessage written = await FormatAsync(await StreamedAsync(), ("response_format", "srt"), ("max_words_per_line", 2));
        Assert.Contains("\n4\n", await written.Content.ReadAsStringAsync(), StringComparison.Ordinal); // seven words, two a subtitle
    }

    [Fact]
    public async Task Of_a_segment_only_times_and_text_are_needed()
    {
        JsonObject transcript = new() { ["segments"] = new JsonArray(new JsonObject { ["start"] = 1, ["end"] = 2.5, ["text"] = " Hello." }), ["duration"] = "unknown" };
        using HttpResponseMessage written = await FormatAsync(transcript, ("response_format", "vtt"));
        Assert.Equal("WEBVTT\n\n00:01.000 --> 00:02.500\nHello.\n\n", await written.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("{}", "transcript", "invalid_value")]
    [InlineData("""{"transcript": 7}""", "transcript", "invalid_value")]
    [InlineData("""{"transcript": {"segments": [{"start": 0}]}}""", "transcript", "invalid_value")]
    [InlineData("""{"transcript": {"segments": [{"start": -1, "end": 1, "text": "a"}]}, "response_format": "srt"}""", "transcript", "invalid_value")]
    [InlineData("""{"transcript": {"segments": [{"start": 0, "end": 1e300, "text": "a"}]}, "response_format": "srt"}""", "transcript", "invalid_value")]
    [InlineData("""{"transcript": {"segments": [{"start": 0, "end": 1, "text": "a", "words": [{"word": "a", "start": 0, "end": -7}]}]}}""", "transcript", "invalid_value")]
    [InlineData("""{"transcript": {"segments": []}, "response_format": "docx"}""", "response_format", "invalid_value")]
    [InlineData("""{"transcript": {"segments": []}, "max_width": 2}""", "max_width", "unknown_parameter")]
    [InlineData("[", null, "malformed_json")]
    public async Task What_is_no_transcript_is_refused(string json, string? parameter, string code)
    {
        using HttpResponseMessage response = await _server.Client.PostAsync("/v1/transcripts/format", new StringContent(json, Encoding.UTF8, "application/json"));
        (string message, _, string? param, string? actual) = await response.ErrorAsync();
        Assert.Equal((HttpStatusCode.BadRequest, parameter, code), (response.StatusCode, param, actual));
        Assert.EndsWith(".", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_that_are_none_are_passed_over()
    {
        JsonObject transcript = new() { ["segments"] = new JsonArray(new JsonObject { ["start"] = 0, ["end"] = 1, ["text"] = "a", ["tokens"] = new JsonArray("x", 1.5, true, 7) }) };
        using HttpResponseMessage written = await FormatAsync(transcript, ("response_format", "verbose_json"));
        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        Assert.Equal("[7]", (await written.JsonAsync()).GetProperty("segments")[0].GetProperty("tokens").GetRawText().Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Languages_are_listed_with_their_names()
    {
        JsonElement list = await (await _server.Client.GetAsync("/v1/languages")).JsonAsync();
        JsonElement first = list.GetProperty("data")[0];
        Assert.Equal(("en", "english"), (first.GetProperty("code").GetString(), first.GetProperty("name").GetString()));
        Assert.Equal(100, list.GetProperty("data").GetArrayLength());
    }

    /// <summary>The transcript that the events of a stream add up to.</summary>
    private async Task<JsonObject> StreamedAsync()
    {
        using HttpResponseMessage response = await _server.TranscribeAsync(("stream", "true"), ("response_format", "verbose_json"), Words, Segments);
        JsonArray segments = [];
        JsonObject transcript = new() { ["segments"] = segments };
        foreach (string line in (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            JsonObject told = JsonNode.Parse(line["data: ".Length..])!.AsObject();
            if (told["type"]!.GetValue<string>() == "transcript.text.delta")
            {
                segments.Add(told["segment"]!.DeepClone());
                (transcript["language"], transcript["duration"]) = (told["language"]!.DeepClone(), told["duration"]!.DeepClone());
            }
        }

        Assert.NotEmpty(segments);
        return transcript;
    }

    private Task<HttpResponseMessage> FormatAsync(JsonObject transcript, params (string Name, JsonNode Value)[] fields)
    {
        JsonObject body = new() { ["transcript"] = transcript };
        foreach ((string name, JsonNode value) in fields)
        {
            body[name] = value;
        }

        return _server.Client.PostAsync("/v1/transcripts/format", new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));
    }
}
