using System.Net;
using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>Back ends that fail in the middle of a request, at each kind of work that the engine does.</summary>
public sealed class DeviceFaultTests
{
    private static readonly Dictionary<string, Func<Exception>> Causes = new()
    {
        ["GPU memory"] = () => new GpuException("The GPU has too little memory.") { IsOutOfMemory = true },
        ["memory"] = () => new InsufficientMemoryException(),
        ["lost device"] = () => new GpuException("The GPU failed in mid-run.") { IsDeviceLost = true },
        ["mistake"] = () => new InvalidOperationException("A secret of the inside."),
    };

    public static TheoryData<string, string, int, string> Faults
    {
        get
        {
            TheoryData<string, string, int, string> faults = [];
            foreach (string operation in new[] { "LogMel", "Conv1dGelu", "Embed", "FollowChoice", "TopTokens", "CrossAttentionWeights" })
            {
                faults.Add(operation, "GPU memory", 503, "out_of_memory");
                faults.Add(operation, "lost device", 503, "device_failed");
            }

            faults.Add("Embed", "memory", 503, "out_of_memory");
            faults.Add("Embed", "mistake", 500, "internal_error");
            return faults;
        }
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_fault_in_the_middle_of_a_request_is_told_and_the_next_one_is_served(string operation, string cause, int status, string code)
    {
        FaultyDevice device = new();
        await using RunningServer server = await RunningServer.StartAsync(options => options with { Models = [device.Model] });
        await server.IsUnharmedAsync();
        device.FailNext(operation, Causes[cause]);
        (string, string)[] fields = operation switch
        {
            "TopTokens" => [("beam_size", "2")],
            "CrossAttentionWeights" => [("word_timestamps", "true")],
            _ => [],
        };
        using HttpResponseMessage response = await server.TranscribeAsync(fields);
        (string message, string type, _, string? actual) = await response.ErrorAsync();
        Assert.Equal((status, code, "server_error"), ((int)response.StatusCode, actual, type));
        Assert.Equal(status == 503, response.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
        await server.IsUnharmedAsync();

        // Only what is lost is opened again, and then the old one has left before.
        Assert.Equal((cause == "lost device" ? 2 : 1, 1), (device.TimesOpened, device.MostAtOnce));
    }

    [Fact]
    public async Task A_fault_of_one_request_is_nothing_to_its_neighbours()
    {
        FaultyDevice device = new();
        await using RunningServer server = await RunningServer.StartAsync(options => options with { Models = [device.Model] });
        await server.IsUnharmedAsync();
        device.FailNext("LogMel", Causes["GPU memory"]);
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.TranscribeAsync()));
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable);
        foreach (HttpResponseMessage answer in answers.Where(answer => answer.IsSuccessStatusCode))
        {
            Assert.Equal(RunningServer.Text, (await answer.JsonAsync()).GetProperty("text").GetString());
        }

        Assert.Equal(7, answers.Count(answer => answer.IsSuccessStatusCode));
        await server.IsUnharmedAsync();
    }

    [Fact]
    public async Task A_device_that_is_lost_takes_all_requests_with_it_and_a_fresh_one_takes_those_that_follow()
    {
        FaultyDevice device = new();
        await using RunningServer server = await RunningServer.StartAsync(options => options with { Models = [device.Model] });
        await server.IsUnharmedAsync();
        device.FailNext("Conv1dGelu", Causes["lost device"]);
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.TranscribeAsync()));
        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable);
        Assert.All(answers, answer => Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable }));
        await server.IsUnharmedAsync();
        Assert.Equal((2, 1), (device.TimesOpened, device.MostAtOnce));
    }

    [Fact]
    public async Task A_fault_in_the_middle_of_a_stream_of_events_is_its_last_event()
    {
        FaultyDevice device = new();
        await using RunningServer server = await RunningServer.StartAsync(options => options with { Models = [device.Model] });
        await server.IsUnharmedAsync();
        byte[] minutes = await File.ReadAllBytesAsync(Handwritten.Tests.TestData.Path("audio", "long-en.wav"));
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/audio/transcriptions") { Content = RunningServer.Form(minutes, ("stream", "true")) };
        using HttpResponseMessage response = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode); // a segment is there
        device.FailNext("Conv1dGelu", Causes["GPU memory"]);
        string last = (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1];
        using System.Text.Json.JsonDocument error = System.Text.Json.JsonDocument.Parse(last["data: ".Length..]);
        Assert.Equal(("error", "out_of_memory"), (error.RootElement.GetProperty("type").GetString(), error.RootElement.GetProperty("error").GetProperty("code").GetString()));
        await server.IsUnharmedAsync();
    }
}
