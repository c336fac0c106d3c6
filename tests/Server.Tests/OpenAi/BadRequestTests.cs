using System.Net;
using System.Text;
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
    [InlineData("log_prob_threshold", "low", 400, "log_prob_threshold", "invalid_value")]
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

    [Fact]
    public async Task Another_content_type_than_a_form_is_refused()
    {
        using HttpResponseMessage response = await _server.Client.PostAsync("/v1/audio/transcriptions", new StringContent("{}", Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Equal("unsupported_media_type", (await response.ErrorAsync()).Code);
    }

    [Fact]
    public async Task A_form_without_a_recording_is_refused() => await RefusedAsync(RunningServer.Form(recording: null, ("model", "whisper-1")), "missing_file");

    [Fact]
    public async Task An_empty_recording_is_refused() => await RefusedAsync(RunningServer.Form(Array.Empty<byte>()), "empty_file");

    [Fact]
    public async Task Bytes_that_are_no_recording_are_refused() => await RefusedAsync(RunningServer.Form("This is no sound at all."u8.ToArray()), "invalid_audio");

    [Fact]
    public async Task A_recording_that_is_cut_off_is_refused_as_one() =>
        await RefusedAsync(RunningServer.Form(File.ReadAllBytes(RunningServer.Recording)[..5000]), "invalid_audio");

    [Fact]
    public async Task A_playlist_that_names_another_file_is_not_followed() =>
        await RefusedAsync(RunningServer.Form(Encoding.UTF8.GetBytes($"ffconcat version 1.0\nfile '{RunningServer.Recording}'\n")), "invalid_audio");

    [Fact]
    public async Task A_form_that_ends_too_early_is_refused()
    {
        ByteArrayContent content = new("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF"u8.ToArray());
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        using HttpResponseMessage response = await _server.Client.PostAsync("/v1/audio/transcriptions", content);
        Assert.Equal((HttpStatusCode.BadRequest, "malformed_form"), (response.StatusCode, (await response.ErrorAsync()).Code));
    }

    [Fact]
    public async Task An_unknown_address_and_a_wrong_method_get_error_objects()
    {
        using HttpResponseMessage unknown = await _server.Client.GetAsync("/v1/chat/completions");
        Assert.Equal((HttpStatusCode.NotFound, "unknown_url"), (unknown.StatusCode, (await unknown.ErrorAsync()).Code));
        using HttpResponseMessage method = await _server.Client.GetAsync("/v1/audio/transcriptions");
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "method_not_allowed"), (method.StatusCode, (await method.ErrorAsync()).Code));
    }

    private async Task RefusedAsync(MultipartFormDataContent form, string code)
    {
        using HttpResponseMessage response = await _server.Client.PostAsync("/v1/audio/transcriptions", form);
        (string message, string type, string? parameter, string? actual) = await response.ErrorAsync();
        Assert.Equal((HttpStatusCode.BadRequest, code, "file"), (response.StatusCode, actual, parameter));
        Assert.Equal("invalid_request_error", type);
        Assert.DoesNotContain("handwritten-server-", message, StringComparison.Ordinal); // nothing of our files
    }
}
