using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OpenAI;
using OpenAI.Audio;
using Xunit;

#pragma warning disable OPENAI001 // the client calls this a preview

namespace Handwritten.Server.Tests.OpenAi;

/// <summary>OpenAI's <c>chunking_strategy</c>, as each of its clients sends it.</summary>
[Collection(OneServerForAll.Name)]
public sealed class ChunkingTests(SharedServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData("chunking_strategy", "auto", true)]
    [InlineData("chunking_strategy", """{"type":"server_vad"}""", true)]
    [InlineData("chunking_strategy", """{"type":"server_vad","threshold":0.4,"prefix_padding_ms":300,"silence_duration_ms":200}""", true)]
    [InlineData("chunking_strategy", """{"type":"server_vad","threshold":1}""", false)] // nothing is so surely speech
    [InlineData("chunking_strategy[type]=server_vad", "chunking_strategy[threshold]=0.4", true)]
    [InlineData("chunking_strategy[type]=server_vad", "chunking_strategy[threshold]=1", false)]
    public async Task The_numbers_say_what_counts_as_speech(string first, string second, bool isHeard)
    {
        (string, string)[] fields = first.Contains('=', StringComparison.Ordinal)
            ? [.. new[] { first, second }.Select(field => (field.Split('=')[0], field.Split('=')[1]))]
            : [(first, second)];
        using HttpResponseMessage response = await _server.TranscribeAsync(fields);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(isHeard ? RunningServer.Text : "", (await response.JsonAsync()).GetProperty("text").GetString());
    }

    [Theory]
    [InlineData("never", "chunking_strategy")]
    [InlineData("{}", "chunking_strategy")]
    [InlineData("""{"type":"server_vad" """, "chunking_strategy")]
    [InlineData("""{"type":"server_vad","threshold":[[0.5]]}""", "threshold")]
    [InlineData("""{"threshold":0.5}""", "chunking_strategy.type")]
    [InlineData("""{"type":"semantic_vad"}""", "chunking_strategy.type")]
    [InlineData("""{"type":"server_vad","threshold":2}""", "chunking_strategy.threshold")]
    [InlineData("""{"type":"server_vad","prefix_padding_ms":-1}""", "chunking_strategy.prefix_padding_ms")]
    [InlineData("""{"type":"server_vad","silence_duration_ms":"long"}""", "chunking_strategy.silence_duration_ms")]
    [InlineData("""{"type":"server_vad","loudness":1}""", "chunking_strategy.loudness")]
    public async Task What_makes_no_sense_is_named(string strategy, string parameter)
    {
        using HttpResponseMessage response = await _server.TranscribeAsync(("chunking_strategy", strategy));
        (string message, _, string? named, string? code) = await response.ErrorAsync();
        Assert.Equal((HttpStatusCode.BadRequest, parameter), (response.StatusCode, named));
        Assert.Equal(parameter.EndsWith("loudness", StringComparison.Ordinal) ? "unknown_parameter" : "invalid_value", code);
        Assert.Contains(parameter, message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_in_JSON_is_one()
    {
        JsonElement answer = await (await _server.Client.PostAsJsonAsync("/runsync", new
        {
            input = new { audio_base64 = Convert.ToBase64String(File.ReadAllBytes(RunningServer.Recording)), chunking_strategy = new { type = "server_vad", threshold = 1 } },
        })).JsonAsync();
        Assert.Equal(("COMPLETED", ""), (answer.GetProperty("status").GetString(), answer.GetProperty("output").GetProperty("transcription").GetString()));
    }

    [Theory]
    [InlineData(0.4f, RunningServer.Text)]
    [InlineData(1f, "")]
    public async Task The_official_client_sends_it(float threshold, string expected)
    {
        AudioClient client = new("whisper-1", new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(_server.Address, "/v1") });
        AudioTranscription transcription = await client.TranscribeAudioAsync(RunningServer.Recording, new AudioTranscriptionOptions
        {
            ChunkingStrategy = new AudioTranscriptionCustomServerVadChunkingStrategy { DetectionThreshold = threshold, PrefixPadding = TimeSpan.FromMilliseconds(300), SilenceDuration = TimeSpan.FromMilliseconds(200) },
        });
        Assert.Equal(expected, transcription.Text);
    }
}
