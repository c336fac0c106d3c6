using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Handwritten.Server.Tests.Jobs;

/// <summary>What is written for RunPod and its worker for faster-whisper.</summary>
public sealed class RunPodTests(JobFixture fixture) : IClassFixture<JobFixture>
{
    private static readonly string Base64 = Convert.ToBase64String(File.ReadAllBytes(RunningServer.Recording));

    private readonly RunningServer _server = fixture.Server;

    [Fact]
    public async Task An_input_with_an_address_of_our_own_is_answered_as_everywhere_here()
    {
        await using LoopbackHost host = new();
        JsonElement output = (await RunAsync(new { audio_url = $"{host.Address}/recording.wav", language = "en" })).GetProperty("output");
        Assert.Equal((RunningServer.Text, "english"), (output.GetProperty("text").GetString(), output.GetProperty("language").GetString()));
    }

    [Theory]
    [InlineData("audio_base64", "")]
    [InlineData("audio", "")]
    [InlineData("audio", "data:audio/wav;base64,")]
    [InlineData("audio_base64", "data:audio/wav;base64,")]
    public async Task The_workers_inputs_get_the_workers_output(string name, string before)
    {
        JsonElement output = (await RunAsync(new Dictionary<string, object?> { [name] = before + Base64 })).GetProperty("output");
        Assert.Equal(["segments", "detected_language", "transcription", "translation", "device", "model"], output.EnumerateObject().Select(field => field.Name));
        JsonElement segment = Assert.Single(output.GetProperty("segments").EnumerateArray());
        Assert.Equal(
            ["id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob", "compression_ratio", "no_speech_prob"], segment.EnumerateObject().Select(field => field.Name));
        Assert.Equal((1, " " + RunningServer.Text), (segment.GetProperty("id").GetInt32(), segment.GetProperty("text").GetString()));
        Assert.Equal((RunningServer.Text, "en", "cpu", "whisper-nano"),
            (output.GetProperty("transcription").GetString(), output.GetProperty("detected_language").GetString(), output.GetProperty("device").GetString(), output.GetProperty("model").GetString()));
        Assert.Equal(JsonValueKind.Null, output.GetProperty("translation").ValueKind);
    }

    [Fact]
    public async Task Every_option_of_the_worker_is_understood_with_the_value_that_it_has_there()
    {
        await using LoopbackHost host = new();
        const string options = """
            "model": "turbo", "transcription": "srt", "translate": true, "translation": "formatted_text", "language": null, "temperature": 0, "best_of": 5, "beam_size": 5,
            "patience": 1.0, "length_penalty": 0, "suppress_tokens": "-1", "initial_prompt": null, "condition_on_previous_text": true, "temperature_increment_on_fallback": 0.2,
            "compression_ratio_threshold": 2.4, "logprob_threshold": -1.0, "no_speech_threshold": 0.6, "enable_vad": true, "word_timestamps": true, "repetition_penalty": 1.0,
            "no_repeat_ngram_size": 0
            """;
        JsonElement answer = await PostAsync("/runsync", $"{{\"input\": {{\"audio\": \"{host.Address}/recording.wav\", {options}}}}}");
        JsonElement output = answer.GetProperty("output");
        Assert.StartsWith("1\n00:00:00,", output.GetProperty("transcription").GetString(), StringComparison.Ordinal);
        Assert.False(string.IsNullOrEmpty(output.GetProperty("translation").GetString()));
        JsonElement word = output.GetProperty("word_timestamps")[0];
        Assert.Equal((" Please", JsonValueKind.Number, JsonValueKind.Number), (word.GetProperty("word").GetString(), word.GetProperty("start").ValueKind, word.GetProperty("end").ValueKind));
    }

    [Theory]
    [InlineData("formatted_text", "Please play rock music in the garage.\nPlease play rock music in the garage.")]
    [InlineData("plain_text", "Please play rock music in the garage. Please play rock music in the garage.")]
    public async Task A_text_has_its_segments_in_lines_or_in_one(string format, string text)
    {
        string twice = Convert.ToBase64String(RunningServer.Repeated(2));
        Assert.Equal(text, (await RunAsync(new { audio_base64 = twice, transcription = format })).GetProperty("output").GetProperty("transcription").GetString());
    }

