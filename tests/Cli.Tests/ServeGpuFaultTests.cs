using System.Net;
using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>A server on an emulated GPU with too little memory: for what it is started with, and for what it is asked.</summary>
public sealed class ServeGpuFaultTests : IDisposable
{
    private const string Text = "Please play rock music in the garage.";

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [LinuxFact]
    public async Task A_recording_that_the_card_has_no_memory_for_is_told_so_and_the_server_serves_on()
    {
        // Beside the engine there are some 250 MB. Two hours of samples take 460.
        using RunningServeCommand server = await StartAsync("t4:350MB", "--batch-size 1 --lanes 2");
        using HttpClient client = new() { BaseAddress = new Uri(server.Address), Timeout = TimeSpan.FromMinutes(5) };
        byte[] healthy = await File.ReadAllBytesAsync(TestData.Weights("samples", "01-en.wav")), large = WavBytes.Of(new byte[2 * 3600 * 4000], rate: 4000, bits: 8);
        for (int round = 0; round < 2; round++)
        {
            Task<Answer> refused = TranscribeAsync(client, large), neighbour = TranscribeAsync(client, healthy);
            Assert.Equal(new Answer(HttpStatusCode.ServiceUnavailable, "out_of_memory", TriesAgain: true), await refused);
            Assert.Equal(new Answer(HttpStatusCode.OK, Text, TriesAgain: false), await neighbour);
        }

        Assert.Equal("ready", await StatusAsync(client)); // without having been opened anew
        Assert.Equal(new Answer(HttpStatusCode.OK, Text, TriesAgain: false), await TranscribeAsync(client, healthy));
        await RunningServeCommand.HoldsNothingAsync(client);
        server.Terminate(_sandbox);
    }

    [LinuxFact]
    public async Task A_device_that_fails_in_the_middle_of_a_request_is_opened_anew_by_the_next_one()
    {
        // The driver ends a launch that takes too long, and with it the context, as a GPU's watchdog does: ten minutes are too much at once.
        using RunningServeCommand server = await StartAsync("t4:350MB", "--batch-size 1 --lanes 2", ("HANDWRITTEN_EMULATOR_LIMIT", "60000000"));
        using HttpClient client = new() { BaseAddress = new Uri(server.Address), Timeout = TimeSpan.FromMinutes(5) };
        byte[] healthy = await File.ReadAllBytesAsync(TestData.Weights("samples", "01-en.wav")), tenMinutes = WavBytes.Of(new byte[600 * 4000], rate: 4000, bits: 8);
        for (int round = 0; round < 2; round++)
        {
            Assert.Equal(new Answer(HttpStatusCode.OK, Text, TriesAgain: false), await TranscribeAsync(client, healthy));
            Assert.Equal(new Answer(HttpStatusCode.ServiceUnavailable, "device_failed", TriesAgain: true), await TranscribeAsync(client, tenMinutes));
        }

        Assert.Equal(new Answer(HttpStatusCode.OK, Text, TriesAgain: false), await TranscribeAsync(client, healthy));
        Assert.Equal("ready", await StatusAsync(client));
        await RunningServeCommand.HoldsNothingAsync(client);
        server.Terminate(_sandbox);
    }

    [LinuxFact]
    public async Task A_batch_that_the_card_has_no_memory_for_is_told_by_the_readiness_and_by_each_request_and_the_process_stays()
    {
        using RunningServeCommand server = await StartAsync("t4:350MB", "--batch-size 256");
        using HttpClient client = new() { BaseAddress = new Uri(server.Address), Timeout = TimeSpan.FromMinutes(5) };
        byte[] healthy = await File.ReadAllBytesAsync(TestData.Weights("samples", "01-en.wav"));
        Assert.Equal(new Answer(HttpStatusCode.ServiceUnavailable, "out_of_memory", TriesAgain: true), await TranscribeAsync(client, healthy));
        Assert.Equal("failed", await StatusAsync(client));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live")).StatusCode);
        server.Terminate(_sandbox);
    }

    private Task<RunningServeCommand> StartAsync(string card, string options, params (string, string?)[] environment) => RunningServeCommand.ListeningAsync(_sandbox.StartInShell(
        $"exec \"$DOTNET\" \"$PROGRAM\" serve --port 0 --device emulated --model '{TestData.Weights("whisper-nano")}' {options}",
        [.. EmulatedGpu.Environment, ("HANDWRITTEN_EMULATOR_DEVICE", card), .. environment]));

    private static async Task<string?> StatusAsync(HttpClient client)
    {
        using JsonDocument health = JsonDocument.Parse(await (await client.GetAsync("/health/ready")).Content.ReadAsStringAsync());
        return health.RootElement.GetProperty("status").GetString();
    }

    private static async Task<Answer> TranscribeAsync(HttpClient client, byte[] recording)
    {
        using MultipartFormDataContent form = new() { { new ByteArrayContent(recording), "file", "recording.wav" }, { new StringContent("en"), "language" }, { new StringContent("0"), "temperature" } };
        using HttpResponseMessage response = await client.PostAsync("/v1/audio/transcriptions", form);
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return new Answer(
            response.StatusCode,
            response.IsSuccessStatusCode ? answer.RootElement.GetProperty("text").GetString() : answer.RootElement.GetProperty("error").GetProperty("code").GetString(),
            response.Headers.RetryAfter?.Delta > TimeSpan.Zero);
    }

    /// <summary>What a client is told: the text, or the code of the error.</summary>
    private sealed record Answer(HttpStatusCode Status, string? Said, bool TriesAgain);
}
