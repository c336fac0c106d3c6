using System.Globalization;
using System.Net;
using System.Text;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Jobs;
using Handwritten.Server.Tests.Faults;
using Handwritten.Server.Uploads;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Handwritten.Server.Tests.Uploads;

/// <summary>
/// Recordings on their way to the engine: whom they let wait, and what they may take. Alone, because the servers of one process are
/// measured together.
/// </summary>
[Collection(Alone.Name)]
public sealed class DecodingTests
{
    private const int Budget = 64 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_short_recording_does_not_wait_for_long_ones_and_what_waits_is_counted()
    {
        await using RunningServer server = await StartAsync();
        DecodingTurns turns = server.Services.GetRequiredService<DecodingTurns>();
        IDisposable first = await turns.TakeAsync(RequestPriority.Interactive, "other", isLong: true, bytes: 0, CancellationToken.None);
        Task<HttpResponseMessage> minutes = server.Client.PostAsync("/v1/audio/transcriptions", RunningServer.Form(Silence(seconds: 301)));

        // Nobody sees in its 2 MB that it is long; it begins as a short one, and waits as a long one.
        await Eventually.HoldsAsync(async () => await WaitingAsync(server) == 1);
        using HttpResponseMessage command = await server.TranscribeAsync();
        Assert.Equal(RunningServer.Text, (await command.JsonAsync()).GetProperty("text").GetString());
        Assert.False(minutes.IsCompleted);
        first.Dispose();
        Assert.Equal(HttpStatusCode.OK, (await minutes).StatusCode);
        Assert.Equal(0, await WaitingAsync(server));
    }

    [Fact]
    public async Task The_time_before_decoding_is_time_in_the_queue()
    {
        await using RunningServer server = await StartAsync();
        DecodingTurns turns = server.Services.GetRequiredService<DecodingTurns>();
        IDisposable[] all = [await TakeAsync(), await TakeAsync()];
        Task<HttpResponseMessage> answer = server.TranscribeAsync();
        await Eventually.HoldsAsync(async () => await WaitingAsync(server) == 1);
        await Task.Delay(1100);
        Array.ForEach(all, turn => turn.Dispose());
        Assert.Equal(HttpStatusCode.OK, (await answer).StatusCode);
        Assert.InRange(await MetricAsync(server, "handwritten_queue_time_seconds_sum"), 1, 100);

        Task<IDisposable> TakeAsync() => turns.TakeAsync(RequestPriority.Interactive, "other", isLong: false, bytes: 0, CancellationToken.None);
    }

    [Fact]
    public async Task More_recordings_than_may_wait_are_told_when_to_come_back()
    {
        await using RunningServer server = await StartAsync(options => options with { Models = [RunningServer.DemoModel(new EngineOptions { Windows = 2, Lanes = 8, MaxRequestsPerClient = 1 })] });
        DecodingTurns turns = server.Services.GetRequiredService<DecodingTurns>();
        IDisposable[] all = [await TakeAsync(), await TakeAsync()];
        Task<HttpResponseMessage> waiting = server.TranscribeAsync();
        await Eventually.HoldsAsync(async () => await WaitingAsync(server) == 1);
        using HttpResponseMessage refused = await server.TranscribeAsync();
        Assert.Equal((HttpStatusCode.TooManyRequests, "engine_busy"), (refused.StatusCode, (await refused.ErrorAsync()).Code));
        Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        Array.ForEach(all, turn => turn.Dispose());
        Assert.Equal(HttpStatusCode.OK, (await waiting).StatusCode);

        Task<IDisposable> TakeAsync() => turns.TakeAsync(RequestPriority.Interactive, "other", isLong: false, bytes: 0, CancellationToken.None);
    }

