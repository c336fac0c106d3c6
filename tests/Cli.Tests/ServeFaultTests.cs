using System.Net;
using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>A server that the system does not give what it needs.</summary>
public sealed class ServeFaultTests : IDisposable
{
    private const int Seconds = 3 * 3600;

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [LinuxFact]
    public async Task A_recording_that_there_is_no_memory_for_harms_nobody_else()
    {
        // 150 MB of managed memory; three hours at 16 kHz take 690.
        using RunningServeCommand server = await StartAsync("export DOTNET_GCHeapHardLimit=0x9000000");
        using HttpClient client = new() { BaseAddress = new Uri(server.Address), Timeout = TimeSpan.FromMinutes(1) };
        byte[] healthy = await File.ReadAllBytesAsync(TestData.Weights("samples", "01-en.wav"));
        for (int round = 0; round < 3; round++)
        {
            Task<(HttpStatusCode Status, string Answer)> large = TranscribeAsync(client, WavBytes.Of(new byte[Seconds * 4000], rate: 4000, bits: 8));
            (HttpStatusCode Status, string Answer)[] neighbours = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => TranscribeAsync(client, healthy)));
            Assert.All(neighbours, neighbour => Assert.Equal((HttpStatusCode.OK, "Please play rock music in the garage."), neighbour));

            // Who is beside it may hold what it wants in that very moment; when it comes alone, there is no hope.
            Assert.Contains((await large).Answer, new[] { "out_of_memory", "engine_busy" });
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "out_of_memory"), await TranscribeAsync(client, WavBytes.Of(new byte[Seconds * 4000], rate: 4000, bits: 8)));
        }

        await RunningServeCommand.HoldsNothingAsync(client, _sandbox["scratch"]);
        server.Terminate(_sandbox);
    }

    [LinuxFact]
    public async Task A_recording_that_there_is_no_room_for_is_not_called_a_bad_one()
    {
        // A file may have 20 MB: to the server it looks like a full disk. (So does the file in which .NET would keep its machine code, to have it
        // writable in one place and executable in another.)
        using RunningServeCommand server = await StartAsync("export DOTNET_EnableWriteXorExecute=0; trap '' XFSZ; ulimit -f 20000");
        using HttpClient client = new() { BaseAddress = new Uri(server.Address), Timeout = TimeSpan.FromMinutes(1) };
        byte[] healthy = await File.ReadAllBytesAsync(TestData.Weights("samples", "01-en.wav"));
        Assert.Equal((HttpStatusCode.InsufficientStorage, "insufficient_storage"), await TranscribeAsync(client, new byte[30_000_000]));
        Assert.Equal((HttpStatusCode.OK, "Please play rock music in the garage."), await TranscribeAsync(client, healthy));
        await RunningServeCommand.HoldsNothingAsync(client, _sandbox["scratch"]);
        server.Terminate(_sandbox);
        Assert.Empty(Directory.GetFileSystemEntries(_sandbox["scratch"]));
    }

    /// <summary>Starts a server in a shell that has been given limits.</summary>
    private Task<RunningServeCommand> StartAsync(string limits)
    {
        string scratch = Directory.CreateDirectory(_sandbox["scratch"]).FullName;
        string model = TestData.Weights("whisper-nano");
        return RunningServeCommand.ListeningAsync(_sandbox.StartInShell(
            $"{limits}; exec \"$DOTNET\" \"$PROGRAM\" serve --port 0 --device cpu --batch-size 2 --model '{model}'", ("TMPDIR", scratch)));
    }

    /// <summary>The status, and the text or the code of the error.</summary>
    private static async Task<(HttpStatusCode Status, string Answer)> TranscribeAsync(HttpClient client, byte[] recording)
    {
        using MultipartFormDataContent form = new() { { new ByteArrayContent(recording), "file", "recording.wav" } };
        using HttpResponseMessage response = await client.PostAsync("/v1/audio/transcriptions", form);
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return (response.StatusCode, response.IsSuccessStatusCode
            ? answer.RootElement.GetProperty("text").GetString()!
            : answer.RootElement.GetProperty("error").GetProperty("code").GetString()!);
    }
}
