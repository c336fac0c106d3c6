using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using Xunit;

namespace Handwritten.Server.Tests.Operation;

/// <summary>What the OpenAPI document says of answers, beside the answers.</summary>
[Collection(OneServerForAll.Name)]
public sealed class ApiDocumentTests(SharedServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData("json")]
    [InlineData("verbose_json")]
    [InlineData("json", "include[]", "logprobs")]
    [InlineData("verbose_json", "word_timestamps", "true")]
    [InlineData("verbose_json", "timestamp_granularities[]", "word")]
    public async Task A_transcription_is_what_the_document_says(string format, params string[] field)
    {
        using HttpResponseMessage answer = await _server.TranscribeAsync([("response_format", format), .. field.Chunk(2).Select(pair => (pair[0], pair[1]))]);
        await AgreesAsync("post", "/v1/audio/transcriptions", answer);
    }

    [Theory]
    [InlineData("/v1/models", "/v1/models")]
    [InlineData("/v1/models/{id}", "/v1/models/whisper-nano")]
    [InlineData("/v1/models/{id}", "/v1/models/gpt-9")]
    [InlineData("/v1/languages", "/v1/languages")]
    [InlineData("/v1/jobs", "/v1/jobs")]
    [InlineData("/v1/jobs/{id}", "/v1/jobs/nowhere")]
    [InlineData("/health/ready", "/health/ready")]
    [InlineData("/v1/stream", "/v1/stream")]
    public async Task An_answer_without_a_recording_is_what_the_document_says(string path, string address)
    {
        using HttpResponseMessage answer = await _server.Client.GetAsync(address);
        await AgreesAsync("get", path, answer);
    }

    [Fact]
    public async Task A_job_is_what_the_document_says_at_each_time()
    {
        using HttpResponseMessage accepted = await _server.Client.PostAsync("/v1/jobs", RunningServer.Form());
        Assert.Equal(System.Net.HttpStatusCode.Accepted, accepted.StatusCode);
        await AgreesAsync("post", "/v1/jobs", accepted);
        string job = accepted.Headers.Location!.ToString();
        await Eventually.HoldsAsync(async () => (await (await _server.Client.GetAsync(job)).JsonAsync()).GetProperty("status").GetString() == "succeeded");
        using HttpResponseMessage ended = await _server.Client.GetAsync(job);
        await AgreesAsync("get", "/v1/jobs/{id}", ended);
        using HttpResponseMessage result = await _server.Client.GetAsync($"{job}/result");
        await AgreesAsync("get", "/v1/jobs/{id}/result", result);
    }

    [Fact]
    public async Task A_serverless_answer_is_what_the_document_says()
    {
        string recording = Convert.ToBase64String(await File.ReadAllBytesAsync(RunningServer.Recording));
        using HttpResponseMessage done = await _server.Client.PostAsJsonAsync("/runsync", new { input = new { audio_base64 = recording } });
        await AgreesAsync("post", "/runsync", done);
    }

    [Fact]
    public async Task What_clients_send_is_described_as_well()
    {
        JsonNode document = await DocumentAsync();
        JsonNode form = Schema(document, document["paths"]!["/v1/jobs"]!["post"]!["requestBody"]!["content"]!["multipart/form-data"]!["schema"]!);
        Assert.NotNull(form["properties"]!["file"]);
        Assert.NotNull(form["properties"]!["beam_size"]);
        JsonNode body = Schema(document, document["paths"]!["/v1/jobs"]!["post"]!["requestBody"]!["content"]!["application/json"]!["schema"]!);
        Assert.Empty(body["required"]?.AsArray() ?? []);
        string[] query = [.. document["paths"]!["/v1/stream"]!["get"]!["parameters"]!.AsArray().Select(parameter => parameter!["name"]!.GetValue<string>())];
        Assert.Contains("endpoint_silence", query);
        Assert.Contains("beam_size", query);
        Assert.Equal("bearer", document["components"]!["securitySchemes"]!["key"]!["scheme"]!.GetValue<string>());
        JsonNode answers = document["paths"]!["/v1/audio/transcriptions"]!["post"]!["responses"]!["200"]!["content"]!;
        Assert.NotNull(answers["text/event-stream"]);
        Assert.NotNull(answers["text/plain"]);
    }

    private async Task<JsonNode> DocumentAsync() => JsonNode.Parse(await _server.Client.GetStringAsync("/openapi/v1.json"))!;

    private async Task AgreesAsync(string method, string path, HttpResponseMessage answer)
    {
        JsonNode document = await DocumentAsync();
        JsonNode response = document["paths"]![path]![method]!["responses"]![((int)answer.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture)]!;
        JsonNode described = response["content"]!["application/json"]!["schema"]!.DeepClone();
        JsonObject whole = new() { ["$defs"] = document["components"]!["schemas"]!.DeepClone(), ["allOf"] = new JsonArray(described) };
        JsonSchema schema = JsonSchema.FromText(whole.ToJsonString().Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal));
        EvaluationResults results = schema.Evaluate(JsonNode.Parse(await answer.Content.ReadAsStringAsync()), new EvaluationOptions { OutputFormat = OutputFormat.List });
        Assert.True(results.IsValid, string.Join('\n', results.Details.Where(detail => detail.HasErrors).Select(detail => $"{detail.InstanceLocation}: {JsonSerializer.Serialize(detail.Errors)}")));
    }

    private static JsonNode Schema(JsonNode document, JsonNode schema) => schema["$ref"] is { } reference
        ? document["components"]!["schemas"]![reference.GetValue<string>().Split('/')[^1]]!
        : schema;
}
