using System.Text;
using Handwritten.Server.Tests.Faults;
using Handwritten.Server.Tests.Jobs;
using Xunit;

namespace Handwritten.Server.Tests.Operation;

/// <summary>What is sent by OpenTelemetry's protocol. Alone, because OpenTelemetry finds meters by their name in all of the process.</summary>
[Collection(Alone.Name)]
public sealed class TelemetryTests
{
    [Fact]
    public async Task OpenTelemetrys_own_variables_say_where_traces_and_metrics_go_and_how()
    {
        await using LoopbackHost collector = new();
        await using (RunningServer server = await RunningServer.StartAsync(options => options with
        {
            Telemetry = new Dictionary<string, string?>
            {
                [ServerOptions.TelemetryEndpoint] = $"{collector.Address}/tenant",
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=sesame",
                ["OTEL_SERVICE_NAME"] = "the-name-of-the-service",
            },
        }))
        {
            await server.TranscribeAsync();
        }

        // A server that stops sends what is left.
        foreach (string path in new[] { "/tenant/v1/traces", "/tenant/v1/metrics" })
        {
            LoopbackHost.Received sent = Assert.Single(collector.Posted.DistinctBy(post => post.Path), post => post.Path == path);
            Assert.Equal(("application/x-protobuf", "sesame"), (sent.Headers["Content-Type"], sent.Headers["x-key"]));
            Assert.Contains("the-name-of-the-service", Encoding.UTF8.GetString(sent.Body), StringComparison.Ordinal);
        }
    }
}
