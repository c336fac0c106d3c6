using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>What stays in memory; nothing else may run meanwhile, so these tests have the process to themselves.</summary>
[Collection(nameof(ServingMemory))]
public sealed class MemoryTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private const long Allowance = 256 * 1024;

    private static readonly TranscriptionOptions Brief = new()
    {
        ConditionOnPreviousText = false,
        Temperatures = [0],
        Decoding = new() { Language = "en", SampleLength = 3 },
    };

    [Fact]
    public async Task Requests_leave_nothing_behind()
    {
        await using TranscriptionEngine engine = new(demo.Model);
        EngineRequest request = new(Clips.Samples("02-en.wav"), Brief);
        using CancellationTokenSource lasting = new(); // as a server has one that ends with the program
        long before = await MemoryAfter(40), after = await MemoryAfter(160);
        Assert.InRange(after, 0, before + Allowance);

        async Task<long> MemoryAfter(int requests)
        {
            foreach (int[] together in Enumerable.Range(0, requests).Chunk(20))
            {
                await Task.WhenAll(together.Select(i => engine.Start(request with { Client = $"{i}" }, lasting.Token).Transcript));
            }

            await engine.Idle();
            return GC.GetTotalMemory(forceFullCollection: true);
        }
    }

    [Fact]
    public async Task Refused_requests_leave_nothing_behind()
    {
        await using TranscriptionEngine engine = new(demo.Model);
        await engine.StopAsync();
        EngineRequest request = new(Clips.Samples("02-en.wav"), Brief);
        using CancellationTokenSource lasting = new();
        long before = MemoryAfter(10), after = MemoryAfter(2_000);
        Assert.InRange(after, 0, before + Allowance);

        long MemoryAfter(int requests)
        {
            for (int i = 0; i < requests; i++)
            {
                Assert.Throws<EngineStoppedException>(() => engine.Start(request, lasting.Token));
            }

            return GC.GetTotalMemory(forceFullCollection: true);
        }
    }

    [Fact]
    public async Task A_stream_does_not_grow()
    {
        SileroVad vad = SileroVad.Load(TestData.Weights("silero-vad"));
        float[] sentences = [.. Clips.Samples("01-en.wav"), .. new float[AudioClip.SampleRate], .. Clips.Samples("05-en.wav"), .. new float[AudioClip.SampleRate]];
        await using TranscriptionEngine engine = new(demo.Model);
        await using LiveTranscription live = new(engine, vad, new LiveOptions { Transcription = Brief });
        await using IAsyncEnumerator<LiveEvent> events = live.Events().GetAsyncEnumerator();
        long before = await MemoryAfter(10), after = await MemoryAfter(20);
        Assert.InRange(after, 0, before + Allowance);

        async Task<long> MemoryAfter(int times)
        {
            for (int i = 0; i < times; i++)
            {
                await live.WriteAsync(sentences);
                for (int ends = 0; ends < 2; ends += events.Current is LiveEndpoint ? 1 : 0)
                {
                    Assert.True(await events.MoveNextAsync());
                }
            }

            return GC.GetTotalMemory(forceFullCollection: true);
        }
    }
}

/// <summary>Tests that look at the memory of the whole process.</summary>
[CollectionDefinition(nameof(ServingMemory), DisableParallelization = true)]
public sealed class ServingMemory;
