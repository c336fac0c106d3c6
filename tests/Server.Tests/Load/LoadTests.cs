using System.Text.Json;
using Handwritten.Load;
using Xunit;

namespace Handwritten.Server.Tests.Load;

/// <summary>The load tests of tools/load, each for some seconds: what they find is judged where it does not hang on the machine's speed.</summary>
[Collection(nameof(ServersUnderLoad))]
public sealed class LoadTests : IDisposable
{
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromMinutes(10));

    public void Dispose() => _patience.Dispose();

    [Fact]
    public async Task Clients_at_the_same_time_share_steps_and_get_the_texts_that_their_recordings_have_alone()
    {
        Throughput found = await Throughput.MeasureAsync([1, 8], requests: 48, _patience.Token);
        Assert.Null(found.Failure);
        Assert.Equal((1, 1), (found.Rows[0].TextsPerStep, found.Rows[0].WindowsPerPass));
        Assert.InRange(found.Rows[1].TextsPerStep, 1.5, 8);
        Assert.All(found.Rows, row => Assert.True(row.P50 <= row.P95 && row.P95 <= row.P99));
    }

    [Fact]
    public async Task Batching_changes_no_text()
    {
        BatchingGain found = await BatchingGain.MeasureAsync(clients: 2, turns: 1, requests: 4, _patience.Token);
        Assert.Null(found.Failure);
        Assert.All(found.Rows, row => Assert.True(row.On.Throughput > 0 && row.Off.Throughput > 0 && row.Plain.Throughput > 0));
    }

    [Fact]
    public void What_batching_can_gain_is_bounded_by_what_is_not_shared()
    {
        Assert.Equal((1.5, 2.0), (new BoundRow("", 0.002, 0.001, 0).Gain(1), new BoundRow("", 0, 0.004, 0.002).Gain(100)));
        BoundRow demo = Assert.Single(BatchingBound.Measure([], _patience.Token).Rows);
        Assert.True(demo.Listening > demo.StepAlone && demo.StepAlone > 0 && demo.StepTogether > 0);
    }

    [Fact]
    public async Task Short_requests_leave_the_servers_memory_flat()
    {
        RequestMemory found = await RequestMemory.MeasureAsync(clients: 4, requests: 600, _patience.Token);
        Assert.Equal(0, found.WrongTexts);
        AssertFlat(found.Memory); // were the samples kept, it would be 120 MB
    }

    [Fact]
    public async Task Forty_minutes_of_streamed_sound_leave_the_servers_memory_flat()
    {
        StreamMemory found = await StreamMemory.MeasureAsync(audioSeconds: 40 * 60, _patience.Token);
        Assert.True(found.SentencesHeard >= found.Sentences, $"{found.SentencesHeard} of {found.Sentences} sentences");
        AssertFlat(found.Memory); // were the samples kept, it would be 150 MB
    }

    [Fact]
    public async Task What_is_spoken_at_real_speed_is_heard()
    {
        LiveLatency found = await LiveLatency.MeasureAsync(sentences: 2, otherClients: 2, _patience.Token);
        Assert.Null(found.Failure);
        Assert.All(found.Sentences, sentence => Assert.True(sentence.AllWords <= sentence.Final));
    }

    [Fact]
    public async Task Healthy_clients_are_served_right_among_faulty_ones_who_leave_nothing_behind()
    {
        FaultStorm found = await FaultStorm.MeasureAsync(seed: 1, clients: 6, requests: 120, _patience.Token);
        Assert.Null(found.Failure);
        Assert.Equal(Enum.GetValues<Deed>(), found.Deeds.Keys.Order()); // every kind was there
        Assert.Equal(120, found.Deeds.Values.Sum());
    }

    [Fact]
    public void A_report_is_a_table_in_Markdown_and_JSON_and_fails_with_what_it_reports()
    {
        Growth growth = Growth.Of([.. Enumerable.Range(0, Growth.Samples).Select(i => 100_000_000L + (i * 1_000_000L))]);
        RequestMemory found = new(Clients: 8, Requests: 1000, Seconds: 2, growth, WrongTexts: 0);
        StringWriter output = new();
        string json = Path.GetTempFileName();
        Report report = new(output);
        report.Add(found);
        Assert.Equal(1, report.End(new FileInfo(json)));
        Assert.Contains("| 1000 | 2 | 124 | 194 | 56.5 % | 199 |", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("FAILED: The resident memory grew by 56.5 %.", output.ToString(), StringComparison.Ordinal);
        using JsonDocument written = JsonDocument.Parse(File.ReadAllText(json));
        Assert.Equal(194_000_000, written.RootElement.GetProperty("findings")[0].GetProperty("memory").GetProperty("lastBytes").GetInt64());
        File.Delete(json);
    }

    /// <summary>In so short a time the garbage collector may still be finding out how much room it wants.</summary>
    private static void AssertFlat(Growth memory) => Assert.InRange(memory.LastBytes - memory.WarmedUpBytes, long.MinValue, 80_000_000);
}

/// <summary>Servers that are measured have the machine to themselves, as far as these tests are concerned.</summary>
[CollectionDefinition(nameof(ServersUnderLoad), DisableParallelization = true)]
public sealed class ServersUnderLoad;
