using Xunit;

namespace Handwritten.Server.Tests.OpenAi;

[Collection(OneServerForAll.Name)]
public sealed class BadRequestTests(SharedServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData("model", "gpt-9", 404, "model", "model_not_found")]
    [InlineData("language", "Klingon", 400, "language", "invalid_value")]
    [InlineData("temperature", "warm", 400, "temperature", "invalid_value")]
    [InlineData("response_format", "docx", 400, "response_format", "invalid_value")]
    [InlineData("timestamp_granularities[]", "letter", 400, "timestamp_granularities", "invalid_value")]
    [InlineData("stream", "perhaps", 400, "stream", "invalid_value")]
    [InlineData("beam_size", "0", 400, "beam_size", "invalid_value")]
    [InlineData("beam_size", "99", 400, null, "invalid_options")]
    [InlineData("beamsize", "5", 400, "beamsize", "unknown_parameter")]
    [InlineData("suppress_tokens", "999999", 400, null, "invalid_options")]
    [InlineData("prefix", "<|endoftext|>", 400, null, "invalid_options")]
    [InlineData("log_prob_threshold", "5", 400, "log_prob_threshold", "invalid_value")]
    [InlineData("vad_threshold", "0.4", 400, "vad_filter", "invalid_value")]
    [InlineData("vad_filter", "maybe", 400, "vad_filter", "invalid_value")]
    [InlineData("chunking_strategy", "none", 400, "chunking_strategy", "invalid_value")]
    [InlineData("chunk_length", "20", 400, "chunk_length", "invalid_value")]
    [InlineData("chunk_length", "31", 400, "chunk_length", "invalid_value")]
    [InlineData("batch_size", "8", 400, "batch_size", "unknown_parameter")]
    [InlineData("stride", "5", 400, "stride", "unknown_parameter")]
    [InlineData("hallucination_silence_threshold", "-1", 400, "hallucination_silence_threshold", "invalid_value")]
    public async Task A_field_that_makes_no_sense_is_named(string field, string value, int status, string? parameter, string code)
    {
        using HttpResponseMessage response = await _server.TranscribeAsync((field, value));
        (string message, string type, string? param, string? actual) = await response.ErrorAsync();
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal((parameter, code, "invalid_request_error"), (param, actual, type));
        Assert.EndsWith(".", message, StringComparison.Ordinal);
    }
}
