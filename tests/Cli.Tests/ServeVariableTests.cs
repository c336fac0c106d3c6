using System.Net;
using System.Text.RegularExpressions;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>The environment variables that stand for options of <c>serve</c>.</summary>
public sealed partial class ServeVariableTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Every_option_has_a_variable_which_the_help_and_the_document_name()
    {
        string help = _sandbox.Handwritten("serve", "--help").Output;
        string[] options = [.. OptionOfHelp().Matches(help).Select(match => match.Groups[1].Value)];
        string[] variables = [.. VariableOfHelp().Matches(help).Select(match => match.Groups[1].Value)];
        Dictionary<string, string> others = new() { ["batch-size"] = "MODEL_BATCH_SIZE", ["otlp-endpoint"] = "OTEL_EXPORTER_OTLP_ENDPOINT", ["otlp-protocol"] = "OTEL_EXPORTER_OTLP_PROTOCOL" };
        Assert.Equal(
            options.Except(["port", "help"]).Select(option => others.GetValueOrDefault(option) ?? $"HANDWRITTEN_{option.Replace('-', '_').ToUpperInvariant()}"),
            variables);

        string document = File.ReadAllText(Path.Combine(TestData.Repository, "docs", "server.md"));
        Assert.All(options.Except(["help"]), option => Assert.Contains($"`--{option}`", document, StringComparison.Ordinal));
        Assert.All(others.Values, variable => Assert.Contains($"`{variable}`", document, StringComparison.Ordinal));
    }

    [LinuxFact]
    public async Task They_count_where_the_command_line_says_nothing()
    {
        string key = _sandbox.Handwritten("api-key", "tester", "--api-keys", "keys").Output.Trim();
        using RunningServeCommand server = await RunningServeCommand.ListeningAsync(_sandbox.StartInShell(
            "exec \"$DOTNET\" \"$PROGRAM\" serve --port 0 --host 127.0.0.1",
            ("HANDWRITTEN_MODEL", TestData.Weights("whisper-nano")), ("HANDWRITTEN_DEVICE", "cpu"), ("HANDWRITTEN_LAZY", "1"), ("HANDWRITTEN_HOST", "no.such.host"),
            ("HANDWRITTEN_API_KEYS", _sandbox["keys"]), ("HANDWRITTEN_CORS_ORIGIN", "https://a.example, https://b.example"), ("HANDWRITTEN_UNLOAD_AFTER", ""),
            ("HANDWRITTEN_PORT", "tcp://10.0.0.1:80"))); // Kubernetes sets this one where a service is called handwritten
        using HttpClient client = new() { BaseAddress = new Uri(server.Address) };
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/models")).StatusCode);
        foreach (string origin in new[] { "https://a.example", "https://b.example" })
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/models") { Headers = { { "Origin", origin }, { "Authorization", $"Bearer {key}" } } };
            using HttpResponseMessage answer = await client.SendAsync(request);
            Assert.Equal((HttpStatusCode.OK, origin), (answer.StatusCode, Assert.Single(answer.Headers.GetValues("Access-Control-Allow-Origin"))));
        }

        Assert.Contains("\"loaded\":false", await client.GetStringAsync("/health/ready"), StringComparison.Ordinal);
        server.Terminate(_sandbox);
    }

    [Theory]
    [InlineData("MODEL_BATCH_SIZE", "many", "a whole number from 1 to 1024")]
    [InlineData("HANDWRITTEN_LAZY", "perhaps", "True or False")]
    [InlineData("HANDWRITTEN_DEVICE", "abacus", "auto, cpu, cuda, cuda:N (the GPU's number, from 0) or emulated")]
    [InlineData("HANDWRITTEN_MAX_STREAMS", "0", "a whole number from 1 to 1000000")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere", "an address such as http://localhost:4317")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "grpc or http/protobuf")]
    public void What_makes_no_sense_in_one_is_told_by_its_name(string variable, string value, string expectation)
    {
        Outcome outcome = _sandbox.Handwritten([(variable, value)], "serve", "--port", "0");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains($"{variable} must be {expectation}, but it is '{value}'.", Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^  (?:[^<\n]*, )?--([a-z0-9-]+)", RegexOptions.Multiline)]
    private static partial Regex OptionOfHelp();

    [GeneratedRegex(@"\(\$([A-Z0-9_]+)\)")]
    private static partial Regex VariableOfHelp();
}
