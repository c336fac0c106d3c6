using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Tests.Serving;
using Handwritten.Runtime.Transcription;
using Xunit;

namespace Handwritten.Runtime.Tests.Gpu;

/// <summary>The serving engine on the CUDA back end: windows join and leave the recorded steps.</summary>
[Collection(nameof(GpuTests))]
public sealed class GpuServingTests(GpuFixture gpu)
{
    private static readonly TranscriptionOptions English = new() { Decoding = new() { Language = "en" }, Temperatures = [0] };

    [Fact]
    public async Task Requests_in_company_get_the_segments_that_they_get_alone()
    {
        WhisperModel model = gpu.Open(ComputeType.Float16);
        (string Clip, TranscriptionOptions Options)[] requests =
        [
            ("02-en.wav", English),
            ("10-en.wav", English),
            ("13-de.wav", new() { Temperatures = [0] }),
            ("03-en.wav", English with { Decoding = English.Decoding with { BestOf = 2, Seed = 3 }, Temperatures = [0.6] }),
            ("02-en.wav", English with { Decoding = English.Decoding with { BeamSize = 2 } }),
        ];
        Transcript[] alone;
        using (Transcriber transcriber = new(model))
        {
            alone = [.. requests.Select(request => transcriber.Transcribe(Clips.Samples(request.Clip), request.Options))];
        }

        await using TranscriptionEngine engine = new(model, new EngineOptions { Windows = 3, Lanes = 4, EncoderBatch = 2 });
        using ServedTranscription leaves = engine.Start(new EngineRequest(Clips.Samples("10-en.wav"), English));
        ServedTranscription[] served = [.. requests.Select(request => engine.Start(new EngineRequest(Clips.Samples(request.Clip), request.Options)))];
        await served[0].Transcript;
        leaves.Dispose();
        for (int i = 0; i < requests.Length; i++)
        {
            Clips.AssertSame(alone[i], await served[i].Transcript);
        }

        EngineStatistics statistics = await engine.Idle();
        Assert.True(statistics.StepRows > statistics.Steps, $"{statistics.StepRows} rows in {statistics.Steps} steps");
    }

    [Fact]
    public async Task Requests_of_all_languages_that_join_and_leave_get_the_tokens_that_they_get_alone_on_the_CPU()
    {
        (string Clip, TranscriptionOptions Options)[] requests =
        [
            ("12-es.wav", new() { Temperatures = [0] }),
            ("14-fr.wav", new() { Temperatures = [0], Decoding = new() { Language = "fr", Task = SpeechTask.Translate } }),
            ("13-de.wav", new() { Temperatures = [0], Decoding = new() { Language = "de", WithoutTimestamps = true } }),
            ("02-en.wav", English with { InitialPrompt = "Where is my hat?" }),
            ("01-en.wav", English with { Decoding = English.Decoding with { RepetitionPenalty = 1.2 } }),
            ("03-en.wav", English with { WordTimestamps = true, Decoding = English.Decoding with { BeamSize = 2 } }),
        ];
        Transcript[] alone;
        using (Transcriber transcriber = new(gpu.Cpu))
        {
            alone = [.. requests.Select(request => transcriber.Transcribe(Clips.Samples(request.Clip), request.Options))];
        }

        await using TranscriptionEngine engine = new(gpu.Open(ComputeType.Float16), new EngineOptions { Windows = 2, Lanes = 3, EncoderBatch = 1 });
        using ServedTranscription leaves = engine.Start(new EngineRequest(Clips.Samples("long-en.wav"), English) { Priority = RequestPriority.Bulk });
        ServedTranscription[] served = [.. requests.Select((request, i) => engine.Start(new EngineRequest(Clips.Samples(request.Clip), request.Options) { Client = $"{i}", Priority = (RequestPriority)(i % 3) }))];
        await await Task.WhenAny(served.Select(request => request.Transcript));
        leaves.Dispose();
        for (int i = 0; i < requests.Length; i++)
        {
            Transcript transcript = await served[i].Transcript;
            Assert.Equal((alone[i].Text, alone[i].Language), (transcript.Text, transcript.Language));
            Assert.Equal(alone[i].Segments.SelectMany(segment => segment.Tokens), transcript.Segments.SelectMany(segment => segment.Tokens));
        }

        EngineStatistics statistics = await engine.Idle();
        Assert.Equal((requests.Length, 1, 0), (statistics.Completed, statistics.Cancelled, statistics.Failed));
    }

    [Fact]
    public void An_engine_that_does_not_fit_is_refused_before_anything_is_allocated()
    {
        WhisperModel model = gpu.Open(ComputeType.Float16);
        GpuException refused = Assert.Throws<GpuException>(() => new TranscriptionEngine(model, new EngineOptions { Windows = 1024, Lanes = 1 << 20 }));
        Assert.Contains("whisper-nano for 1024 windows and 1048576 lanes at the same time does not fit", refused.Message, StringComparison.Ordinal);
        Assert.Contains("keys and values", refused.Message, StringComparison.Ordinal);
    }
}
