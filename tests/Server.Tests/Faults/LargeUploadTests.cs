using System.Diagnostics;
using System.Net;
using System.Text;
using Handwritten.Server.Uploads;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>Two gigabytes, in every way that they can come, and small files that claim to be as much; while nothing else in the process takes memory.</summary>
[Collection(Alone.Name)]
public sealed class LargeUploadTests
{
    private const long Upload = 2L << 30;
    private const int Limit = 64 << 20;

    [Theory]
    [InlineData("Content-Length: 2147483648")]
    [InlineData("Transfer-Encoding: chunked")]
    public async Task Two_gigabytes_are_refused_without_being_read_or_kept(string length)
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumUploadBytes = Limit });
        await server.TranscribeAsync();
        string scratch = server.Services.GetRequiredService<Scratch>().Folder;
        using Process process = Process.GetCurrentProcess();
        long before = process.WorkingSet64, mostDisk = 0, mostMemory = 0;

        using RawClient client = await RawClient.ConnectAsync(server.Address);
        await client.SendFormHeadAsync(length);
        Task<(HttpStatusCode Status, string? Code)> answer = client.ReadAnswerAsync(TimeSpan.FromMinutes(1));
        bool isChunked = length.EndsWith("chunked", StringComparison.Ordinal);
        byte[] head = Encoding.ASCII.GetBytes(RawClient.FileHead), piece = new byte[1 << 20];
        await client.SendAsync(isChunked ? Chunk(head) : head);
        byte[] next = isChunked ? Chunk(piece) : piece;
        long sent = 0;
        for (long one = next.Length; !answer.IsCompleted && one == next.Length && sent < Upload; sent += one)
        {
            one = await client.FloodAsync(next, next.Length, TimeSpan.FromSeconds(30));
            process.Refresh();
            mostMemory = Math.Max(mostMemory, process.WorkingSet64 - before);
            mostDisk = Math.Max(mostDisk, Directory.GetFiles(scratch).Sum(file => new FileInfo(file).Length));
        }

        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "request_too_large"), await answer);
        Assert.InRange(sent, 0, 4L * Limit);
        Assert.InRange(mostDisk, 0, Limit);
        Assert.InRange(mostMemory, long.MinValue, Limit);
        client.Dispose();
        await server.IsUnharmedAsync();
    }

    [Fact]
    public async Task A_recording_of_hours_within_the_limit_is_put_on_the_disk_and_not_in_memory()
    {
        // 300 MB that claim to be 2.6 hours, where an hour is allowed.
        const int size = 300 << 20;
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumAudioSeconds = 3600 });
        await server.TranscribeAsync();
        long before = GC.GetTotalAllocatedBytes();
        using RawClient client = await RawClient.ConnectAsync(server.Address);
        byte[] wav = File.ReadAllBytes(RunningServer.Recording)[..44];
        BitConverter.GetBytes(size).CopyTo(wav, 40);
        byte[] head = [.. Encoding.ASCII.GetBytes(RawClient.FileHead), .. wav], foot = Encoding.ASCII.GetBytes("\r\n--b--\r\n");
        await client.SendFormHeadAsync($"Content-Length: {head.Length + (long)size + foot.Length}\r\nConnection: close");
        await client.SendAsync(head);
        Assert.Equal(size, await client.FloodAsync(new byte[1 << 20], size, TimeSpan.FromSeconds(30)));
        long allocated = GC.GetTotalAllocatedBytes() - before;
        await client.SendAsync(foot);
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_audio"), await client.ReadAnswerAsync(TimeSpan.FromMinutes(1)));
        Assert.InRange(allocated, 0, size / 2);
        await server.IsUnharmedAsync();
    }

    [Fact]
    public async Task A_small_file_that_claims_to_be_slow_sound_is_stopped_early()
    {
        // One sample a second: 400 KB would become 3.2 billion samples.
        byte[] wav = File.ReadAllBytes(RunningServer.Recording);
        BitConverter.GetBytes(1).CopyTo(wav, 24);
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumAudioSeconds = 600, LoadEagerly = false });
        long before = GC.GetTotalAllocatedBytes();
        using HttpResponseMessage response = await server.Client.PostAsync("/v1/audio/transcriptions", RunningServer.Form(wav));
        Assert.Equal("invalid_audio", (await response.ErrorAsync()).Code);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 512 << 20);
    }

    private static byte[] Chunk(byte[] bytes) => [.. Encoding.ASCII.GetBytes($"{bytes.Length:x}\r\n"), .. bytes, (byte)'\r', (byte)'\n'];
}

/// <summary>Tests during which no others run.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";
}
