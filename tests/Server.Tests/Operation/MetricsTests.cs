using System.Text.Json;
using Handwritten.Server.Tests.Faults;
using Handwritten.Server.Tests.Live;
using Xunit;

namespace Handwritten.Server.Tests.Operation;

/// <summary>
/// What Prometheus and the log learn. Alone, because OpenTelemetry finds meters by their name in all of the process: of several servers
/// there each hears the others, and those that end take instruments along.
/// </summary>
[Collection(Alone.Name)]
public sealed class MetricsTests
{
    [Fact]
    public async Task They_count_what_was_done_in_the_format_of_prometheus()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        await server.TranscribeAsync();
        string metrics = "";
        await Eventually.HoldsAsync(async () => // a request is counted when its answer is on its way
        {
            metrics = await server.Client.GetStringAsync("/metrics");
            return metrics.Contains("http_server_request_duration_seconds_count", StringComparison.Ordinal);
        });
        foreach (string name in new[] { "handwritten_queue_depth", "handwritten_queue_time_seconds_bucket", "handwritten_audio_seconds_total", "handwritten_tokens_total", "handwritten_decoder_rows_total" })
        {
            Assert.Contains(name, metrics, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("garage", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_and_working_are_told_apart_below_a_second()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        await server.TranscribeAsync();
        string metrics = await server.Client.GetStringAsync("/metrics");
        foreach (string name in new[] { "handwritten_queue_time_seconds_bucket", "handwritten_transcription_time_seconds_bucket" })
        {
            string[] buckets = [.. metrics.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal))];
            Assert.Contains(buckets, line => line.Contains("le=\"0.03\"", StringComparison.Ordinal));
            Assert.Contains(buckets, line => line.Contains("le=\"0.3\"", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Live_streams_are_measured_and_logged_and_their_text_only_where_it_was_asked_for()
    {
        await using RunningServer silent = await RunningServer.StartAsync();
        await SpeakAsync(silent);
        string metrics = await silent.Client.GetStringAsync("/metrics");
        Assert.Contains(metrics.Split('\n'), line => line.StartsWith("handwritten_audio_seconds_total{", StringComparison.Ordinal) && line.Contains("priority=\"Live\"", StringComparison.Ordinal));
        Assert.Contains(metrics.Split('\n'), line => line.StartsWith("handwritten_transcription_time_seconds_count{", StringComparison.Ordinal) && line.Contains("priority=\"Live\"", StringComparison.Ordinal));
        await Eventually.HoldsAsync(() => Task.FromResult(silent.Log.Contains("s of live sound (en) by whisper-nano, sentences: 1", StringComparison.Ordinal)));
        Assert.DoesNotContain("rock music", silent.Log, StringComparison.Ordinal);

        await using RunningServer talkative = await RunningServer.StartAsync(options => options with { LogTranscripts = true });
        await SpeakAsync(talkative);
        await Eventually.HoldsAsync(() => Task.FromResult(talkative.Log.Contains("rock music", StringComparison.Ordinal)));

        static async Task SpeakAsync(RunningServer server)
        {
            using StreamOfTest stream = await StreamOfTest.OpenAsync(server, "language=en");
            Task<IReadOnlyList<JsonElement>> heard = stream.ReadToEndAsync();
            await stream.SendAsync(StreamOfTest.Sound(16_000, "pcm16"), 3200);
            await stream.SendTextAsync("{\"type\":\"end\"}");
            await heard;
        }
    }
}
