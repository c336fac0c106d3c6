using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Tests.Serving;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Gpu;

/// <summary>A card without memory to spare: an engine at work takes none but for the recordings, and one that is too large fails alone.</summary>
[Collection(nameof(GpuTests))]
public sealed class GpuServingMemoryTests
{
    private static readonly TranscriptionOptions English = new() { Decoding = new() { Language = "en" }, Temperatures = [0] };

    /// <summary>Every way to decode, and so every lane, window and kind of step.</summary>
    private static readonly TranscriptionOptions[] Kinds =
    [
        English,
        English with { Decoding = English.Decoding with { BestOf = 2, Seed = 3 }, Temperatures = [0.6] },
        English with { Decoding = English.Decoding with { BeamSize = 3 }, WordTimestamps = true },
        new() { Temperatures = [0], Decoding = new() { RepetitionPenalty = 1.1 } },
    ];

    public GpuServingMemoryTests(GpuFixture gpu) => _ = gpu; // has the driver ready

    [Fact]
    public async Task Lanes_and_windows_take_no_memory_while_they_are_served_and_a_recording_too_large_fails_alone()
    {
        GpuDevice device = new();
        GpuMemory memory = device.Memory;
        using Handwritten.Kernels.IKernels kernels = GpuKernels.Create(device, ComputeType.Float16);
        using WhisperModel model = WhisperModel.Load(TestData.Weights("whisper-nano"), kernels);
        await using TranscriptionEngine engine = new(model, new EngineOptions { Windows = 2, Lanes = 4, EncoderBatch = 2 });
        long allocated = memory.UsedBytes;
        Transcript[] expected = await ServeAsync(engine, Kinds);

        // What the first request of a kind has taken for good is a small part of the reserve that an engine demands before it starts.
        long atWork = memory.UsedBytes;
        Assert.InRange(atWork - allocated, 0, 1 << 20);

        // From now on there is room for the recordings and nothing else: 3 s, and the window of silence behind, in float32.
        float[] samples = Clips.Samples("02-en.wav");
        long room = Kinds.Length * (sizeof(float) * (samples.Length + (model.Dimensions.MelBins * ((samples.Length / WhisperAudio.HopLength) + WhisperAudio.WindowFrames + 1L))) + (16 << 10));
        memory.BudgetBytes = atWork + room;
        Transcript[] actual = await ServeAsync(engine, Kinds);
        foreach ((Transcript one, Transcript other) in expected.Zip(actual))
        {
            Clips.AssertSame(one, other);
        }

        // In the company of one for which there is no room.
        using ServedTranscription large = engine.Start(new EngineRequest(new float[600 * WhisperAudio.SampleRate], English) { Client = "large" });
        Task<Transcript[]> neighbours = ServeAsync(engine, Kinds);
        GpuException failure = await Assert.ThrowsAsync<GpuException>(() => large.Transcript);
        Assert.Equal((true, false), (failure.IsOutOfMemory, failure.IsDeviceLost));
        foreach ((Transcript one, Transcript other) in expected.Zip(await neighbours))
        {
            Clips.AssertSame(one, other);
        }

        EngineStatistics statistics = await engine.Idle();
        Assert.Equal((3 * Kinds.Length, 1), (statistics.Completed, statistics.Failed));
        Assert.Equal(atWork, memory.UsedBytes); // nothing is left of any of them
    }

    private static async Task<Transcript[]> ServeAsync(TranscriptionEngine engine, TranscriptionOptions[] kinds)
    {
        ServedTranscription[] served = [.. kinds.Select(options => engine.Start(new EngineRequest(Clips.Samples("02-en.wav"), options)))];
        Transcript[] transcripts = await Task.WhenAll(served.Select(request => request.Transcript));
        await engine.Idle();
        return transcripts;
    }
}
