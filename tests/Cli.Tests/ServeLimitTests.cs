using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Handwritten.Server;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What bounds a server: options of <c>serve</c>, and environment variables for containers.</summary>
public sealed class ServeLimitTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Every_limit_is_an_option_and_a_variable_of_the_same_name()
    {
        string help = string.Join(' ', _sandbox.Handwritten("serve", "--help").Output.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        string[] limits =
        [
            "max-requests", "max-requests-per-client", "requests-per-minute", "max-upload-mb", "max-audio-minutes", "slow-client-seconds", "connection-idle-seconds",
            "decoding-seconds", "decoding-memory-mb", "decoding-processes", "max-decoded-mb", "max-streams", "max-streams-per-client", "stream-idle-seconds", "max-jobs",
            "max-jobs-per-client", "max-fetches", "keep-jobs-minutes",
        ];
        string document = File.ReadAllText(Path.Combine(TestData.Repository, "docs", "server.md"));
        Assert.All(limits, limit =>
        {
            Assert.Contains($"--{limit} ", help, StringComparison.Ordinal);
            Assert.Contains($"${Variable(limit)}", help, StringComparison.Ordinal);
            Assert.Contains($"`--{limit}`", document, StringComparison.Ordinal);
        });

        // A limit that is added to the server is added here as well.
        int ofServer = typeof(ServerOptions).GetProperties().Count(property =>
            property.Name.StartsWith("Maximum", StringComparison.Ordinal) || property.Name.StartsWith("Decoding", StringComparison.Ordinal)
            || property.Name is "RequestsPerMinute" or "JobRetention" || property.Name.EndsWith("Timeout", StringComparison.Ordinal) && !property.Name.StartsWith("Decoding", StringComparison.Ordinal));
        Assert.Equal(limits.Length - 2 + 1, ofServer); // two are the engine's, and --shutdown-seconds is no limit of a client
    }

    [Theory]
    [InlineData("slow-client-seconds", "1", "a number from 2 to 86400")]
    [InlineData("connection-idle-seconds", "soon", "a number from 1 to 86400")]
    [InlineData("max-streams", "0", "a whole number from 1 to 1000000")]
    [InlineData("stream-idle-seconds", "-5", "a number from 1 to 86400")]
    [InlineData("decoding-memory-mb", "64", "a whole number from 256 to 1000000")]
    [InlineData("keep-jobs-minutes", "NaN", "a number from 0.01 to 43200")]
    public void A_value_that_makes_no_sense_is_told_in_a_sentence(string limit, string value, string expectation)
    {
        Outcome option = _sandbox.Handwritten("serve", "--port", "0", $"--{limit}={value}"), variable = _sandbox.Handwritten([(Variable(limit), value)], "serve", "--port", "0");
        foreach ((string name, Outcome outcome) in new[] { ($"--{limit}", option), (Variable(limit), variable) })
        {
            Assert.Equal(2, outcome.ExitCode);
            Assert.Contains($"{name} must be {expectation}, but it is '{value}'.", Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
        }
    }

    [LinuxFact]
    public async Task Options_and_variables_count_and_options_more()
    {
        using RunningServeCommand server = await RunningServeCommand.ListeningAsync(_sandbox.StartInShell(
            $"exec \"$DOTNET\" \"$PROGRAM\" serve --port 0 --device cpu --lazy --model '{TestData.Weights("whisper-nano")}' --connection-idle-seconds 2 --max-streams 1",
            (Variable("slow-client-seconds"), "2"), (Variable("stream-idle-seconds"), "2"), (Variable("max-streams"), "64")));
        Uri address = new(server.Address);
        Stopwatch watch = Stopwatch.StartNew();

        // Whoever says nothing, and whoever says it too slowly.
        using TcpClient silent = new(address.Host, address.Port), slow = new(address.Host, address.Port);
        await slow.GetStream().WriteAsync("GET /v1/models HTTP/1.1\r\n"u8.ToArray());
        using ClientWebSocket stream = new(), second = new() { Options = { CollectHttpResponseDetails = true } };
        await stream.ConnectAsync(new Uri($"ws://{address.Authority}/v1/stream"), CancellationToken.None);
        await Assert.ThrowsAsync<WebSocketException>(() => second.ConnectAsync(new Uri($"ws://{address.Authority}/v1/stream"), CancellationToken.None));
        Assert.Equal(HttpStatusCode.TooManyRequests, second.HttpStatusCode);

        Assert.Equal("", await ToEndAsync(silent));
        Assert.StartsWith("HTTP/1.1 408 ", await ToEndAsync(slow), StringComparison.Ordinal);
        StringBuilder told = new();
        byte[] buffer = new byte[4096];
        WebSocketReceiveResult received;
        while ((received = await stream.ReceiveAsync(buffer, CancellationToken.None)).MessageType != WebSocketMessageType.Close)
        {
            told.Append(Encoding.UTF8.GetString(buffer, 0, received.Count));
        }

        Assert.Contains("\"stream_idle\"", told.ToString(), StringComparison.Ordinal);
        Assert.InRange(watch.Elapsed.TotalSeconds, 2, 60); // and not after the usual 130
        server.Terminate(_sandbox);
    }

    private static string Variable(string limit) => $"HANDWRITTEN_{limit.Replace('-', '_').ToUpperInvariant()}";

    private static async Task<string> ToEndAsync(TcpClient client)
    {
        using StreamReader reader = new(client.GetStream());
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(1));
    }
}