    [Theory]
    [InlineData("""{"audio": "a", "audio_base64": "a"}""", 400, "missing_file")]
    [InlineData("""{"transcription": "srt"}""", 400, "missing_file")]
    [InlineData("""{"audio": "!"}""", 400, "invalid_value")]
    [InlineData("""{"audio": "aaaa", "transcription": "docx"}""", 400, "invalid_value")]
    [InlineData("""{"audio": "aaaa", "model": "gpt-9"}""", 404, "model_not_found")]
    [InlineData("""{"audio": "aaaa", "beems": 1}""", 400, "unknown_parameter")]
    public async Task An_input_that_makes_no_sense_is_refused_at_once(string input, int status, string code)
    {
        using HttpResponseMessage response = await _server.Client.PostAsync("/runsync", new StringContent($"{{\"input\": {input}}}", Encoding.UTF8, "application/json"));
        Assert.Equal((status, code), ((int)response.StatusCode, (await response.ErrorAsync()).Code));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/v2/whisper")]
    public async Task A_job_is_handed_in_followed_streamed_and_counted_as_there(string prefix)
    {
        JsonElement later = await PostAsync($"{prefix}/run", JsonSerializer.Serialize(new { input = new { audio = Base64 } }));
        Assert.Contains(later.GetProperty("status").GetString(), new[] { "IN_QUEUE", "IN_PROGRESS" });
        string id = later.GetProperty("id").GetString()!;
        await Eventually.HoldsAsync(async () => (await PostAsync($"{prefix}/status/{id}", "")).GetProperty("status").GetString() == "COMPLETED");
        JsonElement done = await (await _server.Client.GetAsync($"{prefix}/status/{id}")).JsonAsync();
        Assert.True(done.GetProperty("executionTime").GetInt64() >= 0);

        JsonElement first = await (await _server.Client.GetAsync($"{prefix}/stream/{id}")).JsonAsync(), second = await (await _server.Client.GetAsync($"{prefix}/stream/{id}")).JsonAsync();
        Assert.Equal(" " + RunningServer.Text, Assert.Single(first.GetProperty("stream").EnumerateArray()).GetProperty("output").GetProperty("text").GetString());
        Assert.Equal(("COMPLETED", 0), (second.GetProperty("status").GetString(), second.GetProperty("stream").GetArrayLength()));

        Assert.Equal("COMPLETED", (await PostAsync($"{prefix}/cancel/{id}", "")).GetProperty("status").GetString());
        JsonElement health = await (await _server.Client.GetAsync($"{prefix}/health")).JsonAsync();
        Assert.True(health.GetProperty("jobs").GetProperty("completed").GetInt32() > 0);
        Assert.Equal(1, health.GetProperty("workers").GetProperty("ready").GetInt32());
    }

    [Fact]
    public async Task What_waits_can_be_taken_back_at_once()
    {
        await using LoopbackHost host = new();
        await using RunningServer server = await RunningServer.StartAsync(options => options with { AllowPrivateAddresses = true, LoadEagerly = false });
        for (int i = 0; i < 3; i++)
        {
            using HttpResponseMessage accepted = await server.Client.PostAsJsonAsync("/run", new { input = new { audio_url = $"{host.Address}/never" } });
        }

        JsonElement before = await (await server.Client.GetAsync("/health")).JsonAsync();
        Assert.Equal(3, before.GetProperty("jobs").GetProperty("inQueue").GetInt32());
        JsonElement purge = await (await server.Client.PostAsync("/purge-queue", null)).JsonAsync();
        Assert.Equal((3, "completed"), (purge.GetProperty("removed").GetInt32(), purge.GetProperty("status").GetString()));
        JsonElement after = await (await server.Client.GetAsync("/health")).JsonAsync();
        Assert.Equal(0, after.GetProperty("jobs").GetProperty("inQueue").GetInt32());
    }

    [Fact]
    public async Task A_ping_needs_no_key_and_says_whether_requests_are_taken()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        await Eventually.HoldsAsync(async () => (await server.Client.GetAsync("/ping")).StatusCode == HttpStatusCode.OK);
    }

    private async Task<JsonElement> RunAsync(object input)
    {
        JsonElement answer = await PostAsync("/runsync", JsonSerializer.Serialize(new { input }));
        Assert.True(answer.GetProperty("status").GetString() == "COMPLETED", answer.ToString());
        return answer;
    }

    private async Task<JsonElement> PostAsync(string path, string json)
    {
        using HttpResponseMessage response = await _server.Client.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"));
        return await response.JsonAsync();
    }
}