    [Fact]
    public async Task A_recording_that_blows_up_beyond_the_memory_is_refused_and_leaves_nothing()
    {
        await using RunningServer server = await StartAsync();
        using HttpResponseMessage response = await server.Client.PostAsync("/v1/audio/transcriptions", RunningServer.Form(Silence(seconds: 1000)));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "out_of_memory"), (response.StatusCode, (await response.ErrorAsync()).Code));
        await server.IsUnharmedAsync();
        Assert.Equal(0, server.Services.GetRequiredService<SoundMemory>().Held);
    }

    [Fact]
    public async Task While_others_have_the_memory_clients_are_told_to_come_back_and_jobs_wait()
    {
        await using RunningServer server = await StartAsync();
        SoundMemory memory = server.Services.GetRequiredService<SoundMemory>();
        SoundMemory.Share others = memory.Open(), more = memory.Open();
        others.Grow(Budget * 7L / 8 / SoundMemory.BytesPerSample);
        more.Grow(Budget / 8 / SoundMemory.BytesPerSample);
        using HttpResponseMessage refused = await server.TranscribeAsync();
        Assert.Equal((HttpStatusCode.TooManyRequests, "engine_busy"), (refused.StatusCode, (await refused.ErrorAsync()).Code));
        Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        Assert.Equal(Budget, await MetricAsync(server, "handwritten_decoded_bytes"));

        Job job = await HandInAsync(server, File.ReadAllBytes(RunningServer.Recording));
        Assert.False(await job.Decoding.WaitAsync(Patience));
        others.Dispose();
        more.Dispose();
        await job.Ended.WaitAsync(Patience);
        Assert.Equal(JobStatus.Succeeded, job.Status);
        await server.IsUnharmedAsync();
        Assert.Equal(0, memory.Held);
    }

    [Fact]
    public async Task A_job_that_waits_for_memory_lets_others_pass()
    {
        await using RunningServer server = await StartAsync();
        SoundMemory.Share others = server.Services.GetRequiredService<SoundMemory>().Open();
        others.Grow(Budget * 7L / 8 / SoundMemory.BytesPerSample);
        Job[] minutes = [await HandInAsync(server, Silence(seconds: 301)), await HandInAsync(server, Silence(seconds: 302))];
        Assert.All(await Task.WhenAll(minutes.Select(job => job.Decoding)).WaitAsync(Patience), Assert.False);

        // A client has one place, which neither of them keeps.
        Job[] commands = [await HandInAsync(server, File.ReadAllBytes(RunningServer.Recording)), await HandInAsync(server, File.ReadAllBytes(RunningServer.Recording))];
        await Task.WhenAll(commands.Select(job => job.Ended)).WaitAsync(Patience);
        Assert.All(commands, job => Assert.Equal(JobStatus.Succeeded, job.Status));
        Assert.All(minutes, job => Assert.False(job.HasEnded));

        others.Dispose();
        await Task.WhenAll(minutes.Select(job => job.Ended)).WaitAsync(Patience);
        Assert.All(minutes, job => Assert.Equal(JobStatus.Succeeded, job.Status));
    }

    [Fact]
    public async Task A_job_that_waits_for_memory_is_handed_back_by_a_stop()
    {
        await using RunningServer server = await StartAsync();
        SoundMemory memory = server.Services.GetRequiredService<SoundMemory>();
        using SoundMemory.Share others = memory.Open();
        others.Grow(Budget * 7L / 8 / SoundMemory.BytesPerSample);
        Job job = await HandInAsync(server, Silence(seconds: 301));
        Assert.False(await job.Decoding.WaitAsync(Patience));
        await server.StopAsync();
        Assert.Equal((JobStatus.Failed, "shutting_down"), (job.Status, job.Error?.Code));
    }

    [Fact]
    public async Task Many_bombs_at_once_stay_within_the_memory()
    {
        await using RunningServer server = await StartAsync();
        SoundMemory memory = server.Services.GetRequiredService<SoundMemory>();
        byte[] bomb = Silence(seconds: 430); // two of them are too much
        Task<HttpResponseMessage[]> answers = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => server.Client.PostAsync("/v1/audio/transcriptions", RunningServer.Form(bomb))));
        while (!answers.IsCompleted)
        {
            Assert.InRange(memory.Held, 0, Budget);
            await Task.Delay(5);
        }

        Assert.Contains(await answers, answer => answer.StatusCode == HttpStatusCode.OK);
        Assert.All(await answers, answer => Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.TooManyRequests));
        await server.IsUnharmedAsync();
        Assert.Equal(0, memory.Held);
    }

    /// <summary>Hands in a job for which nobody waits.</summary>
    private static async Task<Job> HandInAsync(RunningServer server, byte[] recording)
    {
        using HttpResponseMessage accepted = await server.Client.PostAsync("/v1/jobs", RunningServer.Form(recording));
        return server.Services.GetRequiredService<JobStore>().Find((await accepted.JsonAsync()).GetProperty("id").GetString()!, "127.0.0.1");
    }

    private static Task<RunningServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null) => RunningServer.StartAsync(options =>
    {
        options = options with { MaximumDecodedBytes = Budget, DecodingProcesses = 2 };
        return change?.Invoke(options) ?? options;
    });

    private static Task<double> WaitingAsync(RunningServer server) => MetricAsync(server, "handwritten_queue_depth", "stage=\"decoding\"", "priority=\"Interactive\"");

    /// <summary>The value of a metric.</summary>
    private static async Task<double> MetricAsync(RunningServer server, string name, params string[] tags)
    {
        string metrics = await server.Client.GetStringAsync("/metrics");
        string line = metrics.Split('\n').Single(line => line.StartsWith($"{name}{{", StringComparison.Ordinal) && tags.All(tag => line.Contains(tag, StringComparison.Ordinal)));
        return double.Parse(line[(line.LastIndexOf('}') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture);
    }

    /// <summary>A WAV file of so many seconds without a sound: 8 kHz, 8 bits.</summary>
    private static byte[] Silence(int seconds)
    {
        const int rate = 8000;
        byte[] sound = new byte[seconds * rate];
        Array.Fill(sound, (byte)0x80);
        using MemoryStream file = new();
        using BinaryWriter writer = new(file, Encoding.ASCII);
        writer.Write("RIFF"u8);
        writer.Write(36 + sound.Length);
        writer.Write("WAVEfmt "u8);
        writer.Write(16);
        writer.Write((short)1);
        writer.Write((short)1);
        writer.Write(rate);
        writer.Write(rate);
        writer.Write((short)1);
        writer.Write((short)8);
        writer.Write("data"u8);
        writer.Write(sound.Length);
        writer.Write(sound);
        return file.ToArray();
    }
}
